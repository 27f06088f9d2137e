import { isKeeperError, type ZooKeeper } from "@quoll/client";
import { FormatError } from "../kernel/errors.js";
import { inScope, type Scope, type WaitOptions } from "../kernel/scope.js";
import { Mutex } from "../locks/mutex.js";
import { checkPath } from "../names/paths.js";
import { decodeNumber, encodeNumber, type NumberFormat } from "./number-formats.js";

/** What {@link AtomicValue} and {@link AtomicNumber} can be told. */
export interface AtomicOptions {
  /**
   * The path of a {@link Mutex} that is taken when a value has changed under our hands too often: with many who write at
   * once, they then queue up instead. None by default. Curator's `PromotedToLock`.
   */
  readonly lockPath?: string | undefined;
  /** How often to try before that; 10 by default. */
  readonly optimisticTries?: number | undefined;
}

/** Before and after an update. */
export interface Update<T> {
  /** Null if there was no znode. */
  readonly before: T | null;
  /** What was written. */
  readonly after: T;
}

/**
 * A value that is read, changed and written back as one step. Shared with Curator's `DistributedAtomicValue`.
 *
 * Znode: `PATH`, persistent, the value as its data.
 *
 * A write whose answer is lost is not repeated here: the error's `outcome` is `unknown`, and only the caller can know
 * whether doing it twice would harm. (Curator repeats it, and so may add twice.)
 */
export class AtomicValue {
  private readonly mutex: Mutex | null;
  private readonly optimisticTries: number;

  constructor(
    private readonly client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    { lockPath, optimisticTries = 10 }: AtomicOptions = {},
  ) {
    checkPath(path);
    this.mutex = lockPath === undefined ? null : new Mutex(client, lockPath);
    this.optimisticTries = optimisticTries;
  }

  /** The value; null if there is none. */
  async get(): Promise<Uint8Array | null> {
    return (await this.read())?.value ?? null;
  }

  /** Writes the value if there is none. Says whether it did. */
  async initialize(value: Uint8Array): Promise<boolean> {
    try {
      await this.client.create(this.path, value, { parents: "container" });
      return true;
    } catch (error) {
      if (isKeeperError(error, "NodeExists")) return false;
      throw error;
    }
  }

  /** Writes the value, whatever was there. */
  async set(value: Uint8Array): Promise<void> {
    for (;;) {
      try {
        await this.client.setData(this.path, value);
        return;
      } catch (error) {
        if (!isKeeperError(error, "NoNode")) throw error;
      }
      if (await this.initialize(value)) return;
    }
  }

  /** Writes `value` if `expected` is there. Says whether it did. */
  async compareAndSet(expected: Uint8Array, value: Uint8Array): Promise<boolean> {
    const found = await this.read();
    if (found === null || !areEqual(found.value, expected)) return false;
    return this.write(value, found.version);
  }

  /**
   * Replaces the value by what `change` makes of it. `change` may be called several times.
   * @throws {@link WaitTimeoutError}; the signal's reason; KeeperError, with `outcome` "unknown" if the answer was lost;
   *   what `change` throws
   */
  update(change: (before: Uint8Array | null) => Uint8Array, options?: WaitOptions): Promise<Update<Uint8Array>> {
    return inScope(this.client, this.path, options, async (scope) => {
      for (let tries = 0; this.mutex === null || tries < this.optimisticTries; tries++) {
        const done = await this.tryUpdate(change, scope);
        if (done !== null) return done;
      }
      await using _held = await this.mutex.acquire({ signal: scope.signal });
      // Others may still come without the lock; with it, we only have to be lucky once.
      for (;;) {
        const done = await this.tryUpdate(change, scope);
        if (done !== null) return done;
      }
    });
  }

  private async tryUpdate(
    change: (before: Uint8Array | null) => Uint8Array,
    scope: Scope,
  ): Promise<Update<Uint8Array> | null> {
    scope.signal.throwIfAborted();
    const found = await scope.race(this.read());
    const before = found?.value ?? null;
    const after = change(before);
    const done = found === null ? await this.initialize(after) : await this.write(after, found.version);
    return done ? { before, after } : null;
  }

  private async write(value: Uint8Array, version: number): Promise<boolean> {
    try {
      await this.client.setData(this.path, value, { version });
      return true;
    } catch (error) {
      if (isKeeperError(error, "BadVersion", "NoNode")) return false;
      throw error;
    }
  }

  private async read(): Promise<{ value: Uint8Array; version: number } | null> {
    try {
      const { data, stat } = await this.client.getData(this.path);
      return { value: data ?? new Uint8Array(), version: stat.version };
    } catch (error) {
      if (isKeeperError(error, "NoNode")) return null;
      throw error;
    }
  }
}

/** What an {@link AtomicNumber} can be told. */
export interface AtomicNumberOptions extends AtomicOptions {
  /** `int64` by default. */
  readonly format?: NumberFormat | undefined;
}

/**
 * A number that is changed as one step. It counts from 0 while there is no znode, and as long as that is empty. Shared,
 * depending on its format, with Curator's `DistributedAtomicLong` and `DistributedAtomicInteger`, and with kazoo's `Counter`.
 *
 * Znode: `PATH`, persistent. It never runs over: what does not fit is a RangeError.
 */
export class AtomicNumber {
  private readonly format: NumberFormat;
  private readonly atomic: AtomicValue;

  constructor(
    client: ZooKeeper,
    /** Where its znodes are. */
    readonly path: string,
    { format = "int64", ...options }: AtomicNumberOptions = {},
  ) {
    this.format = format;
    this.atomic = new AtomicValue(client, path, options);
  }

  /** The number; 0 if there is none. */
  async get(): Promise<bigint> {
    return this.decode(await this.atomic.get());
  }

  /** Writes the number, whatever was there. */
  async set(value: bigint): Promise<void> {
    await this.atomic.set(encodeNumber(value, this.format));
  }

  /** Writes the number if there is none. Says whether it did. */
  async initialize(value: bigint): Promise<boolean> {
    return this.atomic.initialize(encodeNumber(value, this.format));
  }

  /** Writes `value` if `expected` is there. Says whether it did. */
  async compareAndSet(expected: bigint, value: bigint): Promise<boolean> {
    return this.atomic.compareAndSet(encodeNumber(expected, this.format), encodeNumber(value, this.format));
  }

  /**
   * Adds `delta`, which may be negative.
   * @throws as {@link AtomicValue.update}; RangeError when the sum does not fit
   */
  async add(delta: bigint, options?: WaitOptions): Promise<Update<bigint>> {
    return this.update((before) => before + delta, options);
  }

  /** Replaces the number by what `change` makes of it. */
  async update(change: (before: bigint) => bigint, options?: WaitOptions): Promise<Update<bigint>> {
    const { before, after } = await this.atomic.update(
      (bytes) => encodeNumber(change(this.decode(bytes)), this.format),
      options,
    );
    return { before: this.decode(before), after: this.decode(after) };
  }

  private decode(bytes: Uint8Array | null): bigint {
    if (bytes === null || bytes.length === 0) return 0n;
    const value = decodeNumber(bytes, this.format);
    if (value === null) throw new FormatError(this.path, `a number as ${this.format}`);
    return value;
  }
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
