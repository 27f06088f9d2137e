import { describe, expect, it } from "vitest";
import { QuorumAcks } from "../../src/core/leader/quorum-acks.js";
import { type Member, verifierOf } from "../../src/core/membership/index.js";

const members = [1, 2, 3].map(
  (sid): Member => ({
    sid,
    quorumAddresses: [{ host: `s${sid}`, port: 2888 }],
    electionAddresses: [{ host: `s${sid}`, port: 3888 }],
    clientAddress: null,
    type: "participant",
  }),
);
const verifiers = [verifierOf({ version: 0, members, groups: new Map(), weights: new Map() })];

describe("acknowledgements of proposals", () => {
  it("commit what a quorum has, and what came before it", () => {
    const acks = new QuorumAcks();
    acks.ack(1, 5);
    expect(acks.committable(2, 9, verifiers)).toBe(2);
    acks.ack(2, 4);
    expect(acks.committable(2, 9, verifiers)).toBe(4);
  });

  it("do not count any more when their server is synchronized again, until it acknowledges anew", () => {
    const acks = new QuorumAcks();
    acks.ack(1, 5);
    // It comes back ahead of what is committed, and is told to cut its log.
    acks.forget(1);
    acks.ack(2, 5);
    expect(acks.committable(4, 9, verifiers)).toBe(4);
    expect(acks.ack(1, 5)).toBe(true);
    expect(acks.committable(4, 9, verifiers)).toBe(5);
  });
});
