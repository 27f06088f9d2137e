/** What the four-letter words show of a member of an ensemble, beside what every server shows. */
export interface QuorumView {
  readonly initLimit: number;
  readonly syncLimit: number;
  /** As ZooKeeper writes several: separated by `|`. */
  readonly electionPorts: string;
  readonly quorumPorts: string;
  readonly isObserver: boolean;
  /** How many members vote. */
  readonly quorumSize: number;
  /** The members as text, as `/zookeeper/config` has them. */
  readonly membership: string;
  /** What the peer does, and how far it is: `leading - broadcast`. */
  readonly peerState: string;
  /** The server that an observer gets its txns from. */
  readonly learnerMasterSid: number;
  /** Null while another server leads. */
  readonly leader: LeaderView | null;
}

/** What only a leader knows. */
export interface LeaderView {
  readonly learners: number;
  readonly syncedFollowers: number;
  /** Followers that are connected and do not vote. */
  readonly syncedNonVotingFollowers: number;
  readonly syncedObservers: number;
  /** Syncs of clients that wait for what was outstanding. */
  readonly pendingSyncs: number;
  readonly uptimeMs: number;
}
