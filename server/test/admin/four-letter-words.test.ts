import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ConnectionStats, ServerStats } from "../../src/core/stats.js";
import { answerFourLetterWord } from "../../src/node/admin/four-letter-words.js";
import type { LeaderView, QuorumView } from "../../src/node/admin/quorum-view.js";
import type { ConnectionView, Int64, ServerView } from "../../src/node/admin/server-view.js";
import { FULL_VERSION } from "../../src/node/admin/version.js";
import { loadConfig } from "../../src/node/config/load-config.js";

/** What ZooKeeper 3.9.5 answered, each word under a line `=== word`, in one session with kazoo. */
const transcript = readFileSync(new URL("./zookeeper-3.9.5-transcript.txt", import.meta.url), "utf8");

/** The n-th answer to a word in the transcript, with our version in the place of ZooKeeper's. */
function zookeeper(word: string, nth = 0): string {
  const answers = [...transcript.matchAll(new RegExp(`^=== ${word}\\n([\\s\\S]*?)<EOF>$`, "gm"))];
  return answers[nth]![1]!.replace(/3\.9\.5-[0-9a-f]{40}, built on [-0-9: ]+ UTC/, FULL_VERSION);
}

const SESSION: Int64 = { hi: 0x0100002c, lo: 0xac310000 };
const ESTABLISHED_MS = 1795370804252;
const NO_SESSION: Int64 = { hi: 0, lo: 0 };

function config(whitelist: string) {
  const words = [`-Dzookeeper.4lw.commands.whitelist=${whitelist}`, "24001", "/data", "2000", "60"];
  return loadConfig({ words, env: {} }).config;
}

function connection(remotePort: number, sessionId: Int64, stats: ConnectionStats, interestOps: number): ConnectionView {
  return {
    remoteAddress: "127.0.0.1",
    remotePort,
    interestOps,
    outstanding: 0,
    sessionId,
    sessionTimeoutMs: 10_000,
    stats,
  };
}

function asking(port: number): ConnectionView {
  const stats = new ConnectionStats(0);
  stats.packetsReceived = 1;
  return connection(port, NO_SESSION, stats, 0);
}

/** The server of the transcript: a session with two ephemerals and three watches, one of them on children. */
class View implements ServerView {
  config = config("*");
  stats = new ServerStats();
  serving = true;
  readOnly = false;
  mode: ServerView["mode"] = "standalone";
  clientPort = 24001;
  secureClientPort = -1;
  serverId = 0;
  snapDir = "/data/version-2";
  logDir = "/data/version-2";
  snapDirSize = () => 67_109_358;
  logDirSize = () => 67_109_358;
  uptimeMs = 383;
  lastProcessedZxid = 5;
  outstandingRequests = 0;
  znodeCount = 8;
  ephemeralsCount = 2;
  approximateDataSize = 57;
  watchCount = 3;
  globalSessions = 1;
  localSessions = 0;
  quorum: QuorumView | null = null;
  committedSessions = () => [{ sessionId: SESSION, timeoutMs: 4000 }];
  aliveConnections = 2;
  connectionDropProbability = 0;
  openFileDescriptorCount = 55;
  maxFileDescriptorCount = 20_000;
  traceMask = 306n;
  asker = asking(60134);
  client: ConnectionView;

  constructor() {
    const stats = new ConnectionStats(ESTABLISHED_MS);
    this.client = connection(60108, SESSION, stats, 1);
    stats.packetsReceived = 9;
    stats.packetsSent = 10;
    this.stats.packetsReceived = 11;
    this.stats.packetsSent = 11;
    // The server's time of a request ends a little later than the connection's, hence two series.
    [14, 4, 4, 3, 2, 1, 1, 1, 1].forEach((latencyMs, i) => {
      this.stats.requestDone(i < 5, 0, latencyMs);
    });
    [14, 4, 4, 3, 2, 1, 1, 0, 1].forEach((latencyMs, cxid) => {
      stats.response(cxid, 5, "GETD", 2_927_968 - latencyMs, 2_927_968);
    });
  }

  connections = () => [this.asker, this.client];
  sessionBuckets = () => [{ expireAtWallMs: Date.UTC(2026, 10, 22, 18, 6, 54), members: [SESSION] }];
  ephemerals = () => [{ sessionId: SESSION, paths: ["/a/e2", "/a/e"] }];
  connectionBuckets = () => [
    { expireAtWallMs: Date.UTC(2026, 10, 22, 18, 6, 56), members: [asking(60160), this.client] },
  ];
  watchSummary = () => ({ connections: 1, paths: 2, watches: 2 });
  watchesByConnection = () => [{ sessionId: SESSION, paths: ["/a", "/b"] }];
  watchesByPath = () => ["/a", "/b"].map((path) => ({ path, sessionIds: [SESSION] }));
  digestLog = () => [
    { zxid: 0x80, digest: { hi: 0, lo: 0x1234 } },
    { zxid: 0x100, digest: { hi: -1, lo: -2 } },
  ];
}

describe("beside ZooKeeper 3.9.5", () => {
  test.each(["ruok", "srvr", "conf", "cons", "dirs", "dump", "isro", "wchs", "wchc", "wchp", "gtmk"])(
    "%s answers the same bytes",
    (word) => {
      const view = new View();
      if (word === "cons") view.asker = asking(60146);
      expect(answerFourLetterWord(word, view)).toBe(zookeeper(word));
    },
  );

  test("stat answers the same bytes", () => {
    const view = new View();
    view.stats.packetsReceived = 12;
    view.stats.packetsSent = 12;
    expect(answerFourLetterWord("stat", view)).toBe(zookeeper("stat"));
  });

  test("crst and srst answer the same bytes and reset what they say", () => {
    const view = new View();
    view.asker = asking(60272);
    expect(answerFourLetterWord("crst", view)).toBe(zookeeper("crst"));
    expect(answerFourLetterWord("srst", view)).toBe(zookeeper("srst"));
    view.asker.stats.packetsReceived = 1;
    view.stats.packetsReceived = 1;
    view.stats.packetsSent = 1;
    expect(answerFourLetterWord("cons", view)).toBe(zookeeper("cons", 1));
    expect(answerFourLetterWord("srvr", view)).toBe(zookeeper("srvr", 1));
  });

  test("stmk takes the eight bytes that follow as a mask, which gtmk then shows", () => {
    const view = new View();
    expect(answerFourLetterWord("stmk", view, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 5))).toBe(zookeeper("stmk"));
    expect(answerFourLetterWord("gtmk", view)).toBe(zookeeper("gtmk", 1));
    expect(answerFourLetterWord("stmk", view, new Uint8Array(8).fill(255))).toBe("-1");
  });

  test("envi has the same keys in the same order", () => {
    const keys = (text: string) => text.split("\n").map((line) => line.split("=")[0]);
    expect(keys(answerFourLetterWord("envi", new View()))).toEqual(keys(zookeeper("envi")));
    expect(answerFourLetterWord("envi", new View())).toMatch(/^zookeeper\.version=3\.9\.5-/m);
  });

  test("mntr has only keys of ZooKeeper's, in its order, and the same values where they are states", () => {
    const view = new View();
    const lines = (text: string) =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t") as [string, string]);
    const ours = lines(answerFourLetterWord("mntr", view));
    const theirs = lines(zookeeper("mntr"));
    const keys = ours.map(([key]) => key);
    expect(theirs.map(([key]) => key).filter((key) => keys.includes(key))).toEqual(keys);
    const states = [
      "version",
      "server_state",
      "znode_count",
      "ephemerals_count",
      "watch_count",
      "approximate_data_size",
    ];
    const latencies = ["avg_latency", "max_latency", "p50_updatelatency", "p999_updatelatency"];
    const value = (all: Array<[string, string]>, name: string) => all.find(([key]) => key === `zk_${name}`)?.[1];
    for (const name of [...states, "uptime", ...latencies]) expect(value(ours, name), name).toBe(value(theirs, name));
  });
});

describe("who may ask, and when", () => {
  test("without a whitelist only srvr is answered; another word is told why not", () => {
    const view = new View();
    view.config = config("");
    expect(answerFourLetterWord("srvr", view)).toContain("Mode: standalone\n");
    expect(answerFourLetterWord("mntr", view)).toBe("mntr is not executed because it is not in the whitelist.\n");
  });

  test("a whitelist names words, and srvr stays", () => {
    const view = new View();
    view.config = config("ruok, stat");
    expect(answerFourLetterWord("ruok", view)).toBe("imok");
    expect(answerFourLetterWord("srvr", view)).toContain("Mode: ");
    expect(answerFourLetterWord("cons", view)).toContain("not in the whitelist");
  });

  test("isro needs no whitelist where read-only mode is on", () => {
    const view = new View();
    const words = ["-Dreadonlymode.enabled=true", "2181", "/d"];
    view.config = loadConfig({ words, env: {} }).config;
    expect(answerFourLetterWord("isro", view)).toBe("rw");
  });

  test("a server that does not serve says so, except for what needs none", () => {
    const view = new View();
    view.serving = false;
    expect(answerFourLetterWord("srvr", view)).toBe("This ZooKeeper instance is not currently serving requests\n");
    expect(answerFourLetterWord("hash", view)).toBe("This ZooKeeper instance is not currently serving requests");
    expect(answerFourLetterWord("isro", view)).toBe("null");
    expect(answerFourLetterWord("ruok", view)).toBe("imok");
  });
});

describe("what the transcript does not have", () => {
  test("hash shows digests as signed numbers under hexadecimal zxids", () => {
    expect(answerFourLetterWord("hash", new View())).toBe("80: 4660\n100: -2\n");
  });

  test("an IPv6 address stands in brackets with all its groups", () => {
    const view = new View();
    view.asker = { ...asking(1), remoteAddress: "::1" };
    expect(answerFourLetterWord("cons", view)).toContain(" /[0:0:0:0:0:0:0:1]:1[0](queued=0,recved=1,sent=0)\n");
  });

  test("a read-only server says so after its version", () => {
    const view = new View();
    view.readOnly = true;
    expect(answerFourLetterWord("srvr", view).split("\n")[1]).toBe("READ-ONLY mode; serving only read-only clients");
    expect(answerFourLetterWord("isro", view)).toBe("ro");
  });
});

describe("a member of an ensemble, as ZooKeeper 3.9.5 has it", () => {
  const members = ["server.1=127.0.0.1:39065:34647:participant;127.0.0.1:45001", "version=0"].join("\n");
  const leader: LeaderView = {
    learners: 2,
    syncedFollowers: 1,
    syncedNonVotingFollowers: 0,
    syncedObservers: 1,
    pendingSyncs: 0,
    uptimeMs: 2329,
  };

  function member(mode: ServerView["mode"], peerState: string): View {
    const view = new View();
    view.mode = mode;
    view.quorum = {
      initLimit: 20,
      syncLimit: 6,
      electionPorts: "37243",
      quorumPorts: "43769",
      isObserver: mode === "observer",
      quorumSize: 2,
      membership: members,
      peerState,
      learnerMasterSid: 2,
      leader: mode === "leader" ? leader : null,
    };
    return view;
  }

  /** The names of the lines that only members have, in their order among those around them. */
  const LEADER_LINES = [
    ..."version server_state peer_state ephemerals_count num_alive_connections avg_latency min_proposal_size".split(
      " ",
    ),
    ..."outstanding_requests znode_count global_sessions non_mtls_remote_conn_count last_client_response_size".split(
      " ",
    ),
    ..."packets_sent packets_received max_proposal_size max_client_response_size synced_followers".split(" "),
    ..."connection_drop_probability watch_count synced_non_voting_followers synced_observers".split(" "),
    ..."auth_failed_count min_latency max_file_descriptor_count approximate_data_size open_file_descriptor_count".split(
      " ",
    ),
    ..."last_proposal_size pending_syncs leader_uptime local_sessions uptime max_latency outstanding_tls_handshake".split(
      " ",
    ),
    ..."learners min_client_response_size non_mtls_local_conn_count quorum_size watch_bytes".split(" "),
  ];

  function names(view: View): string[] {
    return answerFourLetterWord("mntr", view)
      .split("\n")
      .map((line) => line.split("\t")[0]!.slice(3));
  }

  test("a leader tells its proposals and its learners", () => {
    const view = member("leader", "leading - broadcast");
    expect(answerFourLetterWord("srvr", view)).toMatch(
      /Mode: leader\nNode count: 8\nProposal sizes last\/min\/max: -1\/-1\/-1\n$/,
    );
    view.stats.proposal.set(70);
    view.stats.proposal.set(48);
    expect(answerFourLetterWord("stat", view)).toContain("Proposal sizes last/min/max: 48/48/70\n");
    expect(names(view).slice(0, LEADER_LINES.length)).toEqual(LEADER_LINES);
    const values = answerFourLetterWord("mntr", view);
    for (const line of ["peer_state\tleading - broadcast", "learners\t2", "synced_followers\t1", "quorum_size\t2"]) {
      expect(values).toContain(`zk_${line}\n`);
    }
  });

  test("a follower and an observer tell neither; an observer tells whom it follows", () => {
    const leaderOnly = /proposal_size|synced_|pending_syncs|leader_uptime|learners/;
    const common = LEADER_LINES.filter((name) => !leaderOnly.test(name));
    expect(names(member("follower", "following - broadcast")).slice(0, common.length)).toEqual(common);
    const observer = names(member("observer", "observing - broadcast"));
    expect(observer.slice(0, 4)).toEqual(["version", "server_state", "peer_state", "observer_master_id"]);
  });

  test("conf goes on with the limits, the ports, and the members", () => {
    const tail = "electionAlg=3\nelectionPort=37243\nquorumPort=43769\n";
    const answer = (mode: ServerView["mode"]) => answerFourLetterWord("conf", member(mode, ""));
    expect(answer("leader")).toContain(`initLimit=20\nsyncLimit=6\n${tail}peerType=0\nmembership: \n${members}`);
    expect(answer("observer").endsWith(`${tail}peerType=1\nmembership: \n${members}`)).toBe(true);
  });

  test("dump lists sessions without their expiry where another server decides on it", () => {
    const answer = (mode: ServerView["mode"]) => answerFourLetterWord("dump", member(mode, ""));
    expect(answer("follower").split("\n").slice(0, 3)).toEqual([
      "SessionTracker dump:",
      "Global Sessions(1):",
      "0x100002cac310000\t4000ms",
    ]);
    expect(answer("leader").split("\n")[1]).toBe("Session Sets (1)/(1):");
  });
});
