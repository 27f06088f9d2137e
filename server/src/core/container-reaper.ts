import { Writer } from "@quoll/jute";
import type { DataTree } from "./tree/data-tree.js";
import { EphemeralType } from "./tree/ephemeral-type.js";
import { NO_ROW, type Row } from "./tree/tree.js";

const MINUTE_MS = 60_000;

/**
 * Finds the containers that are empty again and the TTL znodes whose time is over, at a fixed interval, and has them
 * deleted one by one at no more than a given pace. (ZooKeeper: ContainerManager.)
 */
export class ContainerReaper {
  private readonly candidates: Uint8Array[] = [];
  private next = 0;
  private nextCheckMs: number;
  private nextDeleteMs: number;
  private readonly paceMs: number;

  /**
   * @param checkIntervalMs - `znode.container.checkIntervalMs`, counted from when serving starts; 0: never
   * @param maxPerMinute - `znode.container.maxPerMinute`
   * @param maxNeverUsedMs - `znode.container.maxNeverUsedIntervalMs`: a container that never had a child goes after this
   *   long; 0: it stays
   */
  constructor(
    private readonly data: DataTree,
    private readonly checkIntervalMs: number,
    maxPerMinute: number,
    private readonly maxNeverUsedMs: number,
    nowMs: number,
  ) {
    this.nextCheckMs = nowMs + checkIntervalMs;
    this.nextDeleteMs = nowMs;
    this.paceMs = Math.floor(MINUTE_MS / maxPerMinute);
  }

  /** @param remove - is given the path of a znode that is to go */
  tick(nowMs: number, wallMs: number, remove: (path: Uint8Array) => void): void {
    if (this.checkIntervalMs > 0 && this.next === this.candidates.length && nowMs >= this.nextCheckMs) {
      this.nextCheckMs = Math.max(this.nextCheckMs + this.checkIntervalMs, nowMs);
      this.candidates.length = 0;
      this.next = 0;
      this.collect(wallMs);
    }
    // The pace is kept on average: a tick makes up for the time since the last one, up to a second.
    this.nextDeleteMs = Math.max(this.nextDeleteMs, nowMs - 1000);
    const { tree } = this.data;
    while (this.next < this.candidates.length && this.nextDeleteMs <= nowMs) {
      const path = this.candidates[this.next++];
      // It may have waited long for its turn, and been used or made anew meanwhile.
      const row = tree.find(path, 0, path.length);
      if (row === NO_ROW || !this.isDue(row, wallMs)) continue;
      remove(path);
      this.nextDeleteMs += this.paceMs;
    }
  }

  private collect(wallMs: number): void {
    const { containers, ttls } = this.data;
    for (const row of containers) if (this.isDue(row, wallMs)) this.add(row);
    for (const row of ttls) if (this.isDue(row, wallMs)) this.add(row);
  }

  private isDue(row: Row, wallMs: number): boolean {
    const { tree } = this.data;
    if (tree.childCount(row) > 0) return false;
    const ownerHi = tree.ownerHi(row);
    const ownerLo = tree.ownerLo(row);
    const waitedMs = wallMs - tree.mtime(row);
    switch (tree.ephemeralTypes.of(ownerHi, ownerLo)) {
      case EphemeralType.Container:
        // One that never had a child may have been made for children that are still to come.
        return tree.cversion(row) > 0 || (this.maxNeverUsedMs > 0 && waitedMs > this.maxNeverUsedMs);
      case EphemeralType.Ttl: {
        const ttlMs = tree.ephemeralTypes.ttlMs(ownerHi, ownerLo);
        return ttlMs !== 0 && waitedMs > ttlMs;
      }
      default:
        return false;
    }
  }

  private add(row: Row): void {
    const path = new Writer();
    this.data.tree.writePath(row, path);
    this.candidates.push(path.bytes.slice(4, path.at));
  }
}
