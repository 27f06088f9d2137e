import type { Log, Random } from "../capabilities.js";
import type { Dialer, Link, LinkHandler } from "../link.js";
import type { LearnerType, Oracle, QuorumVerifier } from "../membership/index.js";
import { ElectionConnections } from "./election-connections.js";
import { FastLeaderElection } from "./fast-leader-election.js";
import type { Candidate, Vote } from "./vote.js";

/** What an {@link Election} is told once. Times in ms. */
export interface ElectionOptions {
  /** This server's number. */
  readonly sid: number;
  /** Whether servers may have several addresses: the hello then names all of them, in the form that 3.6 and later read. */
  readonly multiAddress: boolean;
  /** `cnxTimeout`: how long a connection attempt may take. ZooKeeper: 5000. */
  readonly cnxTimeoutMs: number;
  /** `fastleader.minNotificationInterval`: the first wait before the vote is sent again. ZooKeeper: 200. */
  readonly minNotificationIntervalMs: number;
  /** `fastleader.maxNotificationInterval`: the longest wait; it doubles each time. ZooKeeper: 60000. */
  readonly maxNotificationIntervalMs: number;
  /** Whether a newer configuration in a notification of a voting server is passed on. */
  readonly reconfigEnabled: boolean;
  /** How many links of servers that are not in the configuration (joining ones, unlisted observers) are served. 0: none. */
  readonly unlistedLinksMax: number;
  /** What this server is when the configuration does not list it. */
  readonly peerType: LearnerType;
  /** For ensembles of two servers, or null. */
  readonly oracle: Oracle | null;
}

/** ZooKeeper's own settings, for a server of the given number. */
export function defaultElectionOptions(sid: number): ElectionOptions {
  return {
    sid,
    multiAddress: false,
    cnxTimeoutMs: 5000,
    minNotificationIntervalMs: 200,
    maxNotificationIntervalMs: 60_000,
    reconfigEnabled: false,
    unlistedLinksMax: 64,
    peerType: "participant",
    oracle: null,
  };
}

/** What this server brings into an election. */
export interface Proposal {
  /** The last txn in its log, which is durable (rule D5). */
  readonly zxid: number;
  /** Its current epoch, as last stored. */
  readonly epoch: number;
  /**
   * False for a damaged replica (rule D7): it casts no vote and can't be elected. It asks who leads, in a form that no
   * server counts, until it sees a formed quorum, and then follows its leader.
   */
  readonly canVote: boolean;
}

/** What comes out of an {@link Election}. Each is called as the last thing within a call of the election. */
export interface ElectionEvents {
  /** The election is over; lookers are told of it from now on. */
  elected(result: Elected): void;
  /**
   * While this server looks for a leader, a voting one has shown a newer configuration. If it is taken, call
   * {@link Election.setVerifiers} and {@link Election.look} again; else nothing.
   */
  newerConfig(verifier: QuorumVerifier, sid: number): void;
  /** While this server leads or follows, a voting one has told that it looks for a leader. It was answered. */
  looking(sid: number): void;
}

export type Role = "leading" | "following" | "observing";

/** The result of an election. */
export interface Elected extends Vote {
  readonly role: Role;
  /** The servers that voted for this leader. When one of them is {@link ElectionEvents.looking}, it may have left. */
  readonly voters: ReadonlySet<number>;
}

/**
 * A server's part in choosing a leader: the connections of the election port and fast leader election over them. A pure
 * machine: bytes come in by links, time by {@link clock} and {@link tick}. It lives as long as the server, through all
 * terms; between elections it tells those who look whom this server follows.
 */
export class Election {
  private readonly connections: ElectionConnections;
  private readonly machine: FastLeaderElection;

  /**
   * @param verifier - the committed configuration
   * @param dialer - connects to election addresses of the configuration, to no other
   */
  constructor(
    options: ElectionOptions,
    verifier: QuorumVerifier,
    dialer: Dialer,
    random: Random,
    log: Log,
    events: ElectionEvents,
  ) {
    this.connections = new ElectionConnections(options, verifier, dialer, random, log, {
      received: (sid, bytes, start, end) => this.machine.messageReceived(sid, bytes, start, end),
      connected: (sid) => this.machine.connected(sid),
      disconnected: (sid) => this.machine.disconnected(sid),
    });
    this.machine = new FastLeaderElection(options, verifier, this.connections, log, events);
  }

  /** Somebody has connected to an election address. */
  accepted(link: Link): LinkHandler {
    return this.connections.accepted(link);
  }

  /** Begins an election, also while one is going on. {@link ElectionEvents.elected} ends it. */
  look(proposal: Proposal): void {
    this.machine.look(proposal);
  }

  /** Whether an election is going on. */
  get isLooking(): boolean {
    return this.machine.isLooking;
  }

  /** The number of this round: how many elections there were, as far as this server knows. */
  get logicalClock(): number {
    return this.machine.logicalClock;
  }

  /** The vote of this server: what it proposes while it looks, and whom it leads or follows then. null before the first. */
  get vote(): Vote | null {
    return this.machine.vote;
  }

  /**
   * The term that the vote was for is formed and has this epoch: from now on lookers are told it, as ZooKeeper does when
   * the quorum has acknowledged NEWLEADER (leader) and at UPTODATE (learners).
   */
  formed(epoch: number): void {
    this.machine.formed(epoch);
  }

  /** Takes a role without an election (a configuration has named the leader), or another vote in the same role. */
  leading(vote: Candidate): void {
    this.machine.become("leading", vote);
  }

  following(vote: Candidate): void {
    this.machine.become("following", vote);
  }

  observing(vote: Candidate): void {
    this.machine.become("observing", vote);
  }

  /**
   * The configuration has changed. Links of servers that are in neither are closed.
   * @param committed - the configuration in force
   * @param lastSeen - a newer one that is being changed to, or null: elections then need quorums of both
   */
  setVerifiers(committed: QuorumVerifier, lastSeen: QuorumVerifier | null = null): void {
    this.connections.setVerifiers(committed, lastSeen);
    this.machine.setVerifiers(committed, lastSeen);
  }

  /** Whether there is a link to that server's election port, for status. */
  isConnected(sid: number): boolean {
    return this.connections.isConnected(sid);
  }

  /** The monotonic time, in ms; to be told before anything else is called. */
  clock(nowMs: number): void {
    this.connections.clock(nowMs);
    this.machine.clock(nowMs);
  }

  /** Does what is due. */
  tick(): void {
    this.connections.tick();
    this.machine.tick();
  }

  /** When {@link tick} wants to be called; Infinity for never. */
  nextDeadlineMs(): number {
    return Math.min(this.connections.nextDeadlineMs(), this.machine.nextDeadlineMs());
  }

  /** Ends all connections; nothing is called any more. */
  stop(): void {
    this.machine.stop();
    this.connections.stop();
  }
}
