import { invariant, Long } from "@quoll/jute";

/**
 * Session ids as SessionTrackerImpl makes them: the server's id in the top byte, five bytes of milliseconds, and two that
 * count. A server that runs on a Java server's data thus never makes an id that is in use.
 */
export class SessionIds {
  private hi: number;
  private lo: number;

  /**
   * @param serverId - myid, 0 to 255 (0 for a standalone server); its top bit makes the ids negative
   * @param startMs - wall time at start. Java takes the time since boot there; wall time also holds across a reboot
   */
  constructor(serverId: number, startMs: number) {
    invariant(
      Number.isInteger(serverId) && serverId >= 0 && serverId <= 255,
      () => `server id ${serverId} is not 0 to 255`,
    );
    // (startMs << 24) >>> 8: the time's low 40 bits, moved up by 16.
    const time = startMs % 2 ** 40;
    this.hi = (serverId << 24) | Math.floor(time / 0x1_0000);
    this.lo = ((time % 0x1_0000) << 16) | 0;
    // This one id would mark a container.
    if (this.hi === -0x8000_0000 && this.lo === 0) this.lo = 1;
  }

  /** @param isUsed - the clock that ids start from may have been set back */
  nextUnused(isUsed: (hi: number, lo: number) => boolean): Long {
    let id = this.next();
    while (isUsed(id.hi, id.lo)) id = this.next();
    return id;
  }

  next(): Long {
    const id = new Long(this.hi, this.lo);
    this.lo = (this.lo + 1) | 0;
    if (this.lo === 0) this.hi = (this.hi + 1) | 0;
    return id;
  }
}

/** A session's id for log lines. */
export function sessionName(hi: number, lo: number): string {
  return new Long(hi, lo).toString();
}
