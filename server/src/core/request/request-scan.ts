import { ProtocolError, Reader } from "@quoll/jute";
import { OpCode } from "../op-code.js";
import { isEphemeralFlag, isKnownFlag, isTtlFlag } from "./create-mode.js";

/** perms, and the lengths of scheme and id. */
const ACL_BYTES_MIN = 12;

/** Reads over the records of write requests, to know whether all of it is readable before anything is made of it. */
export class RequestScan {
  readonly reader = new Reader(new Uint8Array(0));
  /** Of the request that {@link skip} read last. */
  lastFlags = 0;
  private lastPathIsNull = false;
  private lastAclIsNull = false;

  /**
   * Whether a txn can be made of the request, an error txn at least. If not, ZooKeeper answers it without one; its leader,
   * when such a request comes from a follower, repeats a zxid and so breaks its followers.
   */
  isReadable(type: number, body: Uint8Array, start: number, end: number): boolean {
    this.reader.reset(body, start, end);
    try {
      if (type === OpCode.multi) this.isReadableMulti();
      else this.skip(type);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  /** Whether the request creates an ephemeral znode by itself or, as create or create2, in a multi. */
  createsEphemeral(type: number, body: Uint8Array, start: number, end: number): boolean {
    const { reader } = this;
    reader.reset(body, start, end);
    try {
      if (type === OpCode.multi) return this.multiCreatesEphemeral();
      if (type !== OpCode.create && type !== OpCode.create2) return false;
      this.skip(type);
      return isEphemeralFlag(this.lastFlags);
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  private multiCreatesEphemeral(): boolean {
    const { reader } = this;
    let found = false;
    for (;;) {
      const type = reader.int();
      const done = reader.bool();
      reader.int();
      if (done) return found;
      if (!isMultiWrite(type)) return false;
      this.skip(type);
      found ||= (type === OpCode.create || type === OpCode.create2) && isEphemeralFlag(this.lastFlags);
    }
  }

  /** Reads over one request's record at the reader. @throws ProtocolError */
  skip(type: number): void {
    const { reader } = this;
    this.lastPathIsNull = this.skipSpan("path") < 0;
    switch (type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        this.skipSpan("data");
        this.skipAcls();
        this.lastFlags = reader.int();
        if (type === OpCode.createTTL) reader.bits();
        return;
      case OpCode.setData:
        this.skipSpan("data");
        reader.int();
        return;
      case OpCode.delete:
      case OpCode.check:
        reader.int();
        return;
      case OpCode.setACL:
        this.skipAcls();
        reader.int();
        return;
      case OpCode.reconfig:
        // The path read above was the joining servers.
        this.skipSpan("leavingServers");
        this.skipSpan("newMembers");
        reader.bits();
        return;
    }
  }

  /**
   * Whether there is a txn to be made of the multi; leaves the reader at its beginning. One operation that is unknown,
   * truncated, a read, without a path, or a create with an unknown or TTL flag makes all of it fail.
   * @throws NullAclError over a create with a null ACL, where Java stumbles before it has taken a zxid
   */
  isReadableMulti(): boolean {
    const { reader } = this;
    const { at } = reader;
    let pathIsNull = false;
    try {
      for (;;) {
        const type = reader.int();
        const done = reader.bool();
        reader.int();
        if (done) return !pathIsNull;
        if (!isMultiWrite(type)) return false;
        this.skip(type);
        pathIsNull ||= this.lastPathIsNull;
        if (!isMultiCreate(type)) continue;
        if (!isKnownFlag(this.lastFlags)) return false;
        if (this.lastAclIsNull) throw new NullAclError("ACL in a multi", reader.at, "a vector", "null");
        if (isTtlFlag(this.lastFlags)) return false;
      }
    } catch (error) {
      if (error instanceof ProtocolError && !(error instanceof NullAclError)) return false;
      throw error;
    } finally {
      reader.at = at;
    }
  }

  /** @returns its length, -1 for null */
  private skipSpan(what: string): number {
    const length = this.reader.length(what);
    if (length > 0) this.reader.at += length;
    return length;
  }

  private skipAcls(): void {
    const count = this.reader.count(ACL_BYTES_MIN);
    this.lastAclIsNull = count < 0;
    for (let i = 0; i < count; i++) {
      this.reader.int();
      this.skipSpan("scheme");
      this.skipSpan("id");
    }
  }
}

/** A request that has no txn for a reason of Java's own. */
class NullAclError extends ProtocolError {}

export function isMultiCreate(type: number): boolean {
  return type === OpCode.create || type === OpCode.create2 || type === OpCode.createContainer;
}

function isMultiWrite(type: number): boolean {
  return (
    isMultiCreate(type) ||
    type === OpCode.createTTL ||
    type === OpCode.delete ||
    type === OpCode.setData ||
    type === OpCode.check
  );
}
