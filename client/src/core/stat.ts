import type { Reader } from "@quoll/jute";

/**
 * What a server says about a znode besides its data. zxids and session ids are bigints, since 64 bits need not fit into a
 * number; they are made when they are asked for, so that those who don't ask don't pay.
 */
export class Stat {
  private constructor(
    /** When it was created, ms since 1970 by the leader's clock. */
    readonly ctime: number,
    /** When its data last changed, ms since 1970 by the leader's clock. */
    readonly mtime: number,
    /** Changes of its data; int32, wraps. */
    readonly version: number,
    /** Changes of its list of children; int32, wraps. */
    readonly cversion: number,
    /** Changes of its ACL; int32, wraps. */
    readonly aversion: number,
    /** Bytes of its data. */
    readonly dataLength: number,
    /** How many children it has, one level down. */
    readonly numChildren: number,
    private readonly czxidHi: number,
    private readonly czxidLo: number,
    private readonly mzxidHi: number,
    private readonly mzxidLo: number,
    private readonly pzxidHi: number,
    private readonly pzxidLo: number,
    private readonly ownerHi: number,
    private readonly ownerLo: number,
  ) {}

  /** Reads the record as it stands on the wire. */
  static decode(reader: Reader): Stat {
    const czxidHi = reader.int();
    const czxidLo = reader.int();
    const mzxidHi = reader.int();
    const mzxidLo = reader.int();
    const ctime = time(reader);
    const mtime = time(reader);
    const version = reader.int();
    const cversion = reader.int();
    const aversion = reader.int();
    const ownerHi = reader.int();
    const ownerLo = reader.int();
    const dataLength = reader.int();
    const numChildren = reader.int();
    const pzxidHi = reader.int();
    const pzxidLo = reader.int();
    return new Stat(
      ctime,
      mtime,
      version,
      cversion,
      aversion,
      dataLength,
      numChildren,
      czxidHi,
      czxidLo,
      mzxidHi,
      mzxidLo,
      pzxidHi,
      pzxidLo,
      ownerHi,
      ownerLo,
    );
  }

  /** zxid of the txn that created it. Grows with every creation: a fencing token. */
  get czxid(): bigint {
    return int64(this.czxidHi, this.czxidLo);
  }

  /** zxid of the last change of its data. */
  get mzxid(): bigint {
    return int64(this.mzxidHi, this.mzxidLo);
  }

  /** zxid of the last change of its list of children. */
  get pzxid(): bigint {
    return int64(this.pzxidHi, this.pzxidLo);
  }

  /** Session id of an ephemeral's owner, 0n for other znodes. */
  get ephemeralOwner(): bigint {
    return int64(this.ownerHi, this.ownerLo);
  }

  /** Whether it goes with the session that has made it. */
  get isEphemeral(): boolean {
    return this.ownerHi !== 0 || this.ownerLo !== 0;
  }

  /** What `console.log` shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return this.toJSON();
  }

  /** All fields by ZooKeeper's names; bigints as decimal strings. */
  toJSON(): Record<string, number | string> {
    return {
      czxid: String(this.czxid),
      mzxid: String(this.mzxid),
      ctime: this.ctime,
      mtime: this.mtime,
      version: this.version,
      cversion: this.cversion,
      aversion: this.aversion,
      ephemeralOwner: String(this.ephemeralOwner),
      dataLength: this.dataLength,
      numChildren: this.numChildren,
      pzxid: String(this.pzxid),
    };
  }
}

/** Times are counts of ms; nothing is lost until the year 287396. */
function time(reader: Reader): number {
  const hi = reader.int();
  return hi * 0x1_0000_0000 + (reader.int() >>> 0);
}

/** A signed 64-bit value from its halves. */
export function int64(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}
