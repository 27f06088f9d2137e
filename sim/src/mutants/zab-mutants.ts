import { ServerReplica } from "@quoll/server/core/replica/server-replica";
import { FastLeaderElection } from "@quoll/zab/core/election/fast-leader-election";
import { Leader } from "@quoll/zab/core/leader/leader";
import { QuorumAcks } from "@quoll/zab/core/leader/quorum-acks";
import { AppendedTxns } from "@quoll/zab/core/learner/appended-txns";
import { Learner } from "@quoll/zab/core/learner/learner";
import { type Mutant, patched } from "./mutant.js";

type Fields = Record<string, never>;
type Any = {
  // biome-ignore lint/suspicious/noExplicitAny: a mutant reaches into what the class hides
  [name: string]: any;
};

/** Changed decisions of election, leader and learner. */
export const ZAB_MUTANTS: readonly Mutant[] = [
  {
    id: "ack-before-sync",
    catalogue: "3911, 4646 (D30)",
    what: "a follower acknowledges a proposal when it is written, not when it is durable",
    apply: () =>
      patched(
        AppendedTxns.prototype,
        "appended",
        (original) =>
          function (this: Any, zxid: number) {
            original.call(this, zxid);
            this.durableZxid = zxid;
          },
      ),
  },
  {
    id: "newleader-ack-before-sync",
    catalogue: "3911, 3023 (D20)",
    what: "a follower acknowledges NEWLEADER before the txns of the DIFF are durable",
    apply: () =>
      patched(
        Learner.prototype,
        "storeCurrentEpochWhenDurable",
        () =>
          function (this: Any) {
            if (this.step !== 8) return;
            this.step = 9;
            this.host.replica.storeCurrentEpoch(this.epoch);
          },
      ),
  },
  {
    id: "leader-counts-itself-unsynced",
    catalogue: "D30",
    what: "a leader counts its own proposal before it is durable",
    apply: () =>
      patched(
        Leader.prototype,
        "propose",
        (original) =>
          function (this: Any, bytes: Uint8Array, start: number, end: number, zxid: number) {
            this.acks.ack(this.sid, zxid);
            original.call(this, bytes, start, end, zxid);
          },
      ),
  },
  {
    id: "acks-outlive-links",
    catalogue: "found by this simulator",
    what: "a leader counts what a follower acknowledged before it was told to cut it off",
    apply: () => patched(QuorumAcks.prototype, "forget", () => () => {}),
  },
  {
    id: "minority-commits",
    catalogue: "Zab",
    what: "what two servers have is committed, however many there are",
    apply: () =>
      patched(
        QuorumAcks.prototype,
        "isHeldByQuorum",
        () =>
          function (this: Any, zxid: number) {
            let having = 0;
            for (const acked of this.acked.values()) if (acked >= zxid) having++;
            return having >= 2;
          },
      ),
  },
  {
    id: "leader-established-alone",
    catalogue: "3023",
    what: "a leader serves as soon as one follower has its history",
    apply: () =>
      patched(
        Leader.prototype,
        "countNewLeaderAck",
        (original) =>
          function (this: Any, sid: number) {
            if (this.step === 3 && sid !== this.sid) this.establish();
            else original.call(this, sid);
          },
      ),
  },
  {
    id: "ahead-learner-is-taken",
    catalogue: "1154",
    what: "a leader does not give way to a follower whose log is ahead of its own",
    apply: () => patched(Leader.prototype, "isAheadOfUs", () => () => false),
  },
  {
    id: "vote-ignores-zxid",
    catalogue: "1154, Zab",
    what: "votes are compared by epoch and server number, not by zxid",
    apply: () => {
      const votes = patched(
        FastLeaderElection.prototype,
        "replaces",
        () => (a: Fields, b: Fields) =>
          a.peerEpoch !== b.peerEpoch ? a.peerEpoch! > b.peerEpoch! : a.leader! > b.leader!,
      );
      const ahead = patched(Leader.prototype, "isAheadOfUs", () => () => false);
      return () => {
        votes();
        ahead();
      };
    },
  },
  {
    id: "epoch-not-above-quorum",
    catalogue: "D10, 2958",
    what: "a leader takes the epoch after its own, whatever its quorum has accepted",
    apply: () =>
      patched(
        Leader.prototype,
        "chooseEpoch",
        () =>
          function (this: Any) {
            if (this.step !== 0 || !this.host.verifier.containsQuorum(this.connecting)) return;
            this.epoch = this.replica.acceptedEpoch + 1;
            this.goTo(1);
            this.replica.storeAcceptedEpoch(this.epoch);
          },
      ),
  },
  {
    id: "accepts-older-epoch",
    catalogue: "D11, 1291",
    what: "a follower promises an epoch without storing it",
    apply: () =>
      patched(
        ServerReplica.prototype,
        "storeAcceptedEpoch",
        () =>
          function (this: Any, epoch: number) {
            const { term } = this;
            this.storage.whenDurable(() => {
              this.acceptedEpoch = epoch;
              if (term === this.term) this.events.epochStored("accepted", epoch);
            });
          },
      ),
  },
  {
    id: "joined-epoch-not-stored",
    catalogue: "1653, 4269 (D20)",
    what: "a server joins an epoch without storing it",
    apply: () =>
      patched(
        ServerReplica.prototype,
        "storeCurrentEpoch",
        () =>
          function (this: Any, epoch: number) {
            const { term } = this;
            this.storage.whenDurable(() => {
              this.currentEpoch = epoch;
              if (term === this.term) this.events.epochStored("current", epoch);
            });
          },
      ),
  },
  {
    id: "outstanding-not-sent",
    catalogue: "4394, 1551 (D21)",
    what: "a follower that joins is not sent the proposals that are under way",
    apply: () => patched(Leader.prototype, "writeOutstanding", () => () => {}),
  },
  {
    id: "settle-forgets",
    catalogue: "2845",
    what: "what was logged and not committed is not applied when a term ends",
    apply: () =>
      patched(
        ServerReplica.prototype,
        "settle",
        () =>
          function (this: Any) {
            this.server = null;
            while (this.logged.shift() !== null);
            const term = ++this.term;
            this.storage.whenDurable(() => {
              if (term === this.term) this.events.settled();
            });
          },
      ),
  },
  {
    id: "stale-leader-answers",
    catalogue: "4074",
    what: "a leader goes on after its quorum was silent for syncLimit ticks",
    apply: () => patched(Leader.prototype, "isQuorumAlive", () => () => true),
  },
  {
    id: "sync-without-quorum",
    catalogue: "R 6.3, 32",
    what: "a sync is answered without asking the quorum",
    apply: () => {
      const confirm = patched(Leader.prototype, "confirm", () => (then: () => void) => then());
      const alive = patched(Leader.prototype, "isQuorumAlive", () => () => true);
      return () => {
        confirm();
        alive();
      };
    },
  },
];
