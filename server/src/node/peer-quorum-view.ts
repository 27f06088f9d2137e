import type { QuorumPeer, QuorumVerifier } from "@quoll/zab";
import type { ServerCore } from "../core/server-core.js";
import type { LeaderView, QuorumView } from "./admin/quorum-view.js";
import type { EnsembleConfig } from "./config/quoll-config.js";

/** A server's part in its ensemble, as commands show it. */
export class PeerQuorumView implements QuorumView {
  /** When the present term's server began, ms of the monotonic clock. */
  servingSinceMs = 0;

  /** @param core - who serves now */
  constructor(
    private readonly peer: QuorumPeer,
    private readonly ensemble: EnsembleConfig,
    private readonly core: () => ServerCore,
  ) {}

  get initLimit(): number {
    return this.ensemble.initLimit;
  }
  get syncLimit(): number {
    return this.ensemble.syncLimit;
  }
  get electionPorts(): string {
    return this.own?.electionAddresses.map(({ port }) => port).join("|") ?? "";
  }
  get quorumPorts(): string {
    return this.own?.quorumAddresses.map(({ port }) => port).join("|") ?? "";
  }
  get isObserver(): boolean {
    return this.own?.type === "observer";
  }
  get quorumSize(): number {
    return this.verifier.votingMembers.size;
  }
  get membership(): string {
    return this.verifier.toText();
  }
  get peerState(): string {
    const { state, phase } = this.peer;
    return phase === "ELECTION" ? state.toLowerCase() : `${state} - ${phase}`.toLowerCase();
  }
  get learnerMasterSid(): number {
    return this.peer.leaderSid ?? -1;
  }

  get leader(): LeaderView | null {
    const { leading } = this.peer;
    if (leading === null) return null;
    const learners = [...leading.learners];
    const synced = learners.filter(({ isForwarding }) => isForwarding);
    const followers = synced.filter(({ isObserver }) => !isObserver);
    return {
      learners: learners.length,
      syncedFollowers: followers.length,
      syncedNonVotingFollowers: followers.filter(({ sid }) => !this.verifier.votingMembers.has(sid)).length,
      syncedObservers: synced.length - followers.length,
      pendingSyncs: this.core().pendingSyncs,
      uptimeMs: Math.round(performance.now() - this.servingSinceMs),
    };
  }

  private get verifier(): QuorumVerifier {
    return this.peer.verifier;
  }

  private get own() {
    return this.verifier.members.get(this.ensemble.myid);
  }
}
