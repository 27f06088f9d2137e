import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ACL,
  CloseSessionTxn,
  CreateSessionTxn,
  CreateTxn,
  DeleteTxn,
  ErrorTxn,
  encodeRecord,
  Long,
  MultiTxn,
  type RecordType,
  SetACLTxn,
  SetDataTxn,
  TxnHeader,
  Writer,
} from "@quoll/jute";
import { DataTree, NodeDisk, OpCode, snapshotCodecs, TxnLogWriter, writeTreeSnapshot } from "@quoll/server/storage";
import { afterAll } from "vitest";
import { TREE_OPTIONS } from "../../src/offline/tree.js";

export const OPEN: readonly ACL[] = [{ perms: 31, id: { scheme: "world", id: "anyone" } }];
export const SESSION = new Long(0x10000, 0xabc0001 | 0);
/** Of txn 0x1; each txn comes a second after the one before. */
export const FIRST_TIME_MS = Date.UTC(2026, 2, 1, 12, 0, 0);

/** A part of a multi. */
export interface Part {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Writes a database as a server does, txn by txn, with digests; and knows what the tree was after each. */
export class TestDatabase {
  readonly dataDir: string;
  readonly snapDirectory: string;
  readonly logDirectory: string;
  readonly tree = new DataTree({ ...TREE_OPTIONS, seed: 7 });
  /** The tree's digest by zxid. */
  readonly digests = new Map<number, string>();
  zxid = 0;
  private log: TxnLogWriter;
  private readonly disk = new NodeDisk();

  constructor(
    dataDir: string,
    readonly dataLogDir = dataDir,
    private readonly preAllocBytes = 0,
  ) {
    this.dataDir = dataDir;
    this.snapDirectory = join(dataDir, "version-2");
    this.logDirectory = join(dataLogDir, "version-2");
    mkdirSync(this.snapDirectory, { recursive: true });
    mkdirSync(this.logDirectory, { recursive: true });
    this.log = this.openLog();
    this.digests.set(0, this.digest);
    this.snapshot();
  }

  get digest(): string {
    return new Long(this.tree.digest.hi, this.tree.digest.lo).toString();
  }

  create(path: string, data: string | null = "", session = SESSION, ephemeral = false, acl = OPEN): this {
    return this.txn(OpCode.create, createBody(path, data, ephemeral, acl), session);
  }

  set(path: string, data: string, version: number): this {
    return this.txn(OpCode.setData, encodeRecord(SetDataTxn, { path, data: Buffer.from(data), version }));
  }

  delete(path: string): this {
    return this.txn(OpCode.delete, encodeRecord(DeleteTxn, { path }));
  }

  setAcl(path: string, acl: readonly ACL[], version: number): this {
    return this.txn(OpCode.setACL, encodeRecord(SetACLTxn, { path, acl, version }));
  }

  createSession(session = SESSION): this {
    return this.txn(OpCode.createSession, encodeRecord(CreateSessionTxn, { timeOut: 30_000 }), session);
  }

  closeSession(paths: readonly string[], session = SESSION): this {
    return this.txn(OpCode.closeSession, encodeRecord(CloseSessionTxn, { paths2Delete: paths }), session);
  }

  error(err: number): this {
    return this.txn(OpCode.error, encodeRecord(ErrorTxn, { err }));
  }

  multi(...parts: readonly Part[]): this {
    return this.txn(OpCode.multi, encodeRecord(MultiTxn, { txns: parts }));
  }

  /** Begins a new log file with the next txn. */
  roll(): this {
    this.log.roll();
    return this;
  }

  snapshot(compression: "" | "gz" | "snappy" = ""): this {
    const options = { compression, digestEnabled: true, lastProcessedZxid: true };
    writeTreeSnapshot(this.disk, this.snapDirectory, snapshotCodecs, this.tree.freeze(), options, () => {});
    this.tree.release();
    return this;
  }

  /** Cuts the zeros off the log and closes it. */
  close(): this {
    this.log.close();
    this.log = this.openLog();
    return this;
  }

  /** Any txn, with the digest of the tree after it. */
  txn(type: number, body: Uint8Array, session = SESSION): this {
    this.zxid++;
    const time = FIRST_TIME_MS + 1000 * (this.zxid - 1);
    const header = encodeRecord(TxnHeader, { clientId: session, cxid: this.zxid, zxid: this.zxid, time, type });
    const plain = Buffer.concat([header, body]);
    this.tree.apply(plain, 0, plain.length, null);
    this.digests.set(this.zxid, this.digest);
    const writer = new Writer();
    writer.long(0);
    writer.int(plain.length + 12);
    writer.raw(plain, 0, plain.length);
    writer.int(2);
    writer.int(this.tree.digest.hi);
    writer.int(this.tree.digest.lo);
    writer.byte(0x42);
    const entry = writer.take();
    this.log.append(entry, 0, entry.length);
    this.log.commit();
    this.log.markSynced();
    return this;
  }

  private openLog(): TxnLogWriter {
    const options = { preAllocBytes: this.preAllocBytes, sizeLimitBytes: -1, forceSync: true };
    return new TxnLogWriter(this.disk, this.logDirectory, options, this.zxid);
  }
}

export function createBody(path: string, data: string | null, ephemeral = false, acl = OPEN): Uint8Array {
  const bytes = data === null ? null : Buffer.from(data);
  return encodeRecord(CreateTxn, { path, data: bytes, acl, ephemeral, parentCVersion: -1 });
}

export function part<T>(type: number, record: RecordType<T>, value: T): Part {
  return { type, data: encodeRecord(record, value) };
}

let folder: string | null = null;
let count = 0;

/** A new folder's path, which is gone after the tests of this file. The folder itself is not made. */
export function newPath(): string {
  folder ??= mkdtempSync(join(tmpdir(), "quoll-offline-"));
  return join(folder, String(++count));
}

afterAll(() => {
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
});

/** All files below a folder with their contents, in hex: two of them are equal when nothing was changed. */
export function contentsOf(directory: string): ReadonlyMap<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  const isFile = (name: string) => statSync(join(directory, name)).isFile();
  return new Map(files.filter(isFile).map((name) => [name, readFileSync(join(directory, name)).toString("hex")]));
}
