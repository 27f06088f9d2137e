/** What a packet between a learner and its leader is; the numbers are the wire's. */
export const enum PacketType {
  /** learner to leader: long session, int cxid, int opcode, the request's record; authinfo: its client's identities */
  REQUEST = 1,
  /** leader to follower: a txn that is to be logged */
  PROPOSAL = 2,
  /** follower to leader: everything up to zxid is durable here */
  ACK = 3,
  /** leader to follower: the txn of zxid is committed */
  COMMIT = 4,
  /** leader to learner, and back with the sessions heard of: (long session, int timeout in ms)* */
  PING = 5,
  /** learner to leader: long session, int timeout in ms; back: long session, bool valid */
  REVALIDATE = 6,
  /** leader to learner: everything before the oldest unanswered sync of the learner is committed */
  SYNC = 7,
  /** leader to observer: a committed txn */
  INFORM = 8,
  /** leader to follower: as COMMIT for a change of membership; long sid of the leader to come */
  COMMITANDACTIVATE = 9,
  /** leader to learner: the end of the synchronization; text of the newest membership */
  NEWLEADER = 10,
  /** follower to leader, first: acceptedEpoch in zxid; LearnerInfo */
  FOLLOWERINFO = 11,
  /** leader to learner: serve clients */
  UPTODATE = 12,
  /** leader to learner: committed txns follow */
  DIFF = 13,
  /** leader to learner: take out what is after zxid */
  TRUNC = 14,
  /** leader to learner: the whole state as of zxid follows, not as a packet */
  SNAP = 15,
  /** as FOLLOWERINFO, from an observer */
  OBSERVERINFO = 16,
  /** leader to learner: the new epoch in zxid; int protocol version */
  LEADERINFO = 17,
  /** learner to leader: last logged zxid; int currentEpoch, -1: not to be counted */
  ACKEPOCH = 18,
  /** leader to observer: long sid of the leader to come, then as INFORM */
  INFORMANDACTIVATE = 19,
}

const NAMES = [
  "REQUEST",
  "PROPOSAL",
  "ACK",
  "COMMIT",
  "PING",
  "REVALIDATE",
  "SYNC",
  "INFORM",
  "COMMITANDACTIVATE",
  "NEWLEADER",
  "FOLLOWERINFO",
  "UPTODATE",
  "DIFF",
  "TRUNC",
  "SNAP",
  "OBSERVERINFO",
  "LEADERINFO",
  "ACKEPOCH",
  "INFORMANDACTIVATE",
];

export function packetName(type: number): string {
  return NAMES[type - 1] ?? `packet type ${type}`;
}
