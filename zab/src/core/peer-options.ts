/** What a {@link QuorumPeer} is told once. */
export interface PeerOptions {
  /** This server's number. */
  readonly sid: number;
  readonly tickTimeMs: number;
  /** Ticks that discovery and synchronization may take. */
  readonly initLimit: number;
  /** Ticks that a learner or a leader may be silent. */
  readonly syncLimit: number;
  /** `connectToLearnerMasterLimit`: ticks that connecting to the leader may take; 0: as {@link initLimit}. */
  readonly connectToLearnerMasterLimit: number;
  /** Bytes of one packet's data: `jute.maxbuffer` with its extra size. */
  readonly packetBytesMax: number;
  /** Bytes that may wait for a learner (beyond its first synchronization); one that reads slower is dropped. */
  readonly learnerQueueBytesMax: number;
  /** `leader.maxConcurrentSnapSyncs`; ZooKeeper: 10. Followers are let through above it, as in ZooKeeper. */
  readonly maxConcurrentSnapSyncs: number;
  /** `leader.maxConcurrentDiffSyncs`; ZooKeeper: 100. */
  readonly maxConcurrentDiffSyncs: number;
  /** `snapshotSizeFactor`: how much of a snapshot's size may be sent from the log instead. ZooKeeper: 0.33; 0 or less: never. */
  readonly snapshotSizeFactor: number;
  /** `forceSnapshotSync` */
  readonly forceSnapshotSync: boolean;
  readonly reconfigEnabled: boolean;
  /** Whether servers may have several addresses; for the text of memberships. */
  readonly multiAddress: boolean;
  /** Learners that are not in the configuration which are served at a time, if it can change: they may be about to join. */
  readonly unlistedLearnersMax: number;
  /**
   * `observerMasterPort`: where followers serve observers, and where an observer looks for one; 0: observers follow the
   * leader.
   */
  readonly observerMasterPort: number;
  /** Connections to the quorum port that have not yet said who they are, in all. */
  readonly unprovenLinksMax: number;
}

export const DEFAULT_PEER_OPTIONS: Omit<PeerOptions, "sid"> = {
  tickTimeMs: 2000,
  initLimit: 10,
  syncLimit: 5,
  connectToLearnerMasterLimit: 0,
  packetBytesMax: 0xfffff + 0x100000,
  learnerQueueBytesMax: 256 * 1024 * 1024,
  maxConcurrentSnapSyncs: 10,
  maxConcurrentDiffSyncs: 100,
  snapshotSizeFactor: 0.33,
  forceSnapshotSync: false,
  reconfigEnabled: false,
  multiAddress: false,
  unlistedLearnersMax: 64,
  observerMasterPort: 0,
  unprovenLinksMax: 100,
};
