import { Long, ProtocolError } from "@quoll/jute";

/** What an ephemeralOwner means. */
export enum EphemeralType {
  Void,
  /** Ephemeral: the owner is a session. */
  Normal,
  Container,
  Ttl,
}

export const CONTAINER_OWNER_HI = 0x80000000 | 0;
/** Milliseconds: 40 bits. */
export const TTL_MAX_MS = 0xff_ffff_ffff;

/**
 * Reads ephemeralOwners. Without extended types, an owner 0xff… is a session like any other.
 * @see Administrator's Guide, `extendedTypesEnabled` and `emulate353TTLNodes`
 */
export class EphemeralTypes {
  constructor(
    readonly extendedTypesEnabled: boolean,
    readonly emulate353TTLNodes: boolean,
  ) {}

  /** @throws ProtocolError for an extended type that no version of ZooKeeper has */
  of(hi: number, lo: number): EphemeralType {
    if (hi === 0 && lo === 0) return EphemeralType.Void;
    if (this.extendedTypesEnabled && hi < 0) {
      if (this.emulate353TTLNodes && (hi !== CONTAINER_OWNER_HI || lo !== 0)) return EphemeralType.Ttl;
      if (hi >>> 24 === 0xff) {
        if ((hi & 0x00ffff00) === 0) return EphemeralType.Ttl;
        throw new ProtocolError("ephemeralOwner", 0, "a known extended type", new Long(hi, lo).toString());
      }
    }
    return hi === CONTAINER_OWNER_HI && lo === 0 ? EphemeralType.Container : EphemeralType.Normal;
  }

  /** The time to live that a TTL znode's owner stands for. */
  ttlMs(hi: number, lo: number): number {
    if (hi >>> 24 === 0xff || !this.emulate353TTLNodes) return (hi & 0xff) * 0x1_0000_0000 + (lo >>> 0);
    return (hi & 0x7fffffff) * 0x1_0000_0000 + (lo >>> 0);
  }
}
