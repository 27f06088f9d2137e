import type {
  Acl,
  Client,
  ClientError,
  ClientOptions,
  Library,
  OpResult,
  Stat,
  Transaction,
  WatchEvent,
} from "./client.js";

/** A session of node-zookeeper-client, with promises in place of its callbacks and a record of its events. */
export class Session {
  /** Names of the states, in the order in which they came. */
  readonly states: string[] = [];

  constructor(
    readonly library: Library,
    readonly client: Client,
  ) {
    client.on("state", (state) => void this.states.push(state.getName()));
  }

  /** Connects and waits until the client says `connected`. */
  static async open(library: Library, connectionString: string, options: ClientOptions = {}): Promise<Session> {
    const session = new Session(library, library.createClient(connectionString, { spinDelay: 50, ...options }));
    const connected = session.next("connected");
    session.client.connect();
    await connected;
    return session;
  }

  /** Resolves at the next `event` of the client: connected, disconnected, expired, authenticationFailed. */
  next(event: string): Promise<void> {
    return new Promise((resolve) => this.client.once(event, () => resolve()));
  }

  /** Closes the session and waits until the connection is gone. */
  async close(): Promise<void> {
    if (this.client.getState().getName() !== "SYNC_CONNECTED") return;
    const disconnected = this.next("disconnected");
    this.client.close();
    await disconnected;
  }

  /** Drops the connection without closing the session, and does not come back. */
  abandon(): void {
    const { connectionManager } = this.client as unknown as {
      connectionManager: { connect(): void; socket: { destroy(): void } };
    };
    connectionManager.connect = () => {};
    connectionManager.socket.destroy();
  }

  create(path: string, data: string | Buffer | null = null, mode = 0, acls?: Acl[]): Promise<string> {
    return one((callback) =>
      this.client.create(path, bytes(data), acls ?? this.library.ACL.OPEN_ACL_UNSAFE, mode, callback),
    );
  }

  mkdirp(path: string, data: string | null = null, mode = 0): Promise<string> {
    return one((callback) => this.client.mkdirp(path, bytes(data), this.library.ACL.OPEN_ACL_UNSAFE, mode, callback));
  }

  exists(path: string, watcher?: (event: WatchEvent) => void): Promise<Stat | null> {
    return one((callback) => this.client.exists(path, watcher, callback));
  }

  async getData(
    path: string,
    watcher?: (event: WatchEvent) => void,
  ): Promise<{ data: Buffer | undefined; stat: Stat }> {
    const [data, stat] = await all<[Buffer | undefined, Stat]>((callback) =>
      this.client.getData(path, watcher, callback),
    );
    return { data, stat };
  }

  async getChildren(path: string, watcher?: (event: WatchEvent) => void): Promise<{ children: string[]; stat: Stat }> {
    const [children, stat] = await all<[string[], Stat]>((callback) =>
      this.client.getChildren(path, watcher, callback),
    );
    return { children: children.sort(), stat };
  }

  setData(path: string, data: string | Buffer, version = -1): Promise<Stat> {
    return one((callback) => this.client.setData(path, bytes(data)!, version, callback));
  }

  async getAcl(path: string): Promise<{ acls: Acl[]; stat: Stat }> {
    const [acls, stat] = await all<[Acl[], Stat]>((callback) => this.client.getACL(path, callback));
    return { acls, stat };
  }

  setAcl(path: string, acls: Acl[], version = -1): Promise<Stat> {
    return one((callback) => this.client.setACL(path, acls, version, callback));
  }

  async remove(path: string, version = -1): Promise<void> {
    await all((callback) => this.client.remove(path, version, callback));
  }

  async removeRecursive(path: string): Promise<void> {
    await all((callback) => this.client.removeRecursive(path, -1, callback));
  }

  list(path: string): Promise<string[]> {
    return one((callback) => this.client.listSubTreeBFS(path, callback));
  }

  /** Commits; a transaction that fails gives its results too. */
  commit(transaction: Transaction): Promise<{ error: ClientError | null; results: OpResult[] }> {
    return new Promise((resolve) => {
      transaction.commit((error, results) => resolve({ error: error ?? null, results: results ?? [] }));
    });
  }
}

/** A watcher that keeps its events and lets a test wait for one. */
export class Watch {
  readonly events: string[] = [];
  private wake: (() => void) | null = null;

  readonly watcher = (event: WatchEvent): void => {
    this.events.push(`${event.getName()} ${event.getPath()}`);
    this.wake?.();
  };

  /** Resolves with all events once there are `count` of them. */
  async seen(count: number): Promise<string[]> {
    while (this.events.length < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.events;
  }
}

/** A long of the wire as a number; only for counters and times, which are small enough. */
export function long(buffer: Buffer): number {
  return Number(buffer.readBigInt64BE());
}

function bytes(data: string | Buffer | null): Buffer | null {
  return typeof data === "string" ? Buffer.from(data) : data;
}

type Callback<T extends unknown[]> = (error: ClientError | null | undefined, ...results: T) => void;

function all<T extends unknown[]>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, ...results) => (error ? reject(error) : resolve(results)));
  });
}

async function one<T>(call: (callback: Callback<[T]>) => void): Promise<T> {
  return (await all(call))[0];
}
