import { type ACL, Acls } from "../core/acl.js";
import { ConnectStringError, parseConnectString } from "../core/connect-string.js";
import { AbortedError, ClosedError, keeperError, LimitError, type Outcome } from "../core/errors.js";
import type { ReadOp, ReadResults, WriteOp, WriteResults } from "../core/multi-op.js";
import type { NodeData } from "../core/node-data.js";
import { OpCode, operationName } from "../core/op-code.js";
import { pathProblem, serverPath } from "../core/path.js";
import { type Children, type ClientInfo, type Created, type NodeAcl, type Reconfig, Request } from "../core/request.js";
import type { SessionCore } from "../core/session-core.js";
import { isConnected, type SessionState } from "../core/session-state.js";
import type { Stat } from "../core/stat.js";
import type { AddWatchMode, WatcherType, WatchListener } from "../core/watch-event.js";
import { ADD_WATCH_MODES, WATCHER_TYPES } from "../core/watch-table.js";
import { AbortWatch } from "./abort-watch.js";
import { bytesOf } from "./data.js";
import { Driver } from "./driver.js";
import { CREATE_FLAGS, createType, isSequential } from "./op.js";
import type { ClientOptions, CreateOptions, Data, OperationOptions, ReadOptions, VersionOptions } from "./options.js";
import type { Platform } from "./platform.js";
import { createProtected } from "./protected-create.js";
import type { Session } from "./session.js";
import { sessionConfig } from "./session-config.js";
import { Watch } from "./watch.js";
import { WatchQueue } from "./watch-queue.js";

/** What a change of state is told with. */
export interface StateChange {
  /** From now on. */
  readonly state: SessionState;
  /** Until now. */
  readonly previous: SessionState;
  /** Of the session that this is about; 0n if there has been none yet. */
  readonly sessionId: bigint;
  /** In words. */
  readonly reason: string;
}

/** Gets the changes of state, in order. */
export type StateListener = (change: StateChange) => void;

const NONE: OperationOptions = {};

/**
 * A client of a ZooKeeper ensemble. It looks for a server by itself, keeps a session alive, and comes back after every
 * disconnection. Operations may be called at any time and are carried out in the order of the calls; while there is no
 * connection, they wait.
 *
 * Every operation fails with a {@link KeeperError} (ZooKeeper's code, and what is known about the effect), an
 * {@link AbortedError} (its signal), a {@link ClosedError} or a {@link LimitError}. Nothing is thrown synchronously.
 *
 * Make one with {@link connect} or {@link createClient}, or with the constructor on a {@link Platform} of your own.
 */
export class ZooKeeper implements AsyncDisposable {
  /** The clock, timers and chance that this client runs on. */
  readonly platform: Platform;
  /** Stands before every path on the server; "" if there is none. */
  readonly chroot: string;
  /** After how long an operation without a timeout of its own is given up, ms; 0 for never. */
  readonly operationTimeoutMs: number;

  private readonly core: SessionCore;
  private readonly driver: Driver;
  private readonly aborts = new AbortWatch<Request>((request, reason) => {
    this.driver.abandon(request, this.aborted(request, request.outcome, reason));
  });

  /**
   * @param connectString - `host:port,host:port/chroot`
   * @throws {@link ConnectStringError}, or a RangeError for an option out of its bounds
   */
  constructor(connectString: string, options: ClientOptions, platform: Platform) {
    const { servers, chroot } = parseConnectString(connectString);
    if (chroot !== "") {
      const problem = pathProblem(chroot, false);
      if (problem !== null) throw new ConnectStringError(`chroot ${JSON.stringify(chroot)}: ${problem}`);
    }
    const config = sessionConfig(servers, chroot, options);
    this.platform = platform;
    this.chroot = chroot;
    this.operationTimeoutMs = config.operationTimeoutMs;
    this.driver = new Driver(platform, config, options);
    this.core = this.driver.core;
    for (const { scheme, auth } of options.auth ?? []) this.core.addAuth(scheme, bytesOf(auth)!, NOTHING, NOTHING);
    this.driver.start();
  }

  // ------------------------------------------------------------------------------------------------- the session

  /** Where this client stands now. */
  get state(): SessionState {
    return this.core.state;
  }

  /** Whether operations are answered now. */
  get isConnected(): boolean {
    return isConnected(this.core.state);
  }

  /** The present session, or the last one if it has ended; null before the first. */
  get session(): Session | null {
    return this.driver.session;
  }

  /** The server that this client is connected to, as `host:port`; null while it isn't. */
  get server(): string | null {
    return this.core.connectedServer;
  }

  /**
   * Calls `listener` at every change of state, in order.
   * @returns a function that ends it
   */
  onStateChange(listener: StateListener): () => void {
    this.driver.stateListeners.add(listener);
    return () => void this.driver.stateListeners.delete(listener);
  }

  /**
   * Waits until there is a connection, and returns the session.
   * @throws {@link KeeperError} AuthFailed, SessionExpired (only with `renewSession: false`), or OperationTimeout;
   *   {@link AbortedError}; {@link ClosedError}
   */
  connected(options: OperationOptions = NONE): Promise<Session> {
    return this.driver.connected(options);
  }

  /**
   * Identifies this client's connections further, now and after every reconnect.
   * @throws {@link KeeperError} AuthFailed: then the client is of no use any more
   */
  addAuth(scheme: string, auth: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.core.addAuth(scheme, bytesOf(auth)!, resolve as () => void, reject);
      this.driver.changed();
    });
  }

  /**
   * Ends the session once what was called before is done: the server deletes its ephemerals at once. Later operations fail
   * with a {@link ClosedError}. Without a connection it ends here, and the session expires by itself.
   */
  close(): Promise<void> {
    return this.driver.close();
  }

  /**
   * Ends the client without a word to the server: the session lives on there until its timeout, so that another client
   * can continue it (see {@link Session.credentials}).
   */
  detach(): void {
    this.driver.detach();
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Operations that have been called and are not done yet. */
  get pending(): number {
    return this.core.pending;
  }

  /** Resolves once at most `max` operations are pending: wait for it where many are called in a row. */
  drained(max: number = this.core.config.inFlightMax): Promise<void> {
    return this.driver.drained(max);
  }

  // -------------------------------------------------------------------------------------------------- operations

  /**
   * Creates a znode.
   * @param data - with the rest of the request at most `juteMaxBuffer` bytes
   * @returns its path; of a sequential one with its number, of a protected one with its prefix
   * @throws {@link KeeperError} NodeExists, NoNode (no parent), NoAuth (needs CREATE on the parent),
   *   NoChildrenForEphemerals, InvalidACL, QuotaExceeded; Unimplemented (TTLs are switched off)
   */
  create(path: string, data: Data = null, options: CreateOptions = NONE): Promise<string> {
    return this.createNode(path, data, options, false) as Promise<string>;
  }

  /** As {@link create}, and returns the Stat too. Its `czxid` is the zxid of the creation. */
  createWithStat(path: string, data: Data = null, options: CreateOptions = NONE): Promise<Created> {
    return this.createNode(path, data, options, true) as Promise<Created>;
  }

  /**
   * Deletes a znode without children.
   * @throws {@link KeeperError} NoNode, BadVersion, NotEmpty, NoAuth (needs DELETE on the parent)
   */
  delete(path: string, options: VersionOptions = NONE): Promise<void> {
    return this.run(OpCode.delete, path, null, null, options.version ?? -1, null, options);
  }

  /** The Stat of a znode, or null if there is none. A watch is set in both cases. */
  exists(path: string, options: ReadOptions = NONE): Promise<Stat | null> {
    return this.run(OpCode.exists, path, null, null, 0, options.watch, options);
  }

  /**
   * Data and Stat of a znode.
   * @throws {@link KeeperError} NoNode, NoAuth (needs READ); {@link ReplyTooLargeError}
   */
  getData(path: string, options: ReadOptions = NONE): Promise<NodeData> {
    return this.run(OpCode.getData, path, null, null, 0, options.watch, options);
  }

  /**
   * Replaces the data of a znode.
   * @returns the new Stat; its `mzxid` is the zxid of this change
   * @throws {@link KeeperError} NoNode, BadVersion, NoAuth (needs WRITE), QuotaExceeded
   */
  setData(path: string, data: Data, options: VersionOptions = NONE): Promise<Stat> {
    return this.run(OpCode.setData, path, bytesOf(data), null, options.version ?? -1, null, options);
  }

  /**
   * The ACL of a znode. Without ADMIN the hashes of digests are not shown.
   * @throws {@link KeeperError} NoNode, NoAuth (needs READ or ADMIN)
   */
  getACL(path: string, options: OperationOptions = NONE): Promise<NodeAcl> {
    return this.run(OpCode.getACL, path, null, null, 0, null, options);
  }

  /**
   * Replaces the ACL of a znode; `version` is compared with `aversion`.
   * @throws {@link KeeperError} NoNode, BadVersion, InvalidACL, NoAuth (needs ADMIN)
   */
  setACL(path: string, acl: readonly ACL[], options: VersionOptions = NONE): Promise<Stat> {
    return this.run(OpCode.setACL, path, null, acl, options.version ?? -1, null, options);
  }

  /**
   * The names of a znode's children, in no order.
   * @throws {@link KeeperError} NoNode, NoAuth (needs READ); {@link ReplyTooLargeError}
   */
  getChildren(path: string, options: ReadOptions = NONE): Promise<string[]> {
    return this.run(OpCode.getChildren, path, null, null, 0, options.watch, options);
  }

  /** As {@link getChildren}, and returns the Stat of the same moment too. */
  getChildrenWithStat(path: string, options: ReadOptions = NONE): Promise<Children> {
    return this.run(OpCode.getChildren2, path, null, null, 0, options.watch, options);
  }

  /** Lets this client's server catch up with the leader: reads called after it see all that was done before it. */
  sync(path = "/", options: OperationOptions = NONE): Promise<void> {
    return this.run(OpCode.sync, path, null, null, 0, null, options);
  }

  /**
   * Carries out all writes, or none of them, in one txn.
   * ```ts
   * const [stat] = await zk.multi([op.setData("/a", "1"), op.check("/b", 3)]);
   * ```
   * @returns the results one by one
   * @throws {@link MultiError} with the part that failed
   */
  multi<const Ops extends readonly WriteOp<unknown>[]>(
    ops: Ops,
    options: OperationOptions = NONE,
  ): Promise<WriteResults<Ops>> {
    for (const { path, number, type } of ops) {
      const problem = pathProblem(path, type !== OpCode.setData && type !== OpCode.delete && isSequential(number));
      if (problem !== null) return this.refuse(type, path, problem);
    }
    return this.send(new Request(OpCode.multi, "", null, null, 0, 0, false, ops, null), options);
  }

  /**
   * Carries out all reads at one moment. Results are one by one: a value or a {@link KeeperError}. Needs a server of 3.6
   * or newer.
   */
  multiRead<const Ops extends readonly ReadOp<unknown>[]>(
    ops: Ops,
    options: OperationOptions = NONE,
  ): Promise<ReadResults<Ops>> {
    for (const { path, type } of ops) {
      const problem = pathProblem(path, false);
      if (problem !== null) return this.refuse(type, path, problem);
    }
    return this.send(new Request(OpCode.multiRead, "", null, null, 0, 0, false, ops, null), options);
  }

  /** The paths of this session's ephemerals that begin with `prefix`. Needs a server of 3.6 or newer. */
  getEphemerals(prefix = "/", options: OperationOptions = NONE): Promise<string[]> {
    const path = prefix === "/" ? this.chroot || "/" : this.chroot + prefix;
    return this.send(new Request(OpCode.getEphemerals, path, null, null, 0, 0, false, null, null), options);
  }

  /** How many znodes are below this one, all levels together. Needs a server of 3.6 or newer. */
  getAllChildrenNumber(path: string, options: OperationOptions = NONE): Promise<number> {
    return this.run(OpCode.getAllChildrenNumber, path, null, null, 0, null, options);
  }

  /** As whom the server knows this connection. Needs a server of 3.7 or newer. */
  whoAmI(options: OperationOptions = NONE): Promise<ClientInfo[]> {
    return this.send(new Request(OpCode.whoAmI, "", null, null, 0, 0, false, null, null), options);
  }

  /** The ensemble's configuration: `/zookeeper/config`, whatever the chroot. */
  getConfig(options: ReadOptions = NONE): Promise<NodeData> {
    const request = new Request(OpCode.getData, "/zookeeper/config", null, null, 0, 0, false, null, null);
    request.listener = listenerOf(options.watch);
    return this.send(request, options);
  }

  /**
   * Changes the members of the ensemble: either `joining` and `leaving`, or `newMembers`.
   * @param change - members as in the configuration file, separated by commas or newlines; `fromConfig` is the version
   *   that the present configuration must have, -1n (default) for any
   * @returns the new configuration
   * @throws {@link KeeperError} ReconfigDisabled, ReconfigInProgress, BadVersion, BadArguments, NewConfigNoQuorum, NoAuth
   */
  reconfig(
    change: { joining?: string; leaving?: string; newMembers?: string; fromConfig?: bigint },
    options: OperationOptions = NONE,
  ): Promise<NodeData> {
    const reconfig: Reconfig = {
      joining: change.joining ?? null,
      leaving: change.leaving ?? null,
      newMembers: change.newMembers ?? null,
      fromConfig: change.fromConfig ?? -1n,
    };
    return this.send(new Request(OpCode.reconfig, "", null, null, 0, 0, false, null, reconfig), options);
  }

  // ----------------------------------------------------------------------------------------------------- watches

  /**
   * Watches a path for good: over reconnects (each gives a Gap event), until the {@link Watch} is closed or the session
   * ends. The path need not exist. Needs a server of 3.6 or newer.
   * @param mode - `persistent`: the znode and its children's names; `persistentRecursive`: everything at and below it, but
   *   no NodeChildrenChanged
   * @param watch - gets the events
   * @throws {@link KeeperError} Unimplemented by older servers, which close the connection too
   */
  addWatch(
    path: string,
    mode: AddWatchMode,
    watch: WatchListener | WatchQueue,
    options: OperationOptions = NONE,
  ): Promise<Watch> {
    const listener = listenerOf(watch) as WatchListener;
    return this.run<void>(OpCode.addWatch, path, null, null, ADD_WATCH_MODES[mode], listener, options).then(
      () => new Watch(this.driver, serverPath(this.chroot, path), path, mode, listener),
    );
  }

  /**
   * Watches a path for good, as a stream:
   * ```ts
   * for await (const { type, path } of zk.watch("/app", "persistentRecursive")) …
   * ```
   * The watch is set when the loop begins; leaving the loop removes it. It ends after SessionEnded, or when the signal
   * fires.
   */
  async *watch(path: string, mode: AddWatchMode, options: OperationOptions & { readonly max?: number } = NONE) {
    const queue = new WatchQueue(options.max);
    const watch = await this.addWatch(path, mode, queue, options);
    const stop = () => queue.close();
    options.signal?.addEventListener("abort", stop);
    try {
      yield* queue;
    } finally {
      options.signal?.removeEventListener("abort", stop);
      await watch.close();
    }
  }

  /** Whether the server holds such a watch of this connection. */
  checkWatches(path: string, type: WatcherType, options: OperationOptions = NONE): Promise<boolean> {
    return this.run(OpCode.checkWatches, path, null, null, WATCHER_TYPES[type], null, options);
  }

  /**
   * Takes away all watches of this path and type; their listeners get DataWatchRemoved, ChildWatchRemoved or
   * PersistentWatchRemoved.
   * @throws {@link KeeperError} NoWatcher
   */
  removeWatches(path: string, type: WatcherType, options: OperationOptions = NONE): Promise<void> {
    return this.run(OpCode.removeWatches, path, null, null, WATCHER_TYPES[type], null, options);
  }

  /**
   * Takes a listener away from the watches of this path that fire once and that are set, without asking the server. What
   * still comes for it is dropped.
   */
  forgetWatch(path: string, watch: WatchListener | WatchQueue): void {
    this.core.watches.removeOnce(serverPath(this.chroot, path), listenerOf(watch) as WatchListener);
  }

  // ----------------------------------------------------------------------------------------------------- private

  private createNode(path: string, data: Data, options: CreateOptions, wantsStat: boolean): Promise<unknown> {
    if (options.parents !== undefined || options.protection !== undefined) {
      return createProtected(this, path, bytesOf(data), options, wantsStat);
    }
    const mode = options.mode ?? "persistent";
    const flags = CREATE_FLAGS[mode];
    const type = createType(mode, wantsStat);
    const problem = pathProblem(path, isSequential(flags));
    if (problem !== null) return this.refuse(type, path, problem);
    const acl = options.acl ?? Acls.open;
    const ttlMs = options.ttlMs ?? 0;
    const onServer = serverPath(this.chroot, path);
    return this.send(new Request(type, onServer, bytesOf(data), acl, flags, ttlMs, wantsStat, null, null), options);
  }

  private run<Result>(
    type: number,
    path: string,
    data: Uint8Array | null,
    acl: readonly ACL[] | null,
    number: number,
    watch: WatchListener | WatchQueue | null | undefined,
    options: OperationOptions,
  ): Promise<Result> {
    const problem = pathProblem(path, false);
    if (problem !== null) return this.refuse(type, path, problem);
    const onServer = this.chroot === "" ? path : serverPath(this.chroot, path);
    const request = new Request(type, onServer, data, acl, number, 0, false, null, null);
    if (watch) request.listener = listenerOf(watch);
    return this.send(request, options);
  }

  private refuse<Result>(type: number, path: string, problem: string): Promise<Result> {
    return Promise.reject(keeperError("BadArguments", type, path, "notSent", problem));
  }

  /** Hands a request to the session. The promise is all that is allocated here, unless the call has a signal. */
  private send<Result>(request: Request, options: OperationOptions): Promise<Result> {
    const promise = new Promise<Result>(capture as PromiseExecutor<Result>);
    request.resolve = capturedResolve;
    request.reject = capturedReject;
    const { signal, session, timeoutMs = this.operationTimeoutMs } = options;
    if (session !== undefined && (session !== this.driver.session || session.signal.aborted)) {
      request.reject(request.error("SessionExpired", "notSent", this.chroot, "the session asked for has ended"));
      return promise;
    }
    if (signal !== undefined) {
      if (signal.aborted) {
        request.reject(this.aborted(request, "notSent", signal.reason));
        return promise;
      }
      this.aborts.add(signal, request);
      const done = () => this.aborts.remove(signal, request);
      promise.then(done, done);
    }
    this.driver.submit(request, timeoutMs);
    return promise;
  }

  private aborted(request: Request, outcome: Outcome, reason: unknown): AbortedError {
    return new AbortedError(operationName(request.type), request.clientPath(this.chroot), outcome, reason);
  }
}

/** The function that takes a watch's events. */
function listenerOf(watch: WatchListener | WatchQueue | null | undefined): WatchListener | null {
  if (watch instanceof WatchQueue) return watch.listener;
  return watch ?? null;
}

type PromiseExecutor<Result> = (
  resolve: (value: Result | PromiseLike<Result>) => void,
  reject: (reason: unknown) => void,
) => void;

let capturedResolve: (value: unknown) => void = NOTHING;
let capturedReject: (reason: unknown) => void = NOTHING;

/** One executor for all promises, which leaves what it is given here: a closure for each would cost as much as the promise. */
function capture(resolve: (value: unknown) => void, reject: (reason: unknown) => void): void {
  capturedResolve = resolve;
  capturedReject = reject;
}

function NOTHING(): void {}
