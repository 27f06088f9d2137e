import { type Long, ProtocolError, Writer } from "@quoll/jute";
import type { Acl, RequestedAcl } from "../acl/acl.js";
import type { AclChecker } from "../acl/acl-checker.js";
import { openAclLength, readAcl, writeAcl } from "../acl/acl-codec.js";
import type { AuthInfo } from "../acl/auth-info.js";
import { Perm } from "../acl/perm.js";
import { KeeperCode } from "../keeper-code.js";
import { OpCode } from "../op-code.js";
import type { Reconfiguration } from "../role/reconfiguration.js";
import type { SessionChecks } from "../session/session-checks.js";
import type { SessionOwner } from "../session/session-tracker.js";
import type { DataTree } from "../tree/data-tree.js";
import { DIGEST_VERSION, digestOf, isDigested, prefixCrc } from "../tree/digest.js";
import { CONTAINER_OWNER_HI, EphemeralType, TTL_MAX_MS } from "../tree/ephemeral-type.js";
import { NO_ROW, OPEN_ACL_ID } from "../tree/tree.js";
import { CreateFlag, isEphemeralFlag, isKnownFlag, isSequentialFlag, isTtlFlag, writeSequence } from "./create-mode.js";
import { ephemeralPaths } from "./ephemerals.js";
import { ChangeRecord, type OutstandingChanges } from "./outstanding-changes.js";
import { hashPath, hasNul, isSpecialPath, isValidPath, lastSlash } from "./path.js";
import { isMultiCreate, RequestScan } from "./request-scan.js";
import type { TxnArena } from "./txn-arena.js";

export interface PrepOptions {
  readonly digestEnabled: boolean;
  readonly extendedTypesEnabled: boolean;
  readonly enforceQuota: boolean;
  readonly reconfigEnabled: boolean;
  readonly closeSessionTxnEnabled: boolean;
  /** Of the hash of paths; any int32, unknown to clients. */
  readonly hashSeed: number;
  /** The largest payload of a log record that any reader accepts: jute.maxbuffer plus its extra size (rule D44). */
  readonly txnBytesMax: number;
}

/** Who asks: what prep needs to know of a request beside its body. */
export interface Requester {
  /** Null for the server itself, which may do everything. */
  readonly auth: AuthInfo | null;
  /** The server that the request's client is connected to. */
  readonly owner: SessionOwner;
}

const HEADER_BYTES = 32;
/** The version and the digest behind a txn. */
const DIGEST_BYTES = 12;
const SEQUENCE_BYTES_MAX = 11;
/** The upper half of a TTL znode's owner, without the TTL's own upper bits. */
const TTL_OWNER_HI = 0xff000000 | 0;
/** A sequence suffix, a digest, flags and lengths: what a txn can have beyond its request's own bytes, ACLs aside. */
const TXN_SLACK = 256;
const SLASH = 0x2f;

/** The ACL of a record whose ACL is not interned yet. */
const NOT_INTERNED = -2;

/**
 * Turns requests into txns, against the state with all outstanding changes applied: sessions, paths, versions, ACLs and
 * quotas are checked here and nowhere else. A request that fails becomes an error txn, which takes a zxid and is logged,
 * as in ZooKeeper. (ZooKeeper: PrepRequestProcessor.)
 */
export class Prep {
  /** The last zxid given out. */
  zxid: number;
  /** Where the txn prepared last stands in {@link bytes}. */
  start = 0;
  end = 0;
  /** Digest of the tree with all outstanding changes applied. */
  private digestHi: number;
  private digestLo: number;

  private readonly scan = new RequestScan();
  private readonly reader = this.scan.reader;
  private timeMs = 0;
  private requester: Requester | null = null;
  private sessionHi = 0;
  private sessionLo = 0;

  constructor(
    private readonly tree: DataTree,
    private readonly sessions: SessionChecks,
    private readonly acls: AclChecker,
    private readonly changes: OutstandingChanges,
    private readonly arena: TxnArena,
    private readonly options: PrepOptions,
    /** Null for a server by itself, which has no members to change. */
    private readonly reconfiguration: Reconfiguration | null = null,
  ) {
    this.zxid = tree.lastProcessedZxid;
    this.digestHi = tree.digest.hi;
    this.digestLo = tree.digest.lo;
  }

  /** The bytes that the txn prepared last stands in. */
  get bytes(): Uint8Array {
    return this.arena.writer.bytes;
  }

  /**
   * Prepares the txn of one write request.
   * @param cxid - the request's xid, for the txn's header
   * @param wallMs - the txn's time
   * @returns 0, or the code that the request fails with. If {@link zxid} has not moved there is no txn: the request could
   *   not even be read.
   */
  prepare(
    type: number,
    requester: Requester,
    sessionHi: number,
    sessionLo: number,
    cxid: number,
    body: Uint8Array,
    bodyStart: number,
    bodyEnd: number,
    wallMs: number,
  ): number {
    const { arena } = this;
    arena.begin(HEADER_BYTES + (bodyEnd - bodyStart) + TXN_SLACK);
    const to = arena.writer;
    const start = to.at;
    const zxidBefore = this.zxid;
    this.timeMs = wallMs;
    this.requester = requester;
    this.sessionHi = sessionHi;
    this.sessionLo = sessionLo;
    this.reader.reset(body, bodyStart, bodyEnd);
    const { digestHi, digestLo } = this;
    let err: number;
    try {
      err = this.request(type, to, sessionHi, sessionLo, cxid);
      if (err === 0 && to.at - start + DIGEST_BYTES > this.options.txnBytesMax) err = KeeperCode.MarshallingError; // rule D44
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      err = KeeperCode.MarshallingError;
      if (this.zxid === zxidBefore) {
        to.at = start;
        return err;
      }
    }
    if (err !== 0) {
      this.changes.rollback(this.zxid);
      this.digestHi = digestHi;
      this.digestLo = digestLo;
      to.at = start;
      this.writeHeader(to, sessionHi, sessionLo, cxid, OpCode.error);
      to.int(err);
    }
    this.writeDigest(to);
    this.start = start;
    this.end = to.at;
    return err;
  }

  /** An error txn for a request that could not even be read, or that has failed outside of here. */
  refuse(sessionHi: number, sessionLo: number, cxid: number, err: number, wallMs: number): void {
    const to = this.beginOwn(HEADER_BYTES + TXN_SLACK);
    this.timeMs = wallMs;
    this.zxid++;
    this.writeHeader(to, sessionHi, sessionLo, cxid, OpCode.error);
    to.int(err);
    this.writeDigest(to);
    this.end = to.at;
  }

  /** The txn that makes a session. Its time-out is the negotiated one. */
  createSession(sessionHi: number, sessionLo: number, cxid: number, timeoutMs: number, wallMs: number): void {
    const to = this.beginOwn(HEADER_BYTES + TXN_SLACK);
    this.timeMs = wallMs;
    this.zxid++;
    this.start = to.at;
    this.writeHeader(to, sessionHi, sessionLo, cxid, OpCode.createSession);
    to.int(timeoutMs);
    this.writeDigest(to);
    this.end = to.at;
  }

  /** The txn that ends a session and names the ephemeral znodes that go with it. */
  closeSession(sessionHi: number, sessionLo: number, cxid: number, wallMs: number): void {
    this.timeMs = wallMs;
    this.zxid++;
    const paths = this.ephemeralsOf(sessionHi, sessionLo);
    let pathBytes = 0;
    for (const path of paths) pathBytes += 4 + path.length;
    const { closeSessionTxnEnabled, txnBytesMax } = this.options;
    // Rule D44: a list that no reader would accept is left out. The session's ephemerals then go by their owner, as
    // before ZooKeeper 3.6; a record of that form must not carry a digest, or Java would read it as the list.
    const tooLong = HEADER_BYTES + pathBytes + TXN_SLACK > txnBytesMax;
    const listed = closeSessionTxnEnabled && !tooLong;
    const to = this.beginOwn(HEADER_BYTES + (listed ? pathBytes : 0) + TXN_SLACK);
    this.writeHeader(to, sessionHi, sessionLo, cxid, OpCode.closeSession);
    if (listed) to.int(paths.length);
    // The change records point at the paths, so those that are not listed get a place of their own.
    const into = listed ? to : new Writer(pathBytes + 4);
    for (const path of paths) {
      into.span(path, 0, path.length);
      this.remove(into.bytes, into.at - path.length, into.at);
    }
    if (listed || !closeSessionTxnEnabled) this.writeDigest(to);
    this.end = to.at;
  }

  /** Nothing is outstanding: the digest goes on from the tree's, and the arena's memory may be used again. */
  settle(): void {
    this.digestHi = this.tree.digest.hi;
    this.digestLo = this.tree.digest.lo;
    this.arena.reuse();
  }

  private beginOwn(size: number): Writer {
    this.arena.begin(size);
    this.start = this.arena.writer.at;
    return this.arena.writer;
  }

  /** Reads the request, takes a zxid and writes header and body of the txn. Throws ProtocolError for unreadable bytes. */
  private request(type: number, to: Writer, sessionHi: number, sessionLo: number, cxid: number): number {
    const { reader } = this;
    if (type === OpCode.multi) {
      const readable = this.scan.isReadableMulti();
      this.zxid++;
      if (!readable) return KeeperCode.MarshallingError;
    } else {
      // An unreadable single request takes no zxid.
      const { at } = reader;
      this.scan.skip(type);
      reader.at = at;
      this.zxid++;
    }
    this.writeHeader(to, sessionHi, sessionLo, cxid, type);
    return type === OpCode.multi ? this.multi(to) : this.operation(type, type, to);
  }

  /**
   * One operation, alone or in a multi: the header is written, the reader stands at the request.
   * @param type - the request's opcode, which says how its record looks
   * @param effective - the opcode that it comes to: inside a multi a create's flag can make another one of it
   */
  private operation(type: number, effective: number, to: Writer): number {
    switch (type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        return this.create(type, effective, to);
      case OpCode.delete:
        return this.delete(to);
      case OpCode.deleteContainer:
        return this.deleteContainer(to);
      case OpCode.setData:
        return this.setData(to);
      case OpCode.setACL:
        return this.setAcl(to);
      case OpCode.check:
        return this.check(to);
      case OpCode.reconfig:
        return this.reconfig(to);
      default:
        return KeeperCode.MarshallingError;
    }
  }

  private create(type: number, effective: number, to: Writer): number {
    const { reader } = this;
    const { bytes } = reader;
    const pathLength = reader.length("path");
    const pathStart = reader.at;
    if (pathLength > 0) reader.at += pathLength;
    const dataLength = reader.length("data");
    const dataStart = reader.at;
    if (dataLength > 0) reader.at += dataLength;
    const aclStart = reader.at;
    const open = openAclLength(bytes, aclStart, reader.end);
    let acl: RequestedAcl[] | null = null;
    if (open > 0) reader.at += open;
    else acl = readAcl(reader);
    const flags = reader.int();
    const ttl = type === OpCode.createTTL ? reader.bits() : null;

    if (!isKnownFlag(flags)) return KeeperCode.BadArguments;
    if (isTtlFlag(flags)) {
      if (!this.options.extendedTypesEnabled) return KeeperCode.Unimplemented;
      if (effective !== OpCode.createTTL || ttl === null || !isValidTtl(ttl)) return KeeperCode.BadArguments;
    } else if (effective === OpCode.createTTL) {
      // Java lets a negative TTL pass here and then fails to apply the txn.
      return KeeperCode.BadArguments;
    }
    const sessionError = isEphemeralFlag(flags) ? this.checkGlobalSession() : this.checkSession();
    if (sessionError !== 0) return sessionError;
    if (pathLength < 0) return KeeperCode.MarshallingError; // a null path: Java stumbles over it here
    const pathEnd = pathStart + pathLength;
    const slash = lastSlash(bytes, pathStart, pathEnd);
    if (slash < 0 || hasNul(bytes, pathStart, pathEnd)) return KeeperCode.BadArguments;
    let fixedAcl: readonly Acl[] | null = null;
    if (open === 0) {
      fixedAcl = this.acls.fixup(acl, this.requester!.auth);
      if (fixedAcl === null) return KeeperCode.InvalidAcl;
    }
    const oldParent = this.load(bytes, pathStart, slash);
    if (oldParent === null) return KeeperCode.NoNode;
    if (!this.allowed(oldParent, Perm.create)) return KeeperCode.NoAuth;

    // The path is written now, since its suffix is known, and checked where it stands.
    const lengthAt = to.at;
    to.int(0);
    const start = to.at;
    to.raw(bytes, pathStart, pathEnd);
    if (isSequentialFlag(flags)) {
      to.reserve(SEQUENCE_BYTES_MAX);
      to.at = writeSequence(oldParent.cversion, to.bytes, to.at);
    }
    const end = to.at;
    to.patchInt(lengthAt, end - start);
    if (!isValidPath(to.bytes, start, end)) return KeeperCode.BadArguments;
    const hash = hashPath(this.options.hashSeed, to.bytes, start, end);
    if (this.existsAt(hash, to.bytes, start, end)) return KeeperCode.NodeExists;
    if (this.isEphemeral(oldParent)) return KeeperCode.NoChildrenForEphemerals;
    if (this.options.enforceQuota && this.overQuota(to.bytes, start, end, Math.max(dataLength, 0), 1)) {
      return KeeperCode.QuotaExceeded;
    }
    const cversion = (oldParent.cversion + 1) | 0;

    to.int(dataLength);
    const dataAt = to.at;
    if (dataLength > 0) to.raw(bytes, dataStart, dataStart + dataLength);
    if (open > 0) to.raw(bytes, aclStart, aclStart + open);
    else writeAcl(fixedAcl!, to);
    const ephemeral = isEphemeralFlag(flags);
    if (effective === OpCode.createContainer) {
      to.int(cversion);
    } else if (effective === OpCode.createTTL) {
      to.int(cversion);
      to.bits(ttl!);
    } else {
      to.bool(ephemeral);
      to.int(cversion);
    }

    const { zxid } = this;
    const parent = oldParent.duplicate(zxid);
    parent.childCount++;
    parent.cversion = cversion;
    parent.pzxid = zxid;
    this.update(oldParent, parent);

    const { bytes: txnBytes } = to;
    const node = new ChangeRecord(zxid, hash, txnBytes, start, end);
    node.czxid = node.mzxid = node.pzxid = zxid;
    node.ctime = node.mtime = this.timeMs;
    // What the znode will be is the operation's say, not the flag's: a create with the container flag is persistent.
    if (effective === OpCode.createContainer) {
      node.ownerHi = CONTAINER_OWNER_HI;
    } else if (effective === OpCode.createTTL) {
      node.ownerHi = TTL_OWNER_HI | ttl!.hi;
      node.ownerLo = ttl!.lo;
    } else if (ephemeral) {
      node.ownerHi = this.sessionHi;
      node.ownerLo = this.sessionLo;
    }
    node.aclId = open > 0 ? OPEN_ACL_ID : NOT_INTERNED;
    node.acl = fixedAcl;
    node.dataLength = dataLength;
    if (this.options.digestEnabled) {
      node.prefixCrc = prefixCrc(txnBytes, start, end, txnBytes, dataAt, dataAt + Math.max(0, dataLength));
      this.digestChanged(0, node);
    }
    this.changes.add(node);
    return 0;
  }

  private delete(to: Writer): number {
    const { reader } = this;
    const { bytes } = reader;
    const pathLength = reader.length("path");
    const start = reader.at;
    if (pathLength > 0) reader.at += pathLength;
    const version = reader.int();
    const sessionError = this.checkSession();
    if (sessionError !== 0) return sessionError;
    if (pathLength < 0) return KeeperCode.MarshallingError;
    const end = start + pathLength;
    const slash = lastSlash(bytes, start, end);
    if (slash < 0 || hasNul(bytes, start, end) || isSpecialPath(bytes, start, end)) return KeeperCode.BadArguments;
    // The parent first, its ACL included: who may not delete does not learn whether the znode exists.
    const parent = this.load(bytes, start, slash);
    if (parent === null) return KeeperCode.NoNode;
    if (!this.allowed(parent, Perm.delete)) return KeeperCode.NoAuth;
    const node = this.load(bytes, start, end);
    if (node === null) return KeeperCode.NoNode;
    if (version !== -1 && version !== node.version) return KeeperCode.BadVersion;
    if (node.childCount > 0) return KeeperCode.NotEmpty;
    to.span(bytes, start, end);
    this.remove(to.bytes, to.at - pathLength, to.at);
    return 0;
  }

  /**
   * The reaper's: no session and no ACL. The reaper has looked at the tree, so a znode with a change outstanding is left
   * alone: it is in use, or another one by now. (Java deletes it.)
   */
  private deleteContainer(to: Writer): number {
    const { reader } = this;
    const { bytes } = reader;
    const pathLength = reader.length("path");
    const start = reader.at;
    const end = start + Math.max(pathLength, 0);
    if (lastSlash(bytes, start, end) < 0 || isSpecialPath(bytes, start, end)) return KeeperCode.BadArguments;
    const node = this.load(bytes, start, end);
    if (node === null) return KeeperCode.NoNode;
    if (node.childCount > 0) return KeeperCode.NotEmpty;
    if (node.zxid >= 0 || this.isEphemeral(node)) return KeeperCode.BadVersion;
    to.span(bytes, start, end);
    this.remove(to.bytes, to.at - pathLength, to.at);
    return 0;
  }

  private setData(to: Writer): number {
    const { reader } = this;
    const { bytes } = reader;
    const pathLength = reader.length("path");
    const start = reader.at;
    if (pathLength > 0) reader.at += pathLength;
    const dataLength = reader.length("data");
    const dataStart = reader.at;
    if (dataLength > 0) reader.at += dataLength;
    const version = reader.int();
    const sessionError = this.checkSession();
    if (sessionError !== 0) return sessionError;
    const end = start + pathLength;
    if (pathLength < 0 || !isValidPath(bytes, start, end)) return KeeperCode.BadArguments;
    const old = this.load(bytes, start, end);
    if (old === null) return KeeperCode.NoNode;
    if (!this.allowed(old, Perm.write)) return KeeperCode.NoAuth;
    if (this.options.enforceQuota) {
      const bytesMore = Math.max(dataLength, 0) - Math.max(old.dataLength, 0);
      if (this.overQuota(bytes, start, end, bytesMore, 0)) return KeeperCode.QuotaExceeded;
    }
    if (version !== -1 && version !== old.version) return KeeperCode.BadVersion;
    const newVersion = (old.version + 1) | 0;
    to.span(bytes, start, end);
    const pathAt = to.at - pathLength;
    to.int(dataLength);
    const dataAt = to.at;
    if (dataLength > 0) to.raw(bytes, dataStart, dataStart + dataLength);
    to.int(newVersion);
    const node = old.duplicate(this.zxid);
    node.version = newVersion;
    node.mtime = this.timeMs;
    node.mzxid = this.zxid;
    node.dataLength = dataLength;
    if (this.options.digestEnabled) {
      node.prefixCrc = prefixCrc(
        to.bytes,
        pathAt,
        pathAt + pathLength,
        to.bytes,
        dataAt,
        dataAt + Math.max(0, dataLength),
      );
    }
    this.update(old, node);
    return 0;
  }

  private setAcl(to: Writer): number {
    const { reader } = this;
    const { bytes } = reader;
    const pathLength = reader.length("path");
    const start = reader.at;
    if (pathLength > 0) reader.at += pathLength;
    const acl = readAcl(reader);
    const aversion = reader.int();
    const sessionError = this.checkSession();
    if (sessionError !== 0) return sessionError;
    const end = start + pathLength;
    if (pathLength < 0 || !isValidPath(bytes, start, end)) return KeeperCode.BadArguments;
    const fixedAcl = this.acls.fixup(acl, this.requester!.auth);
    if (fixedAcl === null) return KeeperCode.InvalidAcl;
    const old = this.load(bytes, start, end);
    if (old === null) return KeeperCode.NoNode;
    if (!this.allowed(old, Perm.admin)) return KeeperCode.NoAuth;
    if (aversion !== -1 && aversion !== old.aversion) return KeeperCode.BadVersion;
    to.span(bytes, start, end);
    writeAcl(fixedAcl, to);
    const newAversion = (old.aversion + 1) | 0;
    to.int(newAversion);
    const node = old.duplicate(this.zxid);
    node.aversion = newAversion;
    node.aclId = NOT_INTERNED;
    node.acl = fixedAcl;
    this.update(old, node);
    return 0;
  }

  /** Only inside a multi. Nothing changes; the txn holds what the version would become, as Java's does. */
  private check(to: Writer): number {
    const { reader } = this;
    const { bytes } = reader;
    const pathLength = reader.length("path");
    const start = reader.at;
    if (pathLength > 0) reader.at += pathLength;
    const version = reader.int();
    const sessionError = this.checkSession();
    if (sessionError !== 0) return sessionError;
    const end = start + pathLength;
    if (pathLength < 0 || !isValidPath(bytes, start, end)) return KeeperCode.BadArguments;
    const node = this.load(bytes, start, end);
    if (node === null) return KeeperCode.NoNode;
    if (!this.allowed(node, Perm.read)) return KeeperCode.NoAuth;
    if (version !== -1 && version !== node.version) return KeeperCode.BadVersion;
    to.span(bytes, start, end);
    to.int((node.version + 1) | 0);
    return 0;
  }

  /** The txn sets the data of `/zookeeper/config`; its version is told as -1, as in ZooKeeper. */
  private reconfig(to: Writer): number {
    if (!this.options.reconfigEnabled) return KeeperCode.ReconfigDisabled;
    const sessionError = this.checkSession();
    if (sessionError !== 0) return sessionError;
    if (this.reconfiguration === null) return KeeperCode.Unimplemented;
    const { reader } = this;
    const joiningServers = reader.string();
    const leavingServers = reader.string();
    const newMembers = reader.string();
    const id = reader.bits();
    const curConfigId = id.hi * 0x1_0000_0000 + (id.lo >>> 0);
    const request = { joiningServers, leavingServers, newMembers, curConfigId };
    const text = this.reconfiguration.decide(request, this.zxid);
    if (typeof text === "number") return text;
    const old = this.load(CONFIG_PATH, 0, CONFIG_PATH.length);
    if (old === null) return KeeperCode.NoNode;
    if (!this.allowed(old, Perm.write)) return KeeperCode.NoAuth;
    to.span(CONFIG_PATH, 0, CONFIG_PATH.length);
    const lengthAt = to.at;
    to.string(text);
    const dataLength = to.at - lengthAt - 4;
    to.int(-1);
    const node = old.duplicate(this.zxid);
    node.version = -1;
    node.mtime = this.timeMs;
    node.mzxid = this.zxid;
    node.dataLength = dataLength;
    this.update(old, node);
    return 0;
  }

  private multi(to: Writer): number {
    const { reader, zxid } = this;
    const digestHi = this.digestHi;
    const digestLo = this.digestLo;
    const countAt = to.at;
    to.int(0);
    let count = 0;
    let failed = false;
    for (;;) {
      const type = reader.int();
      const done = reader.bool();
      reader.int();
      if (done) break;
      count++;
      const { at } = reader;
      this.scan.skip(type);
      const { at: next } = reader;
      reader.at = at;
      const effective = effectiveInMulti(type, this.scan.lastFlags);
      const typeAt = to.at;
      to.int(effective);
      to.int(0);
      const bodyAt = to.at;
      let err: number = KeeperCode.RuntimeInconsistency;
      if (!failed) {
        err = this.operation(type, effective, to);
        if (err !== 0) {
          failed = true;
          this.changes.rollback(zxid);
          this.digestHi = digestHi;
          this.digestLo = digestLo;
        }
      }
      if (err !== 0) {
        // The failing operation and those behind it are logged as errors; what was written of them goes.
        to.at = bodyAt;
        to.patchInt(typeAt, OpCode.error);
        to.int(err);
      }
      reader.at = next;
      to.patchInt(bodyAt - 4, to.at - bodyAt);
    }
    to.patchInt(countAt, count);
    return 0;
  }

  /** The path's znode is gone, and its parent has a child less. Both are known to exist. */
  private remove(bytes: Uint8Array, start: number, end: number): void {
    const { zxid } = this;
    const oldParent = this.load(bytes, start, lastSlash(bytes, start, end));
    if (oldParent !== null) {
      const parent = oldParent.duplicate(zxid);
      parent.childCount--;
      parent.pzxid = zxid;
      this.update(oldParent, parent);
    }
    const old = this.load(bytes, start, end);
    const gone = new ChangeRecord(zxid, hashPath(this.options.hashSeed, bytes, start, end), bytes, start, end);
    gone.exists = false;
    gone.ownerHi = old === null ? 0 : old.ownerHi;
    gone.ownerLo = old === null ? 0 : old.ownerLo;
    if (this.options.digestEnabled && old !== null) this.subtractDigest(old.digest);
    this.changes.add(gone);
  }

  /** The znode as it is with all outstanding changes applied, or null. An empty path is the root's. */
  private load(bytes: Uint8Array, start: number, end: number): ChangeRecord | null {
    if (start === end) {
      bytes = ROOT_PATH;
      start = 0;
      end = 1;
    }
    const hash = hashPath(this.options.hashSeed, bytes, start, end);
    const outstanding = this.changes.find(hash, bytes, start, end);
    if (outstanding !== null) return outstanding.exists ? outstanding : null;
    const { tree } = this.tree;
    const row = tree.find(bytes, start, end);
    if (row === NO_ROW) return null;
    // The record may outlive the request's bytes, so it points at a copy.
    const path = bytes.slice(start, end);
    const record = new ChangeRecord(-1, hash, path, 0, end - start);
    record.czxid = tree.czxid(row);
    record.mzxid = tree.mzxid(row);
    record.pzxid = tree.pzxid(row);
    record.ctime = tree.ctime(row);
    record.mtime = tree.mtime(row);
    record.version = tree.version(row);
    record.cversion = tree.cversion(row);
    record.aversion = tree.aversion(row);
    record.ownerHi = tree.ownerHi(row);
    record.ownerLo = tree.ownerLo(row);
    record.childCount = tree.childCount(row);
    record.aclId = tree.aclId(row);
    record.dataLength = tree.dataLength(row);
    if (this.options.digestEnabled) {
      const dataStart = tree.dataStart(row);
      const dataEnd = dataStart + Math.max(0, record.dataLength);
      record.prefixCrc = prefixCrc(path, 0, path.length, tree.dataBytes(row), dataStart, dataEnd);
      record.digest = tree.digest(row);
    }
    return record;
  }

  private existsAt(hash: number, bytes: Uint8Array, start: number, end: number): boolean {
    const outstanding = this.changes.find(hash, bytes, start, end);
    if (outstanding !== null) return outstanding.exists;
    return this.tree.tree.find(bytes, start, end) !== NO_ROW;
  }

  private allowed(record: ChangeRecord, perms: number): boolean {
    const { acls } = this;
    const { auth } = this.requester!;
    if (auth === null) return true;
    return record.acl === null ? acls.allows(record.aclId, perms, auth) : acls.allowsList(record.acl, perms, auth);
  }

  private isEphemeral(record: ChangeRecord): boolean {
    return this.tree.tree.ephemeralTypes.of(record.ownerHi, record.ownerLo) === EphemeralType.Normal;
  }

  private overQuota(bytes: Uint8Array, start: number, end: number, bytesMore: number, countMore: number): boolean {
    return this.tree.checkQuota(bytes, start, end, bytesMore, countMore).some((breach) => breach.isHard);
  }

  private checkSession(): number {
    return this.sessions.check(this.sessionHi, this.sessionLo, this.requester!.owner);
  }

  private checkGlobalSession(): number {
    return this.sessions.checkGlobal(this.sessionHi, this.sessionLo, this.requester!.owner);
  }

  /** Paths of the session's ephemeral znodes, with all outstanding changes applied. */
  private ephemeralsOf(hi: number, lo: number): Uint8Array[] {
    const paths = new Map<string, Uint8Array>();
    for (const path of ephemeralPaths(this.tree, hi, lo)) paths.set(latin1(path, 0, path.length), path);
    if (!this.changes.concern(hi, lo)) return [...paths.values()];
    this.changes.forEach((record) => {
      if (record.ownerHi !== hi || record.ownerLo !== lo) return;
      const key = latin1(record.bytes, record.start, record.end);
      if (record.exists) paths.set(key, record.bytes.slice(record.start, record.end));
      else paths.delete(key);
    });
    return [...paths.values()];
  }

  private writeHeader(to: Writer, sessionHi: number, sessionLo: number, cxid: number, type: number): void {
    to.int(sessionHi);
    to.int(sessionLo);
    to.int(cxid);
    to.long(this.zxid);
    to.long(this.timeMs);
    to.int(type);
  }

  /** Puts `changed` in the place of `old`, of the same znode. */
  private update(old: ChangeRecord, changed: ChangeRecord): void {
    if (this.options.digestEnabled) this.digestChanged(old.digest, changed);
    this.changes.add(changed);
  }

  private digestChanged(oldDigest: number, record: ChangeRecord): void {
    this.subtractDigest(oldDigest);
    record.digest = isDigested(record.bytes, record.start, record.end)
      ? digestOf(
          record.prefixCrc,
          record.czxid,
          record.mzxid,
          record.pzxid,
          record.ctime,
          record.mtime,
          record.version,
          record.cversion,
          record.aversion,
          record.ownerHi,
          record.ownerLo,
        )
      : 0;
    const sum = (this.digestLo >>> 0) + (record.digest >>> 0);
    this.digestLo = sum | 0;
    if (sum > 0xffffffff) this.digestHi = (this.digestHi + 1) | 0;
  }

  private subtractDigest(digest: number): void {
    const difference = (this.digestLo >>> 0) - (digest >>> 0);
    this.digestLo = difference | 0;
    if (difference < 0) this.digestHi = (this.digestHi - 1) | 0;
  }

  private writeDigest(to: Writer): void {
    if (!this.options.digestEnabled) return;
    to.int(DIGEST_VERSION);
    to.int(this.digestHi);
    to.int(this.digestLo);
  }
}

const ROOT_PATH = Uint8Array.of(SLASH);
const CONFIG_PATH = Uint8Array.from("/zookeeper/config", (char) => char.charCodeAt(0));

/** Inside a multi, a create's flag decides what it is. */
function effectiveInMulti(type: number, flags: number): number {
  if (type !== OpCode.createTTL && !isMultiCreate(type)) return type;
  if (isTtlFlag(flags)) return OpCode.createTTL;
  if (flags === CreateFlag.container) return OpCode.createContainer;
  return type === OpCode.createTTL ? OpCode.create : type;
}

function isValidTtl(ttl: Long): boolean {
  const ttlMs = ttl.hi * 0x1_0000_0000 + (ttl.lo >>> 0);
  return ttlMs > 0 && ttlMs <= TTL_MAX_MS;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]);
  return text;
}
