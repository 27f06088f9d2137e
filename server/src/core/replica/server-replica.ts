import { invariant } from "@quoll/jute";
import {
  follows,
  type History,
  type Replica,
  type ReplicaEvents,
  type SnapshotReceiver,
  type SnapshotSink,
} from "@quoll/zab";
import type { Log } from "../capabilities.js";
import { Fifo } from "../fifo.js";
import type { TxnLogSink } from "../server-core.js";
import { DataTree, type DataTreeOptions } from "../tree/data-tree.js";
import { ChunkSource } from "./chunk-source.js";
import type { CommittedLog } from "./committed-log.js";
import type { EpochKind, ReplicaStorage } from "./replica-storage.js";
import { SnapshotSkimmer } from "./snapshot-skimmer.js";

/** Who applies the proposals of a term once its server is there. */
export interface TermServer {
  /** A proposal was logged, or was when this server started; it is to be kept until it is committed. */
  proposed(bytes: Uint8Array, start: number, end: number, zxid: number): void;
  /** Visits what was logged and not committed, in order. */
  forEachUncommitted(visit: (bytes: Uint8Array, start: number, end: number, zxid: number) => void): void;
}

/** What recovery found on this server's disk. */
export interface ReplicaStart {
  readonly tree: DataTree;
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  readonly isDamaged: boolean;
}

/** A txn that was logged and is not committed yet. */
interface Logged {
  readonly zxid: number;
  readonly bytes: Uint8Array;
}

/**
 * This server's copy of the ensemble's data: the tree, the txn log behind it, the epochs. Between terms and while it
 * synchronizes with a leader it applies txns itself; while a server of the term is there, that does.
 */
export class ServerReplica implements Replica {
  tree: DataTree;
  acceptedEpoch: number;
  currentEpoch: number;
  isDamaged: boolean;
  lastLoggedZxid: number;
  readonly history: History;
  /** The log, for the leader's own server, which proposes what it appends. */
  readonly log: TxnLogSink;

  private server: TermServer | null = null;
  /** What was logged and not committed, while no server keeps it. */
  private readonly logged = new Fifo<Logged>();
  /** Whatever was asked for in an earlier term is not reported any more. */
  private term = 0;

  /**
   * @param committedLog - holds what recovery has replayed
   * @param prepareTree - called for each tree that was recovered or received, before it is used
   */
  constructor(
    private readonly storage: ReplicaStorage,
    start: ReplicaStart,
    private readonly treeOptions: DataTreeOptions,
    private readonly committedLog: CommittedLog,
    private readonly prepareTree: (tree: DataTree) => void,
    private readonly events: ReplicaEvents,
    private readonly logger: Log,
  ) {
    this.tree = start.tree;
    prepareTree(start.tree);
    this.acceptedEpoch = start.acceptedEpoch;
    this.currentEpoch = start.currentEpoch;
    this.isDamaged = start.isDamaged;
    this.lastLoggedZxid = start.tree.lastProcessedZxid;
    this.log = {
      append: (bytes, from, to, zxid) => this.appendToLog(bytes, from, to, zxid),
      roll: () => storage.log.roll(),
      get isFull() {
        return storage.log.isFull;
      },
    };
    this.history = {
      get minZxid() {
        return committedLog.minZxid;
      },
      get maxZxid() {
        return committedLog.maxZxid;
      },
      forEachAfter: (zxid, visit) => committedLog.forEachAfter(zxid, visit),
      readLog: (zxid, sizeLimit, sink) => storage.readLog(zxid, sizeLimit, sink),
      get snapshotSize() {
        return storage.snapshotSize;
      },
    };
  }

  get lastCommittedZxid(): number {
    return this.tree.lastProcessedZxid;
  }

  // --- epochs

  storeAcceptedEpoch(epoch: number): void {
    this.storeEpoch("accepted", epoch);
  }

  storeCurrentEpoch(epoch: number): void {
    this.storeEpoch("current", epoch);
  }

  private storeEpoch(kind: EpochKind, epoch: number): void {
    const { term } = this;
    this.storage.storeEpoch(kind, epoch, () => {
      // On the disk it is, whatever has become of the term.
      if (kind === "accepted") this.acceptedEpoch = epoch;
      else this.currentEpoch = epoch;
      if (term === this.term) this.events.epochStored(kind, epoch);
    });
  }

  // --- the log

  append(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    this.appendToLog(bytes, start, end, zxid);
    if (this.server === null) this.logged.push({ zxid, bytes: bytes.slice(start, end) });
    else this.server.proposed(bytes, start, end, zxid);
  }

  private appendToLog(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    invariant(
      follows(this.lastLoggedZxid, zxid),
      () => `proposal 0x${zxid.toString(16)} after 0x${this.lastLoggedZxid.toString(16)}`,
    );
    this.lastLoggedZxid = zxid;
    this.storage.log.append(bytes, start, end, zxid);
  }

  /** A txn was applied to the tree by the server of the term. */
  committed(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    this.committedLog.add(bytes, start, end, zxid);
  }

  commit(zxid: number): void {
    invariant(this.server === null, "the server of the term applies what is committed");
    for (let head = this.logged.peek(); head !== null && head.zxid <= zxid; head = this.logged.peek()) {
      this.logged.shift();
      this.apply(head.bytes, 0, head.bytes.length, head.zxid);
    }
  }

  private apply(bytes: Uint8Array, start: number, end: number, zxid: number): void {
    const { tree } = this;
    const before = tree.digestMismatches;
    tree.apply(bytes, start, end, null);
    if (tree.digestMismatches !== before) {
      // Java counts it and goes on; what two servers have made of one history must not differ.
      this.logger.error(
        { zxid: `0x${zxid.toString(16)}` },
        "the digest of this txn is not the one of this server's tree",
      );
    }
    this.committedLog.add(bytes, start, end, zxid);
  }

  /** Everything up to `zxid` is durable: called by whoever owns the storage. */
  logSynced(zxid: number): void {
    this.events.synced(zxid);
  }

  // --- the server of a term

  /** From here on `server` keeps what is proposed and applies what is committed. */
  attach(server: TermServer): void {
    this.server = server;
    for (let head = this.logged.shift(); head !== null; head = this.logged.shift()) {
      server.proposed(head.bytes, 0, head.bytes.length, head.zxid);
    }
  }

  settle(): void {
    const { logged } = this;
    this.server?.forEachUncommitted((bytes, start, end, zxid) => logged.push({ zxid, bytes: bytes.slice(start, end) }));
    this.server = null;
    const term = ++this.term;
    // What the log has beyond the tree may be committed, and is if this server is elected.
    this.storage.whenDurable(() => {
      this.commit(this.lastLoggedZxid);
      if (term === this.term) this.events.settled();
    });
  }

  // --- taking over the leader's state

  truncate(zxid: number): void {
    invariant(this.server === null, "only a replica without a server is truncated");
    const { term } = this;
    this.logged.clear();
    this.storage.truncate(zxid, (tree) => {
      this.take(tree);
      if (term === this.term) this.events.truncated(tree.lastProcessedZxid);
    });
  }

  receiveSnapshot(zxid: number): SnapshotReceiver {
    invariant(this.server === null, "only a replica without a server takes a state");
    const { term } = this;
    const skimmer = new SnapshotSkimmer();
    const chunks: Uint8Array[] = [];
    let isAbandoned = false;
    return {
      get isComplete() {
        return skimmer.isComplete;
      },
      write: (bytes, start, end) => {
        invariant(!isAbandoned && !skimmer.isComplete, "bytes come for a state that is complete or given up");
        const stop = skimmer.read(bytes, start, end);
        chunks.push(bytes.slice(start, stop));
        if (skimmer.isComplete) this.replace(zxid, chunks, term);
        return stop - start;
      },
      abandon: () => {
        isAbandoned = true;
        chunks.length = 0;
      },
    };
  }

  /** The state is whole: makes it durable, then it takes the place of the old one. */
  private replace(zxid: number, chunks: Uint8Array[], term: number): void {
    const tree = DataTree.deserialize(new ChunkSource(chunks), this.treeOptions);
    // A leader's state may hold more than its zxid says if it is Java's; the txns come again, and applying them again is harmless.
    tree.lastProcessedZxid = zxid;
    tree.mayBeFuzzy = true;
    this.logged.clear();
    this.storage.replace(tree.freeze(), () => {
      tree.release();
      this.isDamaged = false;
      this.take(tree);
      if (term === this.term) this.events.snapshotStored(zxid);
    });
  }

  private take(tree: DataTree): void {
    this.prepareTree(tree);
    this.tree = tree;
    this.lastLoggedZxid = tree.lastProcessedZxid;
    this.committedLog.clear();
  }

  // --- giving the state away

  sendSnapshot(sink: SnapshotSink): { readonly zxid: number; stop(): void } {
    const { tree } = this;
    const frozen = tree.freeze();
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      tree.release();
    };
    const stop = this.storage.sendState(frozen, {
      bytes: (chunk, resume) => sink.bytes(chunk, resume),
      end: () => {
        release();
        sink.end();
      },
      failed: (reason) => {
        release();
        sink.failed(reason);
      },
    });
    return {
      zxid: frozen.lastProcessedZxid,
      stop: () => {
        stop();
        release();
      },
    };
  }
}
