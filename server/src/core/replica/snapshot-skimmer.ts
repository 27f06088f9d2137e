import { ProtocolError } from "@quoll/jute";

const SLASH = 0x2f;
const STAT_AND_ACL_BYTES = 68;
const COUNT_MAX = 0x7fff_ffff / 12;

/** What is read next; a field of fixed size is skipped over without a state of its own. */
const enum Next {
  sessionCount,
  aclListCount,
  aclCount,
  schemeLength,
  idLength,
  pathLength,
  dataLength,
  terminator,
  end,
}

/**
 * Finds the end of a state that a leader sends: it comes without a length, as sessions, ACL lists, znodes and the path `/`.
 * Bytes may come in pieces of any size; only lengths are looked at.
 */
export class SnapshotSkimmer {
  private next: Next = Next.sessionCount;
  /** Bytes of the current field that are still to be skipped. */
  private skip = 0;
  /** The int that is being read, and how many of its bytes have come. */
  private int = 0;
  private intBytes = 0;
  private aclLists = 0;
  private acls = 0;

  get isComplete(): boolean {
    return this.next === Next.end;
  }

  /**
   * @returns the offset behind the last byte that belongs to the state
   * @throws ProtocolError when the bytes can't be one
   */
  read(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.next !== Next.end) {
      if (this.skip > 0) {
        const count = Math.min(this.skip, end - at);
        this.skip -= count;
        at += count;
      } else if (this.next === Next.terminator) {
        if (bytes[at++] !== SLASH) throw wrong("the path /", "another one");
        this.next = Next.end;
      } else {
        this.int = (this.int << 8) | bytes[at++];
        if (++this.intBytes === 4) {
          this.intBytes = 0;
          this.take(this.int);
          this.int = 0;
        }
      }
    }
    return at;
  }

  private take(value: number): void {
    switch (this.next) {
      case Next.sessionCount:
        this.skip = count(value) * 12;
        this.next = Next.aclListCount;
        return;
      case Next.aclListCount:
        this.aclLists = count(value);
        this.afterAclList();
        return;
      case Next.aclCount:
        this.acls = count(value);
        this.afterAcl();
        return;
      case Next.schemeLength:
        this.skip = length(value);
        this.next = Next.idLength;
        return;
      case Next.idLength:
        this.skip = length(value);
        this.acls--;
        // What follows the id comes after its bytes.
        this.afterAcl();
        return;
      case Next.pathLength:
        // Only the terminator `/` has one byte: the root's own path is empty.
        if (length(value) === 1) {
          this.next = Next.terminator;
        } else {
          this.skip = length(value);
          this.next = Next.dataLength;
        }
        return;
      case Next.dataLength:
        this.skip = length(value) + STAT_AND_ACL_BYTES;
        this.next = Next.pathLength;
        return;
    }
  }

  /** The long number of a list, or the perms of an ACL, are skipped together with what came before them. */
  private afterAclList(): void {
    if (this.aclLists === 0) {
      this.next = Next.pathLength;
      return;
    }
    this.aclLists--;
    this.skip += 8;
    this.next = Next.aclCount;
  }

  private afterAcl(): void {
    if (this.acls === 0) {
      this.afterAclList();
      return;
    }
    this.skip += 4;
    this.next = Next.schemeLength;
  }
}

function count(value: number): number {
  if (value < -1 || value > COUNT_MAX) throw wrong("a count", String(value));
  return Math.max(value, 0);
}

/** -1 is null and has no bytes. */
function length(value: number): number {
  if (value < -1) throw wrong("a length", String(value));
  return Math.max(value, 0);
}

function wrong(expected: string, got: string): ProtocolError {
  return new ProtocolError("state from the leader", 0, expected, got);
}
