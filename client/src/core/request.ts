import { InvariantError, Long, type Reader, ReconfigRequest, type Writer } from "@quoll/jute";
import type { ACL } from "./acl.js";
import { type KeeperCode, KeeperError, keeperCodeOf, MultiError, type Outcome } from "./errors.js";
import type { ReadOp, WriteOp } from "./multi-op.js";
import { NodeData } from "./node-data.js";
import { OpCode, operationName } from "./op-code.js";
import { clientPath } from "./path.js";
import { Stat } from "./stat.js";
import type { WatchListener } from "./watch-event.js";

/** Where a request stands. */
export const RequestStatus = {
  /** Not sent yet, or to be sent again. */
  Queued: 0,
  Sent: 1,
  /** Resolved or rejected; an answer that still comes is read over. */
  Settled: 2,
} as const;

/** The path and the Stat of a znode that was created. */
export interface Created {
  /** With the number of a sequential one, and the prefix of a protected one. */
  readonly path: string;
  /** As it was created: `czxid` is the zxid of that. */
  readonly stat: Stat;
}

/** The path and the Stat of a znode that was created in a multi. */
export interface CreatedInMulti {
  /** With the number of a sequential one. */
  readonly path: string;
  /** Null from servers before 3.7, which don't tell it. */
  readonly stat: Stat | null;
}

/** The ACL of a znode and its Stat, of one moment. */
export interface NodeAcl {
  /** Its entries. */
  readonly acl: readonly ACL[];
  /** `aversion` is the version of the ACL. */
  readonly stat: Stat;
}

/** The names of a znode's children, unsorted, and its Stat, of one moment. */
export interface Children {
  /** Names, without the parent's path. */
  readonly children: string[];
  /** Of the parent. */
  readonly stat: Stat;
}

/** An identity of a connection, as `whoAmI` shows it. */
export interface ClientInfo {
  /** `ip`, `digest`, `x509`, `sasl`, … */
  readonly scheme: string;
  /** The name within the scheme, for instance an address or a user. */
  readonly user: string;
}

/** What `reconfig` asks for. */
export interface Reconfig {
  readonly joining: string | null;
  readonly leaving: string | null;
  readonly newMembers: string | null;
  readonly fromConfig: bigint;
}

/** What takes the result of a request. */
export type Settle = (value: unknown) => void;

/**
 * One operation on its way: what to send, and who waits. All kinds have this one shape, since they go through the same few
 * functions thousands of times a second. It can be encoded any number of times, which is how reads are retried.
 */
export class Request {
  xid = 0;
  status: number = RequestStatus.Queued;
  /** When it was last sent, ms of the client's clock. */
  sentMs = 0;
  /** When it is given up, ms of the client's clock. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** How many connections it was sent on. */
  attempts = 0;
  /** Gets the events of the watch that this request sets. */
  listener: WatchListener | null = null;
  resolve: Settle = IGNORE;
  reject: Settle = IGNORE;

  constructor(
    readonly type: number,
    /** On the server, chroot included; "" where the operation has none. */
    readonly path: string,
    readonly data: Uint8Array | null,
    readonly acl: readonly ACL[] | null,
    /** Flags of a create, mode of an addWatch, type of a watch, version of the others. */
    readonly number: number,
    readonly ttlMs: number,
    /** Whether a create is answered with a Stat. */
    readonly wantsStat: boolean,
    readonly ops: readonly (WriteOp<unknown> | ReadOp<unknown>)[] | null,
    readonly reconfig: Reconfig | null,
  ) {}

  /** Appends the frame of this request. */
  encode(writer: Writer, chroot: string): void {
    const start = writer.at;
    writer.int(0);
    writer.int(this.xid);
    writer.int(this.type);
    this.encodeBody(writer, chroot);
    writer.patchInt(start, writer.at - start - 4);
  }

  private encodeBody(writer: Writer, chroot: string): void {
    switch (this.type) {
      case OpCode.getData:
      case OpCode.exists:
      case OpCode.getChildren:
      case OpCode.getChildren2:
        writer.string(this.path);
        writer.bool(this.listener !== null);
        return;
      case OpCode.setData:
        writer.string(this.path);
        writer.buffer(this.data);
        writer.int(this.number);
        return;
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        writer.string(this.path);
        writer.buffer(this.data);
        encodeAcl(writer, this.acl as readonly ACL[]);
        writer.int(this.number);
        if (this.type === OpCode.createTTL) writer.long(this.ttlMs);
        return;
      case OpCode.delete:
      case OpCode.checkWatches:
      case OpCode.removeWatches:
      case OpCode.addWatch:
        writer.string(this.path);
        writer.int(this.number);
        return;
      case OpCode.getACL:
      case OpCode.sync:
      case OpCode.getAllChildrenNumber:
      case OpCode.getEphemerals:
        writer.string(this.path);
        return;
      case OpCode.setACL:
        writer.string(this.path);
        encodeAcl(writer, this.acl as readonly ACL[]);
        writer.int(this.number);
        return;
      case OpCode.multi:
      case OpCode.multiRead:
        for (const part of this.ops as readonly (WriteOp<unknown> | ReadOp<unknown>)[]) {
          encodePart(writer, part, chroot);
        }
        writer.int(-1);
        writer.bool(true);
        writer.int(-1);
        return;
      case OpCode.reconfig: {
        const { joining, leaving, newMembers, fromConfig } = this.reconfig as Reconfig;
        ReconfigRequest.encode(writer, {
          joiningServers: joining,
          leavingServers: leaving,
          newMembers,
          curConfigId: Long.fromBigInt(fromConfig),
        });
        return;
      }
      case OpCode.sasl:
        writer.buffer(this.data);
        return;
      case OpCode.whoAmI:
      case OpCode.closeSession:
        return;
      default:
        throw new InvariantError(`no encoding of ${operationName(this.type)}`);
    }
  }

  /**
   * Reads the body of an answer without an error.
   * @throws ProtocolError if the bytes are not such a body
   * @throws {@link MultiError} for a multi that was refused: its header says that all is well
   */
  decode(reader: Reader, chroot: string): unknown {
    switch (this.type) {
      case OpCode.getData:
      case OpCode.reconfig:
        return decodeNodeData(reader);
      case OpCode.exists:
      case OpCode.setData:
      case OpCode.setACL:
        return Stat.decode(reader);
      case OpCode.getChildren:
        return decodeStrings(reader);
      case OpCode.getChildren2: {
        const children = decodeStrings(reader);
        return { children, stat: Stat.decode(reader) } satisfies Children;
      }
      case OpCode.create:
        return clientPath(chroot, reader.string() ?? "");
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL: {
        const path = clientPath(chroot, reader.string() ?? "");
        return this.wantsStat ? ({ path, stat: Stat.decode(reader) } satisfies Created) : path;
      }
      case OpCode.getACL: {
        const acl = decodeAcl(reader);
        return { acl, stat: Stat.decode(reader) } satisfies NodeAcl;
      }
      case OpCode.getEphemerals: {
        const paths = decodeStrings(reader);
        for (let i = 0; i < paths.length; i++) paths[i] = clientPath(chroot, paths[i]);
        return paths;
      }
      case OpCode.getAllChildrenNumber:
        return reader.int();
      case OpCode.whoAmI:
        return decodeClientInfos(reader);
      case OpCode.multi:
        return decodeMulti(reader, this.ops as readonly WriteOp<unknown>[], chroot);
      case OpCode.multiRead:
        return decodeMultiRead(reader, this.ops as readonly ReadOp<unknown>[]);
      case OpCode.sasl:
        return reader.remaining === 0 ? null : copyOf(reader.buffer());
      case OpCode.checkWatches:
        return true;
      default:
        return undefined;
    }
  }

  /** The error of this request, in its caller's words. */
  error(code: KeeperCode, outcome: Outcome, chroot: string, detail = ""): KeeperError {
    return new KeeperError(code, operationName(this.type), this.clientPath(chroot), outcome, detail);
  }

  /** The path as its caller named it. */
  clientPath(chroot: string): string | null {
    return this.path === "" ? null : clientPath(chroot, this.path);
  }

  /** What is known about its effect, if nothing more is heard. */
  get outcome(): Outcome {
    return this.attempts === 0 ? "notSent" : "unknown";
  }
}

function IGNORE(): void {}

function encodeAcl(writer: Writer, acl: readonly ACL[]): void {
  writer.int(acl.length);
  for (let i = 0; i < acl.length; i++) {
    writer.int(acl[i].perms);
    writer.string(acl[i].scheme);
    writer.string(acl[i].id);
  }
}

function encodePart(writer: Writer, part: WriteOp<unknown> | ReadOp<unknown>, chroot: string): void {
  writer.int(part.type);
  writer.bool(false);
  writer.int(-1);
  writer.string(chroot === "" ? part.path : part.path === "/" ? chroot : chroot + part.path);
  if (!("number" in part)) {
    writer.bool(false);
    return;
  }
  switch (part.type) {
    case OpCode.setData:
      writer.buffer(part.data);
      break;
    case OpCode.delete:
    case OpCode.check:
      break;
    default:
      writer.buffer(part.data);
      encodeAcl(writer, part.acl);
  }
  writer.int(part.number);
  if (part.type === OpCode.createTTL) writer.long(part.ttlMs);
}

function decodeNodeData(reader: Reader): NodeData {
  const data = copyOf(reader.buffer());
  return new NodeData(data, Stat.decode(reader));
}

/** What was received is overwritten by what comes next; results are the caller's own. */
function copyOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes);
}

function decodeStrings(reader: Reader): string[] {
  const count = reader.count(4);
  const strings: string[] = [];
  for (let i = 0; i < count; i++) strings.push(reader.string() ?? "");
  return strings;
}

function decodeAcl(reader: Reader): ACL[] {
  const count = reader.count(12);
  const acl: ACL[] = [];
  for (let i = 0; i < count; i++) {
    acl.push({ perms: reader.int(), scheme: reader.string() ?? "", id: reader.string() ?? "" });
  }
  return acl;
}

function decodeClientInfos(reader: Reader): ClientInfo[] {
  const count = reader.count(8);
  const infos: ClientInfo[] = [];
  for (let i = 0; i < count; i++) infos.push({ scheme: reader.string() ?? "", user: reader.string() ?? "" });
  return infos;
}

const ERROR = -1;

function decodeMulti(reader: Reader, ops: readonly WriteOp<unknown>[], chroot: string): unknown[] {
  const results: unknown[] = [];
  const numbers: number[] = [];
  let failed = -1;
  for (let i = 0; i < ops.length; i++) {
    const type = reader.int();
    reader.bool();
    reader.int();
    if (type === ERROR) {
      const number = reader.int();
      numbers.push(number);
      // Those behind the failed one are RuntimeInconsistency, but it may be that itself too.
      if (number !== 0 && failed < 0) failed = i;
    } else {
      results.push(decodePart(reader, type, ops[i].wantsStat, chroot));
    }
  }
  if (failed < 0) return results;
  const { path, type } = ops[failed];
  const codes = numbers.map((number) => (number === 0 ? null : keeperCodeOf(number)));
  throw new MultiError(keeperCodeOf(numbers[failed]), operationName(type), path, failed, codes);
}

function decodePart(reader: Reader, type: number, wantsStat: boolean, chroot: string): unknown {
  switch (type) {
    case OpCode.create:
    case OpCode.create2: {
      const path = clientPath(chroot, reader.string() ?? "");
      const stat = type === OpCode.create2 ? Stat.decode(reader) : null;
      return wantsStat ? ({ path, stat } satisfies CreatedInMulti) : path;
    }
    case OpCode.setData:
      return Stat.decode(reader);
    default:
      return undefined;
  }
}

function decodeMultiRead(reader: Reader, ops: readonly ReadOp<unknown>[]): unknown[] {
  const results: unknown[] = [];
  for (let i = 0; i < ops.length; i++) {
    const type = reader.int();
    reader.bool();
    reader.int();
    if (type === ERROR) {
      results.push(new KeeperError(keeperCodeOf(reader.int()), operationName(ops[i].type), ops[i].path, "refused"));
    } else {
      results.push(type === OpCode.getData ? decodeNodeData(reader) : decodeStrings(reader));
    }
  }
  return results;
}
