import { type LearnerType, type Member, type QuorumVerifier, verifierOf } from "../../src/core/index.js";

export function member(sid: number, type: LearnerType = "participant"): Member {
  return {
    sid,
    quorumAddresses: [{ host: `n${sid}`, port: 2888 }],
    electionAddresses: [{ host: `n${sid}`, port: 3888 }],
    clientAddress: { host: "0.0.0.0", port: 2181 },
    type,
  };
}

/** Servers 1 to `voters`, then `observers` more. */
export function ensemble(voters: number, observers = 0, version = 0): QuorumVerifier {
  const members: Member[] = [];
  for (let sid = 1; sid <= voters + observers; sid++) {
    members.push(member(sid, sid <= voters ? "participant" : "observer"));
  }
  return verifierOf({ version, members, groups: new Map(), weights: new Map() });
}
