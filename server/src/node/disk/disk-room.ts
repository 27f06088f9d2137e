import { statfsSync } from "node:fs";
import type { Room } from "../../core/storage/room.js";
import { DiskError } from "../../core/storage/storage-error.js";

/** A small disk would be nothing but reserve. */
const RESERVE_FRACTION_MAX = 1 / 16;
const POLL_MS = 200;

/** Told when room ends and when it is there again, each once. */
export type RoomReport = (isThere: boolean, freeBytes: number) => void;

/** Keeps part of a file system free, by waiting. For the log's thread, which nothing else waits for but writes. */
export class DiskRoom implements Room {
  private isThere = true;
  private readonly sleeper = new Int32Array(new SharedArrayBuffer(4));

  /**
   * @param reserveBytes - that stay free, or a sixteenth of the file system if that is less
   * @param isClosing - whether waiting is to end
   */
  constructor(
    private readonly directory: string,
    private readonly reserveBytes: number,
    private readonly report: RoomReport,
    private readonly isClosing: () => boolean,
  ) {}

  claim(bytes: number): void {
    while (!this.hasRoom(bytes)) this.wait();
    this.tell(true);
  }

  lacked(): void {
    this.wait();
    this.claim(0);
  }

  private hasRoom(bytes: number): boolean {
    const { free, total } = this.space();
    // Some file systems do not tell.
    if (total === 0) return true;
    return free - bytes >= Math.min(this.reserveBytes, total * RESERVE_FRACTION_MAX);
  }

  private wait(): void {
    this.tell(false);
    if (this.isClosing()) throw new DiskError("write", this.directory, "ENOSPC");
    Atomics.wait(this.sleeper, 0, 0, POLL_MS);
  }

  private tell(isThere: boolean): void {
    if (isThere === this.isThere) return;
    this.isThere = isThere;
    this.report(isThere, this.space().free);
  }

  /** Bytes of the file system. */
  private space(): { free: number; total: number } {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.directory);
      return { free: bavail * bsize, total: blocks * bsize };
    } catch (error) {
      throw new DiskError("statfs", this.directory, (error as NodeJS.ErrnoException).code ?? String(error), error);
    }
  }
}
