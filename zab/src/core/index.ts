export type { Log, Random } from "./capabilities.js";
export {
  type Candidate,
  defaultElectionOptions,
  type Elected,
  Election,
  type ElectionEvents,
  type ElectionOptions,
  NO_VOTE,
  type Proposal,
  type Role,
  ServerState,
  type Vote,
} from "./election/index.js";
export type { Dialer, HostPort, Link, LinkHandler } from "./link.js";
export {
  CONFIG_TEXT_MAX,
  HierarchicalQuorum,
  type LearnerType,
  MajorityQuorum,
  MEMBERS_MAX,
  type Member,
  MembershipError,
  membershipOf,
  type Oracle,
  parseConfigText,
  type QuorumConfig,
  type QuorumVerifier,
  type ReadQuorumConfig,
  SyncedLearnerTracker,
  sameMember,
  textOfAddress,
  textOfMember,
  typeOf,
  verifierOf,
} from "./membership/index.js";
export type { Leadership, PeerEvents } from "./peer-events.js";
export { DEFAULT_PEER_OPTIONS, type PeerOptions } from "./peer-options.js";
export { type PeerElection, type PeerState, type PeerVerifiers, QuorumPeer } from "./quorum-peer.js";
export type {
  History,
  LogReading,
  LogSink,
  Replica,
  ReplicaEvents,
  SnapshotReceiver,
  SnapshotSink,
} from "./replica.js";
export type { Broadcast, Forward, LeaderService, LearnerService, Origin } from "./service.js";
export { counterOf, EPOCH_SIZE, epochOf, firstZxidOf, follows } from "./zxid.js";
