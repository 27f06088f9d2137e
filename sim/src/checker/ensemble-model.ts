import type { DataTree } from "@quoll/server/core/tree/data-tree";
import { counterOf, epochOf, follows } from "@quoll/zab";
import { hex, violated } from "./violation.js";

/** A txn that somebody has logged. A zxid names one txn with one past, or two leaders have had the same epoch. */
export interface Txn {
  readonly zxid: number;
  readonly hash: number;
  readonly bytes: Uint8Array;
  readonly previous: Txn | null;
  /** How many came before it. */
  readonly index: number;
  /** Of the tree behind it, as the first server had it. */
  digest: string | null;
}

/** What one server has promised and has, seen from outside. */
export class NodeModel {
  /** The last txn in its log. */
  last: Txn | null = null;
  /** The last txn that it has called durable: no loss of power may take it away. */
  durable: Txn | null = null;
  /** It is taking another one's whole state: a crash leaves the old one or this. */
  replacement: { readonly zxid: number; readonly txn: Txn | null } | null = null;
  /** Epochs that it has told others that it has accepted, or joined. */
  acceptedEpoch = 0;
  joinedEpoch = 0;
  /** Its disk was damaged or emptied: what it has promised is not there any more, and it has to say so. */
  isExcused = false;

  constructor(
    readonly sid: number,
    readonly isVoter: boolean,
  ) {}
}

/**
 * What an ensemble may do, checked as it does it: one history of txns, one leader per epoch, nothing committed that is not
 * durable at a quorum, nothing of it ever gone.
 */
export class EnsembleModel {
  private readonly txns = new Map<number, Txn>();
  readonly committed: Txn[] = [];
  readonly nodes = new Map<number, NodeModel>();
  private readonly leaders = new Map<number, number>();
  /** Called for each txn as it becomes part of the committed history. */
  onCommitted: (txn: Txn) => void = () => {};

  node(sid: number): NodeModel {
    return this.nodes.get(sid)!;
  }

  get lastCommitted(): Txn | null {
    return this.committed.at(-1) ?? null;
  }

  // --- logs

  appended(node: NodeModel, bytes: Uint8Array, start: number, end: number, zxid: number): void {
    const hash = hashOf(bytes, start, end);
    let txn = this.txns.get(zxid);
    if (txn === undefined) {
      const previous = node.last;
      if (previous !== null && !follows(previous.zxid, zxid)) {
        violated("TotalOrder", `server ${node.sid} logs ${hex(zxid)} after ${hex(previous.zxid)}`);
      }
      const index = previous === null ? 0 : previous.index + 1;
      txn = { zxid, hash, bytes: bytes.slice(start, end), previous, index, digest: null };
      this.txns.set(zxid, txn);
    }
    if (txn.hash !== hash) violated("Integrity", `server ${node.sid} logs another txn as ${hex(zxid)}`);
    if (txn.previous !== node.last) {
      violated(
        "PrefixConsistency",
        `server ${node.sid} logs ${hex(zxid)} after ${nameOf(node.last)}; elsewhere it follows ${nameOf(txn.previous)}`,
      );
    }
    node.last = txn;
  }

  synced(node: NodeModel, zxid: number): void {
    const txn = at(node.last, zxid);
    if (txn !== null && (node.durable === null || txn.index > node.durable.index)) node.durable = txn;
  }

  /** A server begins to cut its log: from now on nothing behind `zxid` can be counted on. */
  truncating(node: NodeModel, zxid: number): void {
    const before = node.durable;
    node.durable = common(node.durable, at(node.last, zxid));
    this.checkStillDurable(node, before, "cuts its log");
  }

  truncated(node: NodeModel, zxid: number): void {
    node.last = at(node.last, zxid);
  }

  /** A server begins to put another one's whole state into the place of its own. */
  replacing(node: NodeModel, zxid: number, leader: NodeModel | null): void {
    const txn = this.txns.get(zxid) ?? at(leader?.last ?? null, zxid) ?? at(this.lastCommitted, zxid);
    const before = node.durable;
    node.replacement = { zxid, txn };
    node.durable = common(node.durable, txn);
    if (!node.isExcused) this.checkStillDurable(node, before, `takes a state at ${nameOf(txn)}`);
  }

  replaced(node: NodeModel): void {
    node.last = node.durable = node.replacement?.txn ?? null;
    node.replacement = null;
    node.isExcused = false;
  }

  /** What is committed stays durable at a quorum, whatever a server gives up. */
  private checkStillDurable(node: NodeModel, before: Txn | null, what: string): void {
    for (let txn = before; txn !== null && txn !== node.durable; txn = txn.previous) {
      if (this.committed[txn.index] !== txn || this.isDurable(txn)) continue;
      violated(
        "CommittedLogDurability",
        `server ${node.sid} ${what} without ${hex(txn.zxid)}, which is committed and then durable at no quorum`,
      );
    }
  }

  /** A server has recovered its disk. */
  recovered(node: NodeModel, tree: DataTree, replayed: ReadonlyMap<number, number>): void {
    const zxid = tree.lastProcessedZxid;
    for (const [replayedZxid, hash] of replayed) {
      const txn = this.txns.get(replayedZxid);
      if (txn === undefined)
        violated("CutEquivalence", `server ${node.sid} recovers ${hex(replayedZxid)} from nowhere`);
      if (txn.hash !== hash)
        violated("CutEquivalence", `server ${node.sid} recovers another txn as ${hex(replayedZxid)}`);
    }
    const { replacement } = node;
    if (replacement !== null && replacement.zxid === zxid) node.last = replacement.txn;
    node.replacement = null;
    const last = at(node.last, zxid);
    if (node.durable !== null && !node.isExcused && (last === null || last.index < node.durable.index)) {
      violated(
        "DurableAck",
        `server ${node.sid} recovers up to ${hex(zxid)}, but has called ${hex(node.durable.zxid)} durable`,
      );
    }
    if (counterOf(zxid) !== 0 && last?.zxid !== zxid) {
      violated("CutEquivalence", `server ${node.sid} recovers ${hex(zxid)}, which was not in its log`);
    }
    node.last = last;
    // What was read back was made durable before it counts (rule D5).
    node.durable = last;
    this.checkDigest(node, tree);
  }

  // --- epochs

  recoveredEpochs(node: NodeModel, accepted: number, current: number): void {
    if (accepted < current) violated("EpochFiles", `server ${node.sid} has accepted ${accepted} < current ${current}`);
    if (node.isExcused) return;
    if (accepted < node.acceptedEpoch) {
      violated(
        "EpochFiles",
        `server ${node.sid} has accepted epoch ${node.acceptedEpoch}, and comes back with ${accepted}`,
      );
    }
    if (current < node.joinedEpoch) {
      violated("EpochFiles", `server ${node.sid} has joined epoch ${node.joinedEpoch}, and comes back with ${current}`);
    }
  }

  toldAccepted(node: NodeModel, epoch: number): void {
    node.acceptedEpoch = Math.max(node.acceptedEpoch, epoch);
  }

  toldJoined(node: NodeModel, epoch: number): void {
    node.joinedEpoch = Math.max(node.joinedEpoch, epoch);
  }

  /** A follower acknowledges a txn. */
  acked(node: NodeModel, zxid: number): void {
    if (node.durable === null || node.durable.zxid < zxid) {
      violated(
        "DurableAck",
        `server ${node.sid} acknowledges ${hex(zxid)}, but only ${nameOf(node.durable)} is durable`,
      );
    }
  }

  /** A follower acknowledges NEWLEADER: it has its leader's initial history, durably. */
  ackedNewLeader(node: NodeModel, epoch: number): void {
    if (node.last !== node.durable) {
      const proposals = node.last !== null && epochOf(node.last.zxid) === epoch;
      if (!proposals) {
        violated(
          "DurableAck",
          `server ${node.sid} acknowledges NEWLEADER ${epoch} with ${nameOf(node.last)}, but only ${nameOf(node.durable)} is durable`,
        );
      }
    }
    this.toldJoined(node, epoch);
  }

  // --- terms

  leading(node: NodeModel, epoch: number, isDamaged: boolean): void {
    const other = this.leaders.get(epoch);
    if (other !== undefined) violated("Leadership", `servers ${other} and ${node.sid} lead epoch ${epoch}`);
    this.leaders.set(epoch, node.sid);
    this.toldAccepted(node, epoch);
    this.toldJoined(node, epoch);
    if (isDamaged) violated("Leadership", `server ${node.sid} leads, though its data is damaged`);
    const { lastCommitted } = this;
    if (lastCommitted !== null && !contains(node.last, lastCommitted)) {
      violated(
        "LeaderLogCompleteness",
        `server ${node.sid} leads epoch ${epoch} with a log up to ${nameOf(node.last)}, without ${nameOf(lastCommitted)}, which is committed`,
      );
    }
    for (const [earlier] of this.leaders) {
      if (earlier > epoch && this.committed.some((txn) => epochOf(txn.zxid) === earlier)) {
        violated("GlobalPrimaryOrder", `server ${node.sid} leads epoch ${epoch} after epoch ${earlier} has committed`);
      }
    }
    this.delivered(node, node.last);
  }

  /** A server serves a state: all of it is committed. */
  serving(node: NodeModel, tree: DataTree): void {
    this.delivered(node, at(node.last, tree.lastProcessedZxid));
    this.checkDigest(node, tree);
  }

  /** A server that serves has applied a txn. */
  committedAt(node: NodeModel, zxid: number, tree: DataTree): void {
    const txn = this.txns.get(zxid);
    if (txn === undefined) violated("Integrity", `server ${node.sid} applies ${hex(zxid)}, which nobody has proposed`);
    this.delivered(node, txn);
    this.checkDigest(node, tree);
  }

  private delivered(node: NodeModel, txn: Txn | null): void {
    if (txn === null) return;
    const { committed } = this;
    if (txn.index < committed.length) {
      if (committed[txn.index] !== txn) {
        violated(
          "PrefixConsistency",
          `server ${node.sid} delivers ${hex(txn.zxid)} where ${nameOf(committed[txn.index]!)} is committed`,
        );
      }
      return;
    }
    const news: Txn[] = [];
    for (let each: Txn | null = txn; each !== null && each.index >= committed.length; each = each.previous)
      news.push(each);
    const oldest = news.at(-1)!;
    if (oldest.previous !== this.lastCommitted) {
      violated(
        "PrefixConsistency",
        `server ${node.sid} delivers ${hex(txn.zxid)} on top of ${nameOf(oldest.previous)}; committed is ${nameOf(this.lastCommitted)}`,
      );
    }
    this.checkQuorum(node, txn);
    for (const each of news.reverse()) {
      committed.push(each);
      this.onCommitted(each);
    }
  }

  private checkQuorum(node: NodeModel, txn: Txn): void {
    if (this.isDurable(txn)) return;
    const having = [...this.nodes.values()].filter((other) => contains(other.durable, txn)).map(({ sid }) => sid);
    violated(
      "QuorumDurability",
      `server ${node.sid} commits ${hex(txn.zxid)}, which is durable at ${JSON.stringify(having)} only`,
    );
  }

  private isDurable(txn: Txn): boolean {
    let voters = 0;
    let having = 0;
    for (const { isVoter, durable } of this.nodes.values()) {
      if (!isVoter) continue;
      voters++;
      if (contains(durable, txn)) having++;
    }
    return having > voters / 2;
  }

  /** Two servers with one history have one state. */
  private checkDigest(node: NodeModel, tree: DataTree): void {
    if (tree.mayBeFuzzy) return;
    const txn = this.txns.get(tree.lastProcessedZxid);
    if (txn === undefined) return;
    const digest = `${tree.digest.hi} ${tree.digest.lo} ${tree.nodeCount} ${tree.sessions.size} ${tree.ephemeralCount}`;
    txn.digest ??= digest;
    if (txn.digest !== digest) {
      violated(
        "ReplayEquivalence",
        `server ${node.sid} has ${digest} behind ${hex(txn.zxid)}; another had ${txn.digest}`,
      );
    }
  }
}

/** The last txn of a history that is at most `zxid`. */
function at(last: Txn | null, zxid: number): Txn | null {
  let txn = last;
  while (txn !== null && txn.zxid > zxid) txn = txn.previous;
  return txn;
}

function contains(last: Txn | null, txn: Txn): boolean {
  return last !== null && last.index >= txn.index && at(last, txn.zxid) === txn;
}

/** Where two histories part. */
function common(a: Txn | null, b: Txn | null): Txn | null {
  let one = a;
  let other = b;
  while (one !== other) {
    if (other === null || (one !== null && one.index >= other.index)) one = one!.previous;
    else other = other.previous;
  }
  return one;
}

function nameOf(txn: Txn | null): string {
  return txn === null ? "nothing" : hex(txn.zxid);
}

export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}
