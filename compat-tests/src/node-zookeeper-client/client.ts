import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cacheFolder, PeerUnavailableError } from "../peers/cache.js";

/** What we use of node-zookeeper-client 1.1.3, as its README describes it. Longs are buffers of 8 bytes. */
export interface Library {
  createClient(connectionString: string, options?: ClientOptions): Client;
  readonly ACL: (new (
    permission: number,
    id: Id,
  ) => Acl) &
    Readonly<Record<"OPEN_ACL_UNSAFE" | "CREATOR_ALL_ACL" | "READ_ACL_UNSAFE", Acl[]>>;
  readonly Id: new (scheme: string, id: string) => Id;
  readonly Permission: Readonly<Record<"READ" | "WRITE" | "CREATE" | "DELETE" | "ADMIN" | "ALL", number>>;
  readonly CreateMode: Readonly<
    Record<"PERSISTENT" | "EPHEMERAL" | "PERSISTENT_SEQUENTIAL" | "EPHEMERAL_SEQUENTIAL", number>
  >;
  readonly State: Readonly<Record<string, ClientState>>;
  readonly Event: Readonly<
    Record<"NODE_CREATED" | "NODE_DELETED" | "NODE_DATA_CHANGED" | "NODE_CHILDREN_CHANGED", number>
  >;
  readonly Exception: Readonly<Record<string, number>>;
}

export interface ClientOptions {
  readonly sessionTimeout?: number;
  readonly spinDelay?: number;
  readonly retries?: number;
  readonly sessionId?: Buffer;
  readonly sessionPassword?: Buffer;
}

export interface Id {
  readonly scheme: string;
  readonly id: string;
}

export interface Acl {
  readonly permission: number;
  readonly id: Id;
}

export interface ClientState {
  getName(): string;
  getCode(): number;
}

export interface WatchEvent {
  getType(): number;
  getName(): string;
  getPath(): string;
}

export interface ClientError extends Error {
  getCode(): number;
  getName(): string;
}

export interface Stat {
  readonly czxid: Buffer;
  readonly mzxid: Buffer;
  readonly ctime: Buffer;
  readonly mtime: Buffer;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: Buffer;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: Buffer;
}

/** One part of a transaction's reply. */
export interface OpResult {
  readonly type: number;
  readonly err?: number;
  readonly path?: string;
  readonly stat?: Stat;
}

export type Watcher = (event: WatchEvent) => void;
type Callback<T extends unknown[]> = (error: ClientError | null | undefined, ...results: T) => void;

export interface Transaction {
  create(path: string, data?: Buffer | null, acls?: Acl[], mode?: number): Transaction;
  check(path: string, version?: number): Transaction;
  setData(path: string, data: Buffer | null, version?: number): Transaction;
  remove(path: string, version?: number): Transaction;
  commit(callback: Callback<[OpResult[]]>): void;
}

/** The callback API. Optional arguments are left out or undefined. */
export interface Client {
  connect(): void;
  close(): void;
  once(event: string, listener: (state: ClientState) => void): void;
  on(event: string, listener: (state: ClientState) => void): void;
  getState(): ClientState;
  getSessionId(): Buffer;
  getSessionPassword(): Buffer;
  getSessionTimeout(): number;
  addAuthInfo(scheme: string, auth: Buffer): void;
  create(path: string, data: Buffer | null, acls: Acl[], mode: number, callback: Callback<[string]>): void;
  create(path: string, callback: Callback<[string]>): void;
  mkdirp(path: string, data: Buffer | null, acls: Acl[], mode: number, callback: Callback<[string]>): void;
  exists(path: string, watcher: Watcher | undefined, callback: Callback<[Stat | null]>): void;
  getData(path: string, watcher: Watcher | undefined, callback: Callback<[Buffer | undefined, Stat]>): void;
  getChildren(path: string, watcher: Watcher | undefined, callback: Callback<[string[], Stat]>): void;
  setData(path: string, data: Buffer, version: number, callback: Callback<[Stat]>): void;
  getACL(path: string, callback: Callback<[Acl[], Stat]>): void;
  setACL(path: string, acls: Acl[], version: number, callback: Callback<[Stat]>): void;
  remove(path: string, version: number, callback: Callback<[]>): void;
  removeRecursive(path: string, version: number, callback: Callback<[]>): void;
  listSubTreeBFS(path: string, callback: Callback<[string[]]>): void;
  transaction(): Transaction;
}

const VERSION = "1.1.3";

/**
 * Installs node-zookeeper-client under `.cache/`, once, and loads it.
 * @throws {@link PeerUnavailableError} when npm cannot get it
 */
export function loadLibrary(): Library {
  const folder = cacheFolder("npm", `node-zookeeper-client-${VERSION}`);
  if (!existsSync(join(folder, "node_modules", "node-zookeeper-client"))) {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
    try {
      execFileSync(
        "npm",
        ["install", "--no-audit", "--no-fund", "--ignore-scripts", `node-zookeeper-client@${VERSION}`],
        {
          cwd: folder,
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
    } catch (error) {
      throw new PeerUnavailableError(`npm did not give node-zookeeper-client@${VERSION}: ${error}`);
    }
  }
  return createRequire(join(folder, "package.json"))("node-zookeeper-client") as Library;
}
