import { Long, ProtocolError, Reader, Writer } from "@quoll/jute";
import { AclTable, skipAcl } from "../acl/acl-table.js";
import { KeeperCode } from "../keeper-code.js";
import { LongMap } from "../long-map.js";
import { OpCode } from "../op-code.js";
import type { ByteSource } from "../storage/byte-stream.js";
import { DIGEST_VERSION, isDigested, prefixCrc, TreeDigest } from "./digest.js";
import { CONTAINER_OWNER_HI, EphemeralType, EphemeralTypes, TTL_MAX_MS } from "./ephemeral-type.js";
import { FlatTree, lastSlash, ROOT } from "./flat-tree.js";
import type { FrozenTree } from "./frozen-tree.js";
import { type QuotaBreach, Quotas } from "./quotas.js";
import { SnapshotLoader } from "./snapshot-loader.js";
import { type ApplyListener, NO_ROW, OPEN_ACL_ID, type Row } from "./tree.js";

export interface DataTreeOptions {
  /** Of the path hash; any int32, not to be known to clients. */
  readonly seed: number;
  /** `zookeeper.digest.enabled` */
  readonly digestEnabled: boolean;
  readonly extendedTypesEnabled: boolean;
  readonly emulate353TTLNodes: boolean;
  /** `zookeeper.maxGetChildrenResponseCacheSize`, 400 if absent. */
  readonly childrenListsMax?: number;
}

/** A tree's digest as it was after a txn. */
export interface ZxidDigest {
  readonly zxid: number;
  readonly version: number;
  readonly digest: Long;
}

/** A digest that a txn or snapshot carries and that is not the tree's. */
export interface DigestMismatch {
  readonly zxid: number;
  readonly expected: Long;
  readonly got: Long;
}

/** Every so many zxids the digest is kept, and this many of them. */
const DIGEST_LOG_INTERVAL = 128;
const DIGEST_LOG_MAX = 1024;

const NO_BYTES = new Uint8Array(0);
const ZOOKEEPER = ascii("/zookeeper");
const QUOTA = ascii("/zookeeper/quota");
const CONFIG = ascii("/zookeeper/config");
const CONFIG_ACL = readOnlyAcl();

/**
 * Everything that txns change and snapshots hold: the znodes, the ACL lists, the sessions, and what follows from them.
 * A txn is applied from the bytes that stand in the log; commit, replay and followers all come through {@link apply}.
 */
export class DataTree {
  readonly tree: FlatTree;
  readonly acls = new AclTable();
  /** Timeouts in ms by session id. */
  readonly sessions = new LongMap<number>();
  /** Ephemeral znodes by session. A set that became empty stays until its session is closed. */
  readonly ephemerals = new LongMap<Set<Row>>();
  readonly containers: Set<Row> = new Set();
  readonly ttls: Set<Row> = new Set();
  readonly digest = new TreeDigest();
  readonly quotas: Quotas;
  lastProcessedZxid = 0;
  /** Every 128th zxid's digest, oldest first. */
  readonly digestLog: ZxidDigest[] = [];
  /** How many digests did not match, and the last of them. */
  digestMismatches = 0;
  lastMismatch: DigestMismatch | null = null;
  /** Bytes of paths (in UTF-16 units) and data of all znodes, as ZooKeeper counts them. */
  approximateDataSize = 0;

  /** The snapshot's digest, until the txn that it belongs to is applied: before that, the tree may be fuzzy. */
  private snapshotDigest: ZxidDigest | null = null;
  private snapshotZxid = 0;
  /** The snapshot's digest was not the tree's when its txn came: the digest of the next one decides. */
  isInDoubt = false;
  /**
   * The tree came without a digest and may hold changes from after {@link lastProcessedZxid}, nobody knows how far: a Java
   * leader sends its state while it changes. Digests of txns count from the first one on that is the tree's.
   */
  mayBeFuzzy = false;
  private digestZxid = 0;
  private readonly digestAtZxid = new TreeDigest();
  private readonly reader = new Reader(NO_BYTES);

  // The header of the txn that is being applied.
  private clientHi = 0;
  private clientLo = 0;
  private zxid = 0;
  private time = 0;
  private listener: ApplyListener | null = null;

  /** @param source - the body of a snapshot; without it, the tree is as a new server has it: the system znodes alone */
  constructor(
    readonly options: DataTreeOptions,
    source: ByteSource | null = null,
  ) {
    this.tree = new FlatTree(
      options.seed,
      new EphemeralTypes(options.extendedTypesEnabled, options.emulate353TTLNodes),
      options.childrenListsMax,
    );
    this.quotas = new Quotas(this.tree);
    if (source !== null) {
      new SnapshotLoader(source, this).load();
      this.quotas.load();
      this.acls.purgeUnused();
      return;
    }
    this.adopt(ROOT, NO_BYTES, 0, 0);
    this.addSystemNode(ZOOKEEPER);
    this.addSystemNode(QUOTA);
    this.addConfigNode();
  }

  /** Znodes as ZooKeeper counts them, `/` and its alias included. */
  get nodeCount(): number {
    return this.tree.count;
  }

  get ephemeralCount(): number {
    let count = 0;
    this.ephemerals.forEach((rows) => {
      count += rows.size;
    });
    return count;
  }

  /** Adds `/zookeeper/config`, which data directories from before 3.5 lack. */
  addConfigNode(): void {
    if (this.tree.find(CONFIG, 0, CONFIG.length) !== NO_ROW) return;
    const row = this.addSystemNode(CONFIG);
    this.tree.setAclId(row, this.acls.acquire(CONFIG_ACL, 0, CONFIG_ACL.length));
    this.tree.setAversion(row, -1);
  }

  /**
   * Sets the text of `/zookeeper/config` without a txn, as the servers of an ensemble do when they start.
   * @param version - of the configuration, which becomes the znode's mzxid
   */
  initConfig(text: Uint8Array, version: number, wallMs: number): void {
    this.addConfigNode();
    const { tree } = this;
    const row = tree.find(CONFIG, 0, CONFIG.length);
    this.approximateDataSize += text.length - Math.max(0, tree.dataLength(row));
    tree.setData(row, text, 0, text.length);
    tree.setMtime(row, wallMs);
    tree.setMzxid(row, version);
    tree.setVersion(row, -1);
  }

  /**
   * Applies one txn: the payload of a log record, TxnHeader, body, and TxnDigest if there is one.
   * Idempotent over a fuzzy snapshot: a create of what exists and a delete of what does not only move the parent's
   * cversion and pzxid forward.
   * @param listener - told of every change, or null during recovery
   * @returns 0, or the first error code: of an error txn, a failed multi, or a replay that met a newer tree
   * @throws ProtocolError when the bytes are not a txn. The part of a multi before the bad part is then applied
   */
  apply(bytes: Uint8Array, start: number, end: number, listener: ApplyListener | null): number {
    const { reader } = this;
    reader.reset(bytes, start, end);
    this.listener = listener;
    this.clientHi = reader.int();
    this.clientLo = reader.int();
    reader.int(); // cxid
    this.zxid = reader.long();
    this.time = reader.long();
    const type = reader.int();
    const err = type === OpCode.multi ? this.applyMulti() : this.applyOperation(type);
    this.listener = null;
    if (this.zxid > this.lastProcessedZxid) this.lastProcessedZxid = this.zxid;
    if (this.snapshotDigest === null) {
      this.logDigest();
      if (reader.remaining >= 12) this.compareTxnDigest();
    } else {
      this.compareSnapshotDigest(this.zxid);
    }
    return err;
  }

  private applyOperation(type: number): number {
    switch (type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createTTL:
      case OpCode.createContainer:
        return this.applyCreate(type);
      case OpCode.delete:
      case OpCode.deleteContainer:
        return this.applyDelete(type);
      case OpCode.setData:
      case OpCode.reconfig:
        return this.applySetData(type);
      case OpCode.setACL:
        return this.applySetAcl();
      case OpCode.createSession: {
        const timeoutMs = this.reader.int();
        this.sessions.set(this.clientHi, this.clientLo, timeoutMs);
        this.listener?.sessionCreated(this.clientHi, this.clientLo, timeoutMs);
        return this.applied(type, 0, NO_ROW);
      }
      case OpCode.closeSession:
        return this.applyCloseSession();
      case OpCode.check:
        this.skipString("path");
        this.reader.int();
        return this.applied(type, 0, NO_ROW);
      case OpCode.error:
        return this.applied(type, this.reader.int(), NO_ROW);
      default:
        throw new ProtocolError("txn type", this.reader.at - 4, "the type of a change", String(type));
    }
  }

  private applied(type: number, err: number, row: Row): number {
    this.listener?.applied(type, err, row);
    return err;
  }

  /** A failed multi is told by an error txn among its parts; then none of them changes anything. */
  private applyMulti(): number {
    const { reader } = this;
    const { at, end } = reader;
    const count = reader.count(8);
    let failed = false;
    for (let i = 0; i < count; i++) {
      if (reader.int() === OpCode.error) failed = true;
      this.skipString("txn");
    }
    const behind = reader.at;
    reader.at = at + 4;
    let firstErr = 0;
    let isAfterFailure = false;
    for (let i = 0; i < count; i++) {
      const type = reader.int();
      reader.end = Math.max(0, reader.int()) + reader.at;
      const partEnd = reader.end;
      let err = 0;
      if (type === OpCode.error) {
        isAfterFailure = true;
        err = this.applyOperation(type);
      } else if (failed) {
        err = this.applied(OpCode.error, isAfterFailure ? KeeperCode.RuntimeInconsistency : 0, NO_ROW);
      } else if (isMultiPart(type)) {
        err = this.applyOperation(type);
      } else {
        throw new ProtocolError("txn type in multi", reader.at - 8, "an operation of a multi", String(type));
      }
      if (firstErr === 0) firstErr = err;
      reader.at = partEnd;
      reader.end = end;
    }
    reader.at = behind;
    return firstErr;
  }

  private applyCreate(type: number): number {
    const { reader } = this;
    const start = this.openPath();
    const end = reader.at;
    const { bytes } = reader;
    if (end - start > 1 && bytes[end - 1] === 0x2f)
      throw new ProtocolError("path", end - 1, "a name", "a slash at the end");
    const dataLength = reader.length("data");
    const dataStart = reader.at;
    if (dataLength > 0) reader.at += dataLength;
    const aclStart = reader.at;
    skipAcl(reader);
    const aclEnd = reader.at;
    let ownerHi = 0;
    let ownerLo = 0;
    let parentCversion: number;
    if (type === OpCode.create || type === OpCode.create2) {
      if (reader.bool()) {
        ownerHi = this.clientHi;
        ownerLo = this.clientLo;
      }
      // Before 3.3 there was no parentCVersion (CreateTxnV0).
      parentCversion = type === OpCode.create && reader.remaining === 0 ? -1 : reader.int();
    } else {
      parentCversion = reader.int();
      if (type === OpCode.createContainer) {
        ownerHi = CONTAINER_OWNER_HI;
      } else {
        const ttlMs = reader.long();
        if (ttlMs <= 0 || ttlMs > TTL_MAX_MS) {
          throw new ProtocolError("ttl", reader.at - 8, `1 to ${TTL_MAX_MS} ms`, String(ttlMs));
        }
        ownerHi = 0xff000000 | Math.floor(ttlMs / 0x1_0000_0000);
        ownerLo = ttlMs | 0;
      }
    }

    const { tree, zxid } = this;
    const parent = tree.findParent(bytes, start, end);
    if (parent === NO_ROW) return this.applied(type, KeeperCode.NoNode, NO_ROW);
    const parentEnd = lastSlash(bytes, start, end);
    const aclId = this.acls.acquire(bytes, aclStart, aclEnd);
    const existing = end - start === 1 ? ROOT : tree.findChild(parent, bytes, start, end);
    if (existing !== NO_ROW) {
      this.acls.release(tree.aclId(existing));
      tree.setAclId(existing, aclId);
      if (type === OpCode.create) this.advanceParent(parent, bytes, start, parentEnd, parentCversion);
      return this.applied(type, KeeperCode.NodeExists, NO_ROW);
    }
    this.advanceParent(parent, bytes, start, parentEnd, parentCversion);
    const dataEnd = dataStart + dataLength;
    const row = tree.insert(
      parent,
      bytes,
      start,
      end,
      bytes,
      dataStart,
      dataEnd,
      aclId,
      ownerHi,
      ownerLo,
      zxid,
      this.time,
    );
    this.addToOwner(row, ownerHi, ownerLo);
    this.updateDigest(row, bytes, start, end);
    this.approximateDataSize += unitLength(bytes, start, end) + Math.max(0, dataLength);
    // The listener first: it sees the znode as it was created, even one whose data a quota then writes.
    this.listener?.created(bytes, start, end, row, parent, zxid);
    this.quotas.created(bytes, start, end, Math.max(0, dataLength));
    return this.applied(type, 0, row);
  }

  /** A create moves its parent forward, but a replayed one does not move it back. */
  private advanceParent(parent: Row, bytes: Uint8Array, start: number, end: number, cversion: number): void {
    const { tree } = this;
    const before = tree.cversion(parent);
    const after = cversion === -1 ? (before + 1) | 0 : cversion;
    if (after <= before) return;
    tree.setCversion(parent, after);
    tree.setPzxid(parent, this.zxid);
    this.updateDigest(parent, bytes, start, end);
  }

  private applyDelete(type: number): number {
    const start = this.openPath();
    const { bytes, at } = this.reader;
    return this.applied(type, this.deleteNode(bytes, start, at), NO_ROW);
  }

  private deleteNode(bytes: Uint8Array, start: number, end: number): number {
    const { tree, zxid } = this;
    const parent = end - start === 1 ? NO_ROW : tree.findParent(bytes, start, end);
    if (parent === NO_ROW) return KeeperCode.NoNode;
    if (zxid > tree.pzxid(parent)) {
      tree.setPzxid(parent, zxid);
      this.updateDigest(parent, bytes, start, lastSlash(bytes, start, end));
    }
    const row = tree.findChild(parent, bytes, start, end);
    if (row === NO_ROW) return KeeperCode.NoNode;
    // Only over a fuzzy snapshot a deleted znode can have children: those of its successor at the same path, which
    // later txns create. (ZooKeeper keeps them, out of the reach of their parent.)
    if (tree.childCount(row) > 0) this.removeDescendants(row);
    const aclId = tree.aclId(row);
    this.removeNode(row, bytes, start, end);
    this.listener?.deleted(bytes, start, end, aclId, parent, zxid);
    this.acls.release(aclId);
    return 0;
  }

  private removeDescendants(top: Row): void {
    const { tree } = this;
    const writer = new Writer();
    while (tree.childCount(top) > 0) {
      let row = tree.firstChild(top);
      while (tree.childCount(row) > 0) row = tree.firstChild(row);
      writer.reset();
      tree.writePath(row, writer);
      const aclId = tree.aclId(row);
      this.removeNode(row, writer.bytes, 4, writer.at);
      this.acls.release(aclId);
    }
  }

  private removeNode(row: Row, bytes: Uint8Array, start: number, end: number): void {
    const { tree } = this;
    const dataLength = Math.max(0, tree.dataLength(row));
    this.digest.subtract(tree.digest(row));
    this.approximateDataSize -= unitLength(bytes, start, end) + dataLength;
    this.removeFromOwner(row);
    tree.remove(row);
    this.quotas.deleted(bytes, start, end, dataLength);
  }

  private applySetData(type: number): number {
    const { reader, tree } = this;
    const start = this.openPath();
    const end = reader.at;
    const { bytes } = reader;
    const dataLength = reader.length("data");
    const dataStart = reader.at;
    if (dataLength > 0) reader.at += dataLength;
    const version = reader.int();
    const row = tree.find(bytes, start, end);
    if (row === NO_ROW) return this.applied(type, KeeperCode.NoNode, NO_ROW);
    const growth = Math.max(0, dataLength) - Math.max(0, tree.dataLength(row));
    tree.setData(row, bytes, dataStart, dataStart + dataLength);
    tree.setMtime(row, this.time);
    tree.setMzxid(row, this.zxid);
    tree.setVersion(row, version);
    this.updateDigest(row, bytes, start, end);
    this.approximateDataSize += growth;
    this.quotas.dataChanged(bytes, start, end, growth);
    this.listener?.dataChanged(bytes, start, end, row, this.zxid);
    return this.applied(type, 0, row);
  }

  private applySetAcl(): number {
    const { reader, tree } = this;
    const start = this.openPath();
    const end = reader.at;
    const { bytes } = reader;
    const aclStart = reader.at;
    skipAcl(reader);
    const aclEnd = reader.at;
    const aversion = reader.int();
    const row = tree.find(bytes, start, end);
    if (row === NO_ROW) return this.applied(OpCode.setACL, KeeperCode.NoNode, NO_ROW);
    this.acls.release(tree.aclId(row));
    tree.setAclId(row, this.acls.acquire(bytes, aclStart, aclEnd));
    tree.setAversion(row, aversion);
    this.updateDigest(row, bytes, start, end);
    return this.applied(OpCode.setACL, 0, row);
  }

  /**
   * Deletes the paths that the txn names, whoever owns them now, then what the session still owns: all of it when the
   * txn has no body, as before 3.6.
   */
  private applyCloseSession(): number {
    const { reader, clientHi, clientLo } = this;
    this.sessions.delete(clientHi, clientLo);
    this.listener?.sessionClosed(clientHi, clientLo);
    // 12 bytes may be a digest behind an empty body, which begins with its version, 2. A list of that length that names a
    // path at all has one of four bytes, and begins with 1.
    const hasList = reader.remaining === 12 ? reader.bytes[reader.at + 3] === 1 : reader.remaining > 0;
    if (hasList) {
      const count = reader.count(4);
      for (let i = 0; i < count; i++) {
        const start = this.openPath();
        this.deleteNode(reader.bytes, start, reader.at);
      }
    }
    const rows = this.ephemerals.get(clientHi, clientLo);
    if (rows !== undefined) {
      const writer = new Writer();
      // Each deletion takes its row, and those below it, out of the set.
      for (const row of rows) {
        writer.reset();
        this.tree.writePath(row, writer);
        this.deleteNode(writer.bytes, 4, writer.at);
      }
      this.ephemerals.delete(clientHi, clientLo);
    }
    return this.applied(OpCode.closeSession, 0, NO_ROW);
  }

  // --- digests

  /**
   * Sets the digest that a loaded snapshot carries. Until the txn with its zxid is applied, digests of txns are not
   * compared, since the tree may already hold later changes.
   * @param snapshotZxid - the snapshot's own; a digest from before it says nothing and is dropped
   */
  expectDigest(zxid: number, version: number, digest: Long, snapshotZxid: number): void {
    this.snapshotZxid = snapshotZxid;
    this.snapshotDigest = zxid > 0 && zxid >= snapshotZxid ? { zxid, version, digest } : null;
  }

  /** Whether the tree may hold changes from after {@link lastProcessedZxid}. */
  get isFuzzy(): boolean {
    return this.snapshotDigest !== null;
  }

  /** Compares with the snapshot's digest if it belongs to this zxid. To be called once after loading, too. */
  compareSnapshotDigest(zxid: number): void {
    const expected = this.snapshotDigest;
    if (expected === null || zxid !== expected.zxid) return;
    this.snapshotDigest = null;
    if (!this.options.digestEnabled || expected.version !== DIGEST_VERSION) return;
    const { hi, lo } = expected.digest;
    // Java notes a txn's digest after it has changed the tree, so that its snapshot may hold one txn more than its digest says.
    if (zxid > this.snapshotZxid && !(this.digest.hi === hi && this.digest.lo === lo)) this.isInDoubt = true;
    else this.compare(zxid, hi, lo);
  }

  private compareTxnDigest(): void {
    const { reader } = this;
    const version = reader.int();
    const hi = reader.int();
    const lo = reader.int();
    if (!this.options.digestEnabled || version !== DIGEST_VERSION) return;
    this.isInDoubt = false;
    if (!this.mayBeFuzzy) this.compare(this.zxid, hi, lo);
    else if (this.digest.hi === hi && this.digest.lo === lo) this.mayBeFuzzy = false;
  }

  private compare(zxid: number, hi: number, lo: number): void {
    const { digest } = this;
    if (digest.hi === hi && digest.lo === lo) return;
    this.digestMismatches++;
    this.lastMismatch = { zxid, expected: new Long(hi, lo), got: new Long(digest.hi, digest.lo) };
  }

  private logDigest(): void {
    const { digest, zxid } = this;
    this.digestZxid = zxid;
    this.digestAtZxid.copyFrom(digest);
    if (zxid % DIGEST_LOG_INTERVAL !== 0) return;
    this.digestLog.push({ zxid, version: DIGEST_VERSION, digest: new Long(digest.hi, digest.lo) });
    if (this.digestLog.length > DIGEST_LOG_MAX) this.digestLog.shift();
  }

  /** Puts a znode's new digest in the place of its old one. `start` to `end` is its path. */
  private updateDigest(row: Row, bytes: Uint8Array, start: number, end: number): void {
    if (!this.options.digestEnabled) return;
    const { tree } = this;
    let digest = 0;
    if (isDigested(bytes, start, end)) {
      const dataStart = tree.dataStart(row);
      const dataEnd = dataStart + Math.max(0, tree.dataLength(row));
      digest = tree.statCrc(prefixCrc(bytes, start, end, tree.dataBytes(row), dataStart, dataEnd), row);
    }
    this.digest.subtract(tree.digest(row));
    this.digest.add(digest);
    tree.setDigest(row, digest);
  }

  // --- quotas

  /**
   * What a change would do to the quota above a path, for `enforceQuota`.
   * @param countGrowth - 1 for a create, 0 for setData
   * @returns the limits that would be exceeded, up to the first hard one. Only a hard limit refuses the change
   */
  checkQuota(bytes: Uint8Array, start: number, end: number, byteGrowth: number, countGrowth: number): QuotaBreach[] {
    return this.quotas.check(bytes, start, end, byteGrowth, countGrowth);
  }

  // --- snapshots

  /**
   * The state of this moment, for a snapshot that another thread writes meanwhile. Costs a copy of the sessions and ACL
   * lists; znodes are copied by chunk when they change. Call {@link release} when it is written.
   */
  freeze(): FrozenTree {
    const { tree } = this;
    const head = new Writer(64 + this.sessions.size * 12);
    head.int(this.sessions.size);
    this.sessions.forEach((timeoutMs, hi, lo) => {
      head.int(hi);
      head.int(lo);
      head.int(timeoutMs);
    });
    this.acls.write(head);
    tree.freeze();
    return {
      chunks: tree.rows.chunks.map((chunk) => chunk.buffer as SharedArrayBuffer),
      segments: tree.blobs.segments.map((segment) => segment.buffer as SharedArrayBuffer),
      own: tree.blobs.own.map((bytes) => (bytes === null ? null : (bytes.buffer as SharedArrayBuffer))),
      head: head.take(),
      count: tree.rows.count,
      lastProcessedZxid: this.lastProcessedZxid,
      mayBeFuzzy: this.mayBeFuzzy,
      digestZxid: this.digestZxid,
      digestVersion: DIGEST_VERSION,
      digestHi: this.digestAtZxid.hi,
      digestLo: this.digestAtZxid.lo,
    };
  }

  /** The frozen view is no longer read. */
  release(): void {
    this.tree.thaw();
  }

  /**
   * Reads the body of a snapshot: sessions, ACL lists, znodes, terminator.
   * @throws ProtocolError when it is malformed: a missing parent, a path twice, an impossible length
   */
  static deserialize(source: ByteSource, options: DataTreeOptions): DataTree {
    return new DataTree(options, source);
  }

  /** Counts a znode that no txn created in wherever it belongs. `start` to `end` is its path. */
  adopt(row: Row, bytes: Uint8Array, start: number, end: number): void {
    const { tree } = this;
    const aclId = tree.aclId(row);
    if (aclId !== OPEN_ACL_ID) this.acls.addUsage(aclId);
    if (row !== ROOT) this.addToOwner(row, tree.ownerHi(row), tree.ownerLo(row));
    this.updateDigest(row, bytes, start, end);
    // `/` is counted twice: under its name and under its alias, the empty path.
    const dataLength = Math.max(0, tree.dataLength(row));
    this.approximateDataSize += row === ROOT ? 1 + 2 * dataLength : unitLength(bytes, start, end) + dataLength;
  }

  // --- helpers

  private addSystemNode(path: Uint8Array): Row {
    const parent = this.tree.findParent(path, 0, path.length);
    const row = this.tree.insert(parent, path, 0, path.length, NO_BYTES, 0, 0, OPEN_ACL_ID, 0, 0, 0, 0);
    this.adopt(row, path, 0, path.length);
    return row;
  }

  private addToOwner(row: Row, hi: number, lo: number): void {
    switch (this.tree.ephemeralTypes.of(hi, lo)) {
      case EphemeralType.Container:
        this.containers.add(row);
        break;
      case EphemeralType.Ttl:
        this.ttls.add(row);
        break;
      case EphemeralType.Normal: {
        const rows = this.ephemerals.get(hi, lo);
        if (rows === undefined) this.ephemerals.set(hi, lo, new Set([row]));
        else rows.add(row);
      }
    }
  }

  private removeFromOwner(row: Row): void {
    const { tree } = this;
    switch (tree.ephemeralType(row)) {
      case EphemeralType.Container:
        this.containers.delete(row);
        break;
      case EphemeralType.Ttl:
        this.ttls.delete(row);
        break;
      case EphemeralType.Normal:
        this.ephemerals.get(tree.ownerHi(row), tree.ownerLo(row))?.delete(row);
    }
  }

  /** Reads a path. It starts at the returned offset and ends where the reader then stands. */
  private openPath(): number {
    const { reader } = this;
    const length = reader.length("path");
    const start = reader.at;
    if (length < 1 || reader.bytes[start] !== 0x2f) {
      throw new ProtocolError("path", start, "a path that starts with /", `${Math.max(0, length)} other bytes`);
    }
    reader.at = start + length;
    return start;
  }

  private skipString(what: string): void {
    const length = this.reader.length(what);
    if (length > 0) this.reader.at += length;
  }
}

function isMultiPart(type: number): boolean {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createTTL:
    case OpCode.createContainer:
    case OpCode.delete:
    case OpCode.deleteContainer:
    case OpCode.setData:
    case OpCode.check:
      return true;
    default:
      return false;
  }
}

/** The length of a Java string in these bytes: of UTF-8, one unit each but two for those of four bytes. */
function unitLength(bytes: Uint8Array, start: number, end: number): number {
  let length = 0;
  for (let i = start; i < end; i++) {
    if ((bytes[i] & 0xc0) !== 0x80) length += bytes[i] >= 0xf0 ? 2 : 1;
  }
  return length;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** `world:anyone` with READ: nobody but a super user changes the configuration unless somebody allows it. */
function readOnlyAcl(): Uint8Array {
  const writer = new Writer();
  writer.int(1);
  writer.int(1);
  writer.string("world");
  writer.string("anyone");
  return writer.take();
}
