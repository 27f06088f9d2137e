import { isKeeperError, type ZooKeeper } from "@quoll/client";
import type { WaitOptions } from "../kernel/scope.js";
import { AtomicNumber, type AtomicNumberOptions } from "./atomic-value.js";

/** What an {@link IdGenerator} can be told. */
export interface IdGeneratorOptions extends AtomicNumberOptions {
  /** How many ids to reserve at once; 1,000 by default. The more, the fewer requests; those of a process that ends are lost. */
  readonly blockSize?: number | undefined;
}

/**
 * Ids that nobody else gets: each process reserves blocks of them from one counter. Each process's ids grow; between processes
 * they are in no order. Shared with Curator's `CachedAtomicLong` (`CachedAtomicInteger` with `format: "int32"`).
 *
 * Znode: `PATH`, persistent: the highest id reserved.
 */
export class IdGenerator {
  private readonly counter: AtomicNumber;
  private readonly blockSize: bigint;
  private next = 1n;
  private last = 0n;
  private reservation: Promise<void> | null = null;

  constructor(client: ZooKeeper, path: string, { blockSize = 1000, ...options }: IdGeneratorOptions = {}) {
    if (!(Number.isSafeInteger(blockSize) && blockSize > 0)) throw new RangeError(`blockSize ${blockSize}`);
    this.counter = new AtomicNumber(client, path, options);
    this.blockSize = BigInt(blockSize);
  }

  /**
   * The next id; the first is 1.
   * @throws as {@link AtomicNumber.add}, but not for a lost answer: then another block is reserved, and ids are skipped
   */
  async take(options?: WaitOptions): Promise<bigint> {
    while (this.next > this.last) {
      this.reservation ??= this.reserve(options).finally(() => {
        this.reservation = null;
      });
      await this.reservation;
    }
    return this.next++;
  }

  private async reserve(options: WaitOptions | undefined): Promise<void> {
    for (;;) {
      try {
        const { before, after } = await this.counter.add(this.blockSize, options);
        this.next = (before ?? 0n) + 1n;
        this.last = after;
        return;
      } catch (error) {
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout")) throw error;
      }
    }
  }
}
