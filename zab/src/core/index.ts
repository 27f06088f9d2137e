export type { Log, Random } from "./capabilities.js";
export type { Dialer, HostPort, Link, LinkHandler } from "./link.js";
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
