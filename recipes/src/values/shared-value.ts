import { isKeeperError, type Session, type ZooKeeper } from "@quoll/client";
import { FormatError, NotRunningError } from "../kernel/errors.js";
import { watchExistence, watchNode } from "../kernel/node-watches.js";
import { type BackgroundOptions, Listeners, runLoop } from "../kernel/run-loop.js";
import { raceAbort } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath } from "../names/paths.js";
import { decodeNumber, encodeNumber } from "./number-formats.js";

/** A value and what identifies it among all that the znode ever had. */
export interface VersionedValue<T> {
  /** What the znode held; not to be changed. */
  readonly value: T;
  /** Of the znode's data. */
  readonly version: number;
  /** zxid of the change that wrote it. */
  readonly zxid: bigint;
}

/**
 * A value that all see soon after one has changed it. Shared with Curator's `SharedValue`.
 *
 * Znode: `PATH`, persistent, the value as its data. Every change is seen in the end, but not each one in between.
 */
export class SharedValue implements AsyncDisposable {
  private readonly changes = new Listeners<VersionedValue<Uint8Array>>();
  private readonly closed = new AbortController();
  private readonly onError: ((error: unknown) => void) | undefined;
  private current: VersionedValue<Uint8Array> | null = null;
  private running: Promise<void> | null = null;

  /** @param seed - what the value is if there is none yet */
  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    private readonly seed: Uint8Array,
    { onError }: BackgroundOptions = {},
  ) {
    checkPath(path);
    this.onError = onError;
  }

  /** Reads the value, writes the seed if there is none, and follows it until `close`. */
  async start(): Promise<this> {
    if (this.running !== null) return this;
    try {
      await this.client.create(this.path, this.seed, { parents: "container" });
    } catch (error) {
      // A lost reply leaves the same choice as a znode that exists: read it.
      if (!isKeeperError(error, "NodeExists", "ConnectionLoss")) throw error;
    }
    const { data, stat } = await this.client.getData(this.path);
    this.see({ value: data ?? new Uint8Array(), version: stat.version, zxid: stat.mzxid });
    this.running = runLoop(this.client, this.closed.signal, this.onError, () => this.follow());
    return this;
  }

  /** The value as it was last seen. */
  get value(): VersionedValue<Uint8Array> {
    if (this.current === null) throw new NotRunningError(`the shared value at ${this.path}`);
    return this.current;
  }

  /** Replaces the value, whatever it is. */
  async set(value: Uint8Array): Promise<VersionedValue<Uint8Array>> {
    const stat = await this.client.setData(this.path, value);
    return this.see({ value: value.slice(), version: stat.version, zxid: stat.mzxid });
  }

  /**
   * Replaces the value if it still is `previous`.
   * @returns null if it is not; {@link SharedValue.value} is then what it was at that moment, or newer
   */
  async trySet(previous: VersionedValue<Uint8Array>, value: Uint8Array): Promise<VersionedValue<Uint8Array> | null> {
    try {
      const stat = await this.client.setData(this.path, value, { version: previous.version });
      return this.see({ value: value.slice(), version: stat.version, zxid: stat.mzxid });
    } catch (error) {
      if (!isKeeperError(error, "BadVersion")) throw error;
      const { data, stat } = await this.client.getData(this.path);
      this.see({ value: data ?? new Uint8Array(), version: stat.version, zxid: stat.mzxid });
      return null;
    }
  }

  /**
   * Calls `listener` with each new value.
   * @returns a function that ends it
   */
  onChange(listener: (value: VersionedValue<Uint8Array>) => void): () => void {
    return this.changes.add(listener);
  }

  /** Follows the value no more. The znode stays. */
  async close(): Promise<void> {
    this.closed.abort(new NotRunningError(`the shared value at ${this.path}`));
    this.changes.clear();
    await this.running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async follow(): Promise<void> {
    const stop = this.closed.signal;
    const session = await raceAbort(this.client.connected({ signal: stop, timeoutMs: 0 }), stop);
    const wake = new Wake();
    const { node, unwatch } = await raceAbort(watchNode(this.client, session, this.path, wake.set), stop);
    try {
      if (node === null) {
        await this.awaitCreation(session, stop);
        return;
      }
      this.see({ value: node.data ?? new Uint8Array(), version: node.stat.version, zxid: node.stat.mzxid });
      await raceAbort(wake.wait(), stop);
    } finally {
      unwatch();
    }
  }

  private async awaitCreation(session: Session, stop: AbortSignal): Promise<void> {
    const wake = new Wake();
    const { node, unwatch } = await raceAbort(watchExistence(this.client, session, this.path, wake.set), stop);
    try {
      if (node === null) await raceAbort(wake.wait(), stop);
    } finally {
      unwatch();
    }
  }

  /** Keeps the newest: answers to reads and writes may come in another order than the changes. */
  private see(seen: VersionedValue<Uint8Array>): VersionedValue<Uint8Array> {
    if (this.current === null || seen.zxid > this.current.zxid) {
      const isChange = this.current !== null;
      this.current = seen;
      if (isChange) this.changes.tell(seen);
    }
    return seen;
  }
}

/**
 * A number that all see soon after one has changed it. Shared with Curator's `SharedCount`, and with kazoo's `Counter` with
 * `support_curator=True`.
 *
 * Znode: `PATH`, persistent, an int32 as its data.
 */
export class SharedCount implements AsyncDisposable {
  private readonly shared: SharedValue;

  constructor(client: ZooKeeper, path: string, seed: number, options: BackgroundOptions = {}) {
    this.shared = new SharedValue(client, path, encode(seed), options);
  }

  /** Where the znode is. */
  get path(): string {
    return this.shared.path;
  }

  /** As {@link SharedValue.start}. */
  async start(): Promise<this> {
    await this.shared.start();
    return this;
  }

  /**
   * The count as it was last seen.
   * @throws {@link FormatError} when the znode holds something else
   */
  get value(): VersionedValue<number> {
    return this.decode(this.shared.value);
  }

  /** Replaces the count, whatever it is. */
  async set(count: number): Promise<VersionedValue<number>> {
    return this.decode(await this.shared.set(encode(count)));
  }

  /** Replaces the count if it still is `previous`; null if it is not. */
  async trySet(previous: VersionedValue<number>, count: number): Promise<VersionedValue<number> | null> {
    const set = await this.shared.trySet({ ...previous, value: encode(previous.value) }, encode(count));
    return set === null ? null : this.decode(set);
  }

  /**
   * Calls `listener` with each new count; not with what is no count.
   * @returns a function that ends it
   */
  onChange(listener: (value: VersionedValue<number>) => void): () => void {
    return this.shared.onChange((seen) => {
      const count = decodeNumber(seen.value, "int32");
      if (count !== null) listener({ ...seen, value: Number(count) });
    });
  }

  /** Follows the count no more. The znode stays. */
  close(): Promise<void> {
    return this.shared.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private decode(seen: VersionedValue<Uint8Array>): VersionedValue<number> {
    const count = decodeNumber(seen.value, "int32");
    if (count === null) throw new FormatError(this.path, "an int32 of 4 bytes");
    return { ...seen, value: Number(count) };
  }
}

function encode(count: number): Uint8Array {
  return encodeNumber(BigInt(count), "int32");
}
