import { FakeDisk } from "@quoll/server/core/storage/testing/fake-disk";
import type { RandomStream } from "../kernel/random.js";

/** How a node's disk behaves. */
export interface DiskTimes {
  readonly minSyncMs: number;
  readonly maxSyncMs: number;
}

/** What a disk may do to a process. */
export type DiskFault = "EIO" | "ENOSPC" | "short-write" | "crash-before" | "crash-after";

/** The disk of one node: durable is what was synced, time is what it takes, and some of its calls can be made to fail. */
export class SimDisk extends FakeDisk {
  /** Syncs take this much longer for now. */
  stallMs = 0;
  /** Bytes on it were changed behind the server's back since it was last whole. */
  isRotten = false;

  constructor(
    private readonly random: RandomStream,
    private readonly times: DiskTimes,
  ) {
    super();
  }

  /** How long the next thing takes. */
  delayMs(): number {
    const { minSyncMs, maxSyncMs } = this.times;
    const fraction = this.random.fraction();
    return minSyncMs + (maxSyncMs - minSyncMs) * fraction * fraction + this.stallMs;
  }

  /** Power is lost: any part of what was not synced survives. */
  losePower(): void {
    // Swarms: at times all of it, at times nothing.
    const probability = this.random.pick([0, 0.1, 0.5, 0.9, 1]);
    this.cut(() => this.random.chance(probability));
    this.trace.length = 0;
  }

  /** One of the next calls fails. */
  failSoon(within: number, fault: DiskFault): void {
    this.failAt(this.calls + this.random.below(within), fault);
  }

  /** Flips a bit of a file's durable contents. */
  rot(path: string): boolean {
    const bytes = this.contents(path).slice();
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end--;
    if (end < 64) return false;
    const at = this.random.between(16, end - 1);
    bytes[at] = bytes[at]! ^ (1 << this.random.below(8));
    this.put(path, bytes);
    this.isRotten = true;
    return true;
  }
}
