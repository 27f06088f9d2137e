import { Long, ReconfigRequest, Writer } from "@quoll/jute";
import { parseConfigText, type QuorumVerifier } from "@quoll/zab";
import { describe, expect, test } from "vitest";
import { KeeperCode } from "../../src/core/keeper-code.js";
import { OpCode } from "../../src/core/op-code.js";
import {
  type ReconfigRequest as Asked,
  type Membership,
  Reconfiguration,
} from "../../src/core/role/reconfiguration.js";
import { getData, type Request, raw } from "../core/requests.js";
import { newTree } from "../core/scene.js";
import { Ensemble } from "./ensemble.js";

const THREE = [
  "server.1=10.0.0.1:2888:3888:participant;10.0.0.1:2181",
  "server.2=10.0.0.2:2888:3888:participant;10.0.0.2:2181",
  "server.3=10.0.0.3:2888:3888:participant;10.0.0.3:2181",
];

class Members implements Membership {
  lastSeenVerifier: QuorumVerifier;
  /** Who is connected and up to date. */
  synced = new Set([1, 2, 3]);

  constructor(public verifier: QuorumVerifier = parseConfigText([...THREE, "version=100000000"].join("\n"), false)) {
    this.lastSeenVerifier = verifier;
  }

  isQuorumSynced(verifier: QuorumVerifier): boolean {
    return verifier.containsQuorum(this.synced);
  }
}

const NOTHING: Asked = { joiningServers: null, leavingServers: null, newMembers: null, curConfigId: -1 };

function decide(asked: Partial<Asked>, members = new Members(), standaloneEnabled = true): string | KeeperCode {
  return new Reconfiguration(members, { standaloneEnabled, multiAddress: false }).decide(
    { ...NOTHING, ...asked },
    0x100000007,
  );
}

function lines(...servers: readonly string[]): string {
  return [...servers, "version=100000007"].join("\n");
}

describe("a change of the members", () => {
  const fourth = "server.4=10.0.0.4:2888:3888:participant;10.0.0.4:2181";

  test("adds who joins, takes out who leaves, and has the zxid of its txn as version", () => {
    expect(decide({ joiningServers: fourth })).toBe(lines(...THREE, fourth));
    expect(decide({ leavingServers: "3" })).toBe(lines(THREE[0]!, THREE[1]!));
    expect(decide({ leavingServers: "2, 9", joiningServers: ` ${fourth}\n` })).toBe(
      lines(THREE[0]!, THREE[2]!, fourth),
    );
  });

  test("gives a member that joins again its new addresses and role", () => {
    const observer = "server.3=10.0.0.9:2888:3888:observer;10.0.0.9:2181";
    expect(decide({ joiningServers: observer })).toBe(lines(THREE[0]!, THREE[1]!, observer));
  });

  test("takes all members anew, separated by commas or by lines", () => {
    expect(decide({ newMembers: `${THREE[1]},${THREE[0]}` })).toBe(lines(THREE[0]!, THREE[1]!));
    expect(decide({ newMembers: THREE.join("\n") })).toBe(lines(...THREE));
  });

  test("is refused with ZooKeeper's code", () => {
    expect(decide({ curConfigId: 5, joiningServers: fourth })).toBe(KeeperCode.BadVersion);
    expect(decide({ curConfigId: 0x100000000, joiningServers: fourth })).toBe(lines(...THREE, fourth));
    expect(decide({ joiningServers: "server.4=nonsense" })).toBe(KeeperCode.BadArguments);
    expect(decide({ joiningServers: "server.4" })).toBe(KeeperCode.BadArguments);
    expect(decide({ joiningServers: "server.4=10.0.0.4:2888:3888:participant" })).toBe(KeeperCode.BadArguments);
    expect(decide({ joiningServers: "server.4=10.0.0.1:2888:3999;10.0.0.4:2181" })).toBe(KeeperCode.BadArguments);
    expect(decide({ joiningServers: "server.x=10.0.0.4:2888:3888;2181" })).toBe(KeeperCode.MarshallingError);
    expect(decide({ leavingServers: "x" })).toBe(KeeperCode.MarshallingError);
    expect(decide({ leavingServers: "2,3" })).toBe(KeeperCode.BadArguments);
    expect(decide({ leavingServers: "1,2,3" }, new Members(), false)).toBe(KeeperCode.BadArguments);
    expect(decide({ newMembers: "nonsense" })).toBe(KeeperCode.BadArguments);
    expect(decide({ newMembers: "" })).toBe(KeeperCode.BadArguments);
  });

  test("down to one server is possible where one server is an ensemble", () => {
    expect(decide({ leavingServers: "2,3" }, new Members(), false)).toBe(lines(THREE[0]!));
  });

  test("waits for the one before it, and for a quorum of the new members that is there", () => {
    const members = new Members();
    members.lastSeenVerifier = members.verifier.withVersion(0x100000001);
    expect(decide({ joiningServers: fourth }, members)).toBe(KeeperCode.ReconfigInProgress);
    const alone = new Members();
    alone.synced = new Set([1, 2]);
    expect(decide({ joiningServers: fourth }, alone)).toBe(KeeperCode.NewConfigNoQuorum);
  });

  test("is not incremental where servers are in groups", () => {
    const grouped = [...THREE, "group.1=1:2", "group.2=3", "version=100000000"].join("\n");
    const members = new Members(parseConfigText(grouped, false));
    expect(decide({ joiningServers: fourth }, members)).toBe(KeeperCode.BadArguments);
  });
});

describe("reconfig", () => {
  const options = { reconfigEnabled: true };
  const reconfiguration = new Reconfiguration(new Members(), { standaloneEnabled: true, multiAddress: false });

  function reconfig(leavingServers: string): Request {
    const to = new Writer();
    const value = { joiningServers: null, leavingServers, newMembers: null, curConfigId: Long.fromNumber(-1) };
    ReconfigRequest.encode(to, value);
    return raw(OpCode.reconfig, to.take(), `reconfig without ${leavingServers}`);
  }

  test("is a txn that sets /zookeeper/config, and its answer is the new configuration", () => {
    for (const sid of [0, 1]) {
      const ensemble = new Ensemble(2, 0, options, newTree, reconfiguration, true);
      const client = ensemble.session(sid, "a");
      client.send(reconfig("3"), getData("/zookeeper/config"));
      ensemble.settle();
      expect(ensemble.leader.log.types).toEqual([OpCode.createSession, OpCode.reconfig]);
      const [, answer, data] = client.frames.map((frame) => new TextDecoder("latin1").decode(frame));
      const text = `${THREE[0]}\n${THREE[1]}\nversion=100000002`;
      expect(answer).toContain(text);
      expect(data).toContain(text);
      for (const { tree } of ensemble.servers) expect(tree.digestMismatches).toBe(0);
    }
  });

  test("of somebody without the right to it is refused, once it is known to be sound", () => {
    const ensemble = new Ensemble(2, 0, options, newTree, reconfiguration);
    const client = ensemble.session(1, "a");
    client.send(reconfig("3"), reconfig("1,2,3"));
    ensemble.settle();
    expect(ensemble.servers[1]!.told()).toEqual(["a: 1 @4294967298 NoAuth", "a: 2 @4294967299 BadArguments"]);
  });
});
