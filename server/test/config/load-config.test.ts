import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../src/node/config/config-error.js";
import { configKeys } from "../../src/node/config/config-table.js";
import { load, loadConfig } from "../../src/node/config/load-config.js";
import { redactedProperties } from "../../src/node/config/redaction.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "quoll-config-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

let files = 0;
function file(text: string, name = `zoo${files++}.cfg`): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const BASE = "dataDir=/data\nclientPort=2181\n";
const config = (text: string, ...words: string[]) =>
  loadConfig({ words: [...words, file(BASE + text)], env: {} }).config;

/** What is wrong, with the scratch directory left out. */
function problem(text: string, ...words: string[]): string {
  return failure(() => loadConfig({ words: [...words, file(text)], env: {} }))
    .message.replace(`${dir}/`, "")
    .replace(/zoo\d+/, "zoo");
}

function failure(act: () => unknown): ConfigError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("no error");
}

const notices = (text: string, ...words: string[]) =>
  loadConfig({ words: [...words, file(BASE + text)], env: {} }).notices.map(
    ({ level, message }) => `${level} ${message.replace(`${dir}/`, "").replace(/zoo\d+/, "zoo")}`,
  );

describe("defaults", () => {
  test("a file with what is required gets ZooKeeper's defaults", () => {
    expect(config("")).toMatchObject({
      clientAddress: { host: "0.0.0.0", port: 2181 },
      dataDir: "/data",
      dataLogDir: "/data",
      tickTimeMs: 3000,
      minSessionTimeoutMs: 6000,
      maxSessionTimeoutMs: 60_000,
      maxClientCnxns: 60,
      maxCnxns: 0,
      juteMaxBufferBytes: 0xfffff,
      globalOutstandingLimit: 1000,
      digestEnabled: true,
      snapshot: { snapCount: 100_000, snapSizeBytes: 4_294_967_296, compression: "none" },
      log: { forceSync: true, preAllocSizeBytes: 67_108_864, sizeLimitBytes: null },
      autopurge: { snapRetainCount: 3, purgeIntervalHours: 0 },
    });
  });

  test("without a file the server is on loopback only, with its data in ./data", () => {
    const embedded = loadConfig({ words: [], env: {} });
    expect(embedded.config).toMatchObject({
      configFile: null,
      clientAddress: { host: "127.0.0.1", port: 2181 },
      dataDir: resolve("data"),
    });
    expect(embedded.notices).toEqual([]);
  });

  test("PORT DATADIR TICKTIME MAXCNXNS are taken as ZooKeeperServerMain takes them", () => {
    const { config } = loadConfig({ words: ["2182", "/d", "500", "7"], env: {} });
    expect(config).toMatchObject({
      clientAddress: { host: "0.0.0.0", port: 2182 },
      dataDir: "/d",
      tickTimeMs: 500,
      maxSessionTimeoutMs: 10_000,
      maxClientCnxns: 7,
    });
    expect(loadConfig({ words: ["2182", "/d"], env: {} }).config.maxClientCnxns).toBe(0);
  });

  test("the configuration is frozen, inner objects too", () => {
    const loaded = config("");
    expect(Object.isFrozen(loaded)).toBe(true);
    expect(Object.isFrozen(loaded.snapshot)).toBe(true);
  });
});

describe("where a setting comes from", () => {
  test("a key that is not native becomes a property, and zoo.cfg wins over -D", () => {
    expect(config("snapCount=10", "-Dzookeeper.snapCount=20").snapshot.snapCount).toBe(10);
    expect(config("", "-Dzookeeper.snapCount=20").snapshot.snapCount).toBe(20);
    expect(config("snapCount=10").properties.get("zookeeper.snapCount")).toBe("10");
  });

  test("the last of equal keys wins", () => {
    expect(config("tickTime=1\ntickTime=2").tickTimeMs).toBe(2);
  });

  test("the command line wins over JVMFLAGS, and those over SERVER_JVMFLAGS", () => {
    const path = file(BASE);
    const env = {
      SERVER_JVMFLAGS: "-Xmx1g -Dzookeeper.snapCount=10",
      JVMFLAGS: "-Dzookeeper.snapCount=20 -Djute.maxbuffer=4096",
    };
    const fromEnv = loadConfig({ words: [path], env });
    expect(fromEnv.config.snapshot.snapCount).toBe(20);
    expect(fromEnv.config.juteMaxBufferBytes).toBe(4096);
    expect(fromEnv.notices).toEqual([{ level: "warn", message: "JVM flags have no effect here: -Xmx1g" }]);
    expect(loadConfig({ words: ["-Dzookeeper.snapCount=30", path], env }).config.snapshot.snapCount).toBe(30);
  });

  test("a java command line of ZooKeeper's main class is understood, its JVM flags named in one warning", () => {
    const path = file(BASE);
    const { config, notices } = loadConfig({
      words: [
        "-Xmx1g",
        "-cp",
        "a.jar:b.jar",
        "-Dlog4j.configuration=file:x",
        "-Dzookeeper.skipACL=yes",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        path,
      ],
      env: {},
    });
    expect(config.auth.skipACL).toBe(true);
    expect(notices).toEqual([
      {
        level: "warn",
        message: "JVM flags have no effect here: -Xmx1g -cp org.apache.zookeeper.server.quorum.QuorumPeerMain",
      },
    ]);
  });

  test("a property is decoded as Java does: hex and octal", () => {
    expect(config("snapCount=0x10").snapshot.snapCount).toBe(16);
    expect(config("snapCount=010").snapshot.snapCount).toBe(8);
  });
});

describe("wrong values", () => {
  test.each([
    ["tickTime=0\n", "zoo.cfg:1: tickTime is 0; it must be at least 1 ms (try tickTime=3000)"],
    [`${BASE}tickTime=2s`, "zoo.cfg:3: tickTime is 2s; it must be a whole number of at least 1 ms (try tickTime=3000)"],
    [
      `${BASE}tickTime=0x10`,
      "zoo.cfg:3: tickTime is 0x10; it must be a whole number of at least 1 ms (try tickTime=3000)",
    ],
    [
      `${BASE}\nmaxClientCnxns=4294967296`,
      "zoo.cfg:4: maxClientCnxns is 4294967296; it must be at most 2147483647 connections (try maxClientCnxns=60)",
    ],
    ["clientPort=70000", "zoo.cfg:1: clientPort is 70000; it must be at most 65535 (try clientPort=2181)"],
    ["clientPort=2181", "zoo.cfg: dataDir is not set; it must name a directory (try dataDir=/var/lib/zookeeper)"],
    ["dataDir=", "zoo.cfg:1: dataDir is empty; it must be a path (try dataDir=/var/lib/zookeeper)"],
    ["dataDir=/d", "zoo.cfg: clientPort is not set; it must be set (try clientPort=2181)"],
    [
      "dataDir=/d\nclientPortAddress=1.2.3.4",
      "zoo.cfg: clientPort is not set; it must be set, since clientPortAddress is (try clientPort=2181)",
    ],
    [`${BASE}forceSync=false`, "zoo.cfg:3: forceSync is false; it must be yes or no (try forceSync=yes)"],
    [`${BASE}digest.enabled=1`, "zoo.cfg:3: digest.enabled is 1; it must be true or false (try digest.enabled=true)"],
    [
      `${BASE}snapshot.compression.method=zip`,
      "zoo.cfg:3: snapshot.compression.method is zip; it must be one of empty, checked, none, gz, snappy (try snapshot.compression.method=gz)",
    ],
    [
      `${BASE}minSessionTimeout=9\nmaxSessionTimeout=8`,
      "zoo.cfg:3: minSessionTimeout is 9; it must be at most maxSessionTimeout, 8 ms",
    ],
    [
      `${BASE}enforce.auth.enabled=true`,
      "zoo.cfg: enforce.auth.schemes is not set; it must name a scheme, since enforce.auth.enabled is true (try enforce.auth.schemes=digest)",
    ],
    [
      `${BASE}enforce.auth.enabled=true\nenforce.auth.schemes=digest,sasl`,
      "zoo.cfg:4: enforce.auth.schemes is sasl; it must ask for schemes that are available (digest, ip)",
    ],
    [`${BASE}electionAlg=2`, "zoo.cfg:3: electionAlg is 2; it must be at least 3 (try electionAlg=3)"],
  ])("%j", (text, message) => {
    expect(problem(text)).toBe(message);
  });

  test("on the command line the place is named instead of a line", () => {
    expect(problem(BASE, "-Dzookeeper.snapCount=many")).toBe(
      "command line: -Dzookeeper.snapCount is many; it must be a whole number (txns) (try -Dzookeeper.snapCount=100000)",
    );
    expect(failure(() => loadConfig({ words: ["x", "/d"], env: {} })).message).toBe(
      "command line: clientPort is x; it must be a whole number from 0 to 65535 (try clientPort=2181)",
    );
    expect(failure(() => loadConfig({ words: ["1", "2", "3", "4", "5"], env: {} })).message).toContain(
      "too many operands",
    );
  });

  test("the error has its parts in fields", () => {
    const path = file("dataDir=/d\ntickTime=-5");
    const error = failure(() => loadConfig({ words: [path], env: {} }));
    expect(error).toMatchObject({
      code: "CONFIG",
      file: path,
      line: 2,
      key: "tickTime",
      value: "-5",
      accepted: "be at least 1 ms",
    });
  });

  test("a file that is not there", () => {
    expect(failure(() => loadConfig({ words: ["nowhere.cfg"], env: {} })).message).toBe(
      "nowhere.cfg: there is no such file",
    );
  });

  test("a myid that is no number", () => {
    file("one", "myid");
    expect(failure(() => loadConfig({ words: [file(`dataDir=${dir}\nclientPort=1`)], env: {} })).message).toBe(
      `${dir}/myid:1: the server id is one; it must be a whole number (try 1)`,
    );
    rmSync(join(dir, "myid"));
  });
});

describe("values that ZooKeeper replaces", () => {
  test("a number below its minimum is replaced with a warning", () => {
    expect(config("snapCount=1").snapshot.snapCount).toBe(2);
    expect(config("autopurge.snapRetainCount=1").autopurge.snapRetainCount).toBe(3);
    expect(config("connection_throttle_global_session_weight=0").connectionThrottle.globalSessionWeight).toBe(3);
    expect(notices("snapCount=1")).toEqual(["warn zoo.cfg:3: snapCount is 1; below 2 it means 2"]);
  });

  test("session timeouts of -1 stand for their defaults", () => {
    expect(config("tickTime=100\nminSessionTimeout=-1\nmaxSessionTimeout=-1")).toMatchObject({
      minSessionTimeoutMs: 200,
      maxSessionTimeoutMs: 2000,
    });
  });
});

describe("notices", () => {
  test.each([
    [
      "snapCunt=5",
      "warn zoo.cfg:3: snapCunt is not a key of ZooKeeper 3.9.5 and has no effect; did you mean snapCount?",
    ],
    [
      "ticktime=5",
      "warn zoo.cfg:3: ticktime is not a key of ZooKeeper 3.9.5 and has no effect; did you mean tickTime?",
    ],
    ["qwertyuiop=5", "warn zoo.cfg:3: qwertyuiop is not a key of ZooKeeper 3.9.5 and has no effect"],
    [
      "jute.maxbuffer=2048",
      "warn zoo.cfg:3: jute.maxbuffer has no effect there, as in ZooKeeper; set -Djute.maxbuffer=2048",
    ],
    ["zookeeper.snapCount=5", "warn zoo.cfg:3: zookeeper.snapCount has no effect in a file; write snapCount"],
    ["secureClientPort=2281", "warn zoo.cfg:3: secureClientPort is not supported yet: TLS comes in a later version."],
  ])("%s", (text, notice) => {
    expect(notices(text)).toEqual([notice]);
  });

  test("-D of a key of zoo.cfg, and a property without its prefix", () => {
    expect(notices("", "-Dzookeeper.tickTime=5")).toEqual([
      "warn command line: -Dzookeeper.tickTime has no effect; tickTime is a key of zoo.cfg",
    ]);
    expect(notices("", "-DsnapCount=5")).toEqual([
      "warn command line: -DsnapCount has no effect; write -Dzookeeper.snapCount=…",
    ]);
  });

  test("a key set to its default is no news, nor are Java's own properties", () => {
    expect(
      notices(
        "admin.enableServer=true",
        "-Dlog4j.configuration=x",
        "-Dcom.sun.management.jmxremote",
        "-Djava.io.tmpdir=/t",
      ),
    ).toEqual([]);
  });
});

describe("members", () => {
  const loadText = (text: string) => loadConfig({ words: [file(text)], env: {} }).config;

  test("a single server.N line is a standalone server on that line's client port", () => {
    expect(loadText("dataDir=/d\nserver.1=localhost:2888:3888;2181")).toMatchObject({
      clientAddress: { host: "0.0.0.0", port: 2181 },
      quorum: { members: [{ id: 1, type: "participant", clientAddress: { port: 2181 } }] },
    });
  });

  test("clientPort may stand beside it if it is the same", () => {
    expect(loadText(`${BASE}server.1=localhost:2888:3888`).clientAddress.port).toBe(2181);
    file("1", "myid");
    expect(problem(`dataDir=${dir}\nclientPort=2182\nserver.1=localhost:2888:3888;2181`)).toBe(
      "zoo.cfg:3: server.1 is localhost:2888:3888;2181; it must name the client address of zoo.cfg, 0.0.0.0:2182",
    );
    rmSync(join(dir, "myid"));
  });

  test("addresses in brackets, roles and client addresses are taken apart", () => {
    const [member] = loadText("dataDir=/d\nserver.7=[::1]:2888:3888:participant;[fe80::2]:2181").quorum.members;
    expect(member).toMatchObject({
      id: 7,
      addresses: [{ host: "::1", quorumPort: 2888, electionPort: 3888 }],
      clientAddress: { host: "fe80::2", port: 2181 },
    });
  });

  test("members may stand in a dynamic config file, whose name ends with their version", () => {
    const dynamic = file("server.1=h:1:2:participant;0.0.0.0:2183", "zoo.cfg.dynamic.1f");
    const loaded = loadText(`dataDir=/d\ndynamicConfigFile=${dynamic}`);
    expect(loaded.quorum.version).toBe(0x1f);
    expect(loaded.clientAddress.port).toBe(2183);
    expect(problem(`dataDir=/d\ndynamicConfigFile=${dynamic}\nserver.1=h:1:2`)).toContain(
      "stand in the dynamic config file",
    );
  });

  test.each([
    [
      "server.1=h:1:2\nserver.2=h:3:4",
      "zoo.cfg: initLimit is not set; it must be set, since this is an ensemble (try initLimit=10)",
    ],
    [
      "standaloneEnabled=false\nserver.1=h:1:2\ninitLimit=10",
      "zoo.cfg: syncLimit is not set; it must be set, since this is an ensemble (try syncLimit=5)",
    ],
    [
      "server.1=h:1:2\nserver.2=h:3:4\ninitLimit=10\nsyncLimit=5",
      "/data/myid: the server id is not set; it must say which of the server.N lines this server is (try 1)",
    ],
    [
      "server.1=h:1",
      "zoo.cfg:3: server.1 is h:1; it must have the form host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort] (try server.1=localhost:2888:3888;2181)",
    ],
    ["server.1=h:1:1", "zoo.cfg:3: server.1 is h:1:1; it must have different quorum and election ports"],
    ["server.1=h:1:x", "zoo.cfg:3: server.1 is h:1:x; it must have ports that are whole numbers"],
    ["server.1=h:1:99999", "zoo.cfg:3: server.1 is h:1:99999; it must have ports from 0 to 65535"],
    ["server.1=h:1:2:leader", "zoo.cfg:3: server.1 is h:1:2:leader; it must be a participant or an observer"],
    ["server.1=[::1:1:2", "zoo.cfg:3: server.1 is [::1:1:2; it must close the bracket of its IPv6 address"],
    [
      "server.1=h:1:2|g:3:4",
      "zoo.cfg:3: server.1 is h:1:2|g:3:4; it must have one address, since multiAddress.enabled is not true",
    ],
    [
      "server.1=h:1:2\nserver.2=h:3:4:observer",
      "zoo.cfg:4: server.2 is h:3:4:observer; it must stand beside at least two participants",
    ],
    [
      "server.1=h:1:2\nserver.2=h:3:4\ngroup.1=1",
      "zoo.cfg:4: server.2 is h:3:4; it must be in a group, as other members are",
    ],
    ["server.1=h:1:2\ngroup.1=1\ngroup.2=1", "zoo.cfg:5: group.2 is 1; it must not name a member of another group"],
  ])("%j is refused", (text, message) => {
    expect(problem(BASE + text)).toBe(message);
  });

  test("several voting members make an ensemble, and one does if standaloneEnabled is false", () => {
    writeFileSync(join(dir, "myid"), "2\n");
    const limits = `dataDir=${dir}\nclientPort=2181\ninitLimit=10\nsyncLimit=5\n`;
    const three = loadText(`${limits}server.1=h:1:2\nserver.2=h:3:4\nserver.3=h:5:6\nserver.4=h:7:8:observer`);
    expect(three.ensemble).toMatchObject({ myid: 2, isObserver: false, initLimit: 10, syncLimit: 5 });
    expect(loadText(`${limits}server.2=h:3:4`).ensemble).toBeNull();
    expect(loadText(`${limits}standaloneEnabled=false\nserver.2=h:3:4`).ensemble).toMatchObject({ myid: 2 });
    expect(problem(`${limits}server.1=h:1:2\nserver.3=h:5:6`)).toBe(
      "myid:1: the server id is 2; it must be one of the server.N lines: 1, 3",
    );
    rmSync(join(dir, "myid"));
  });
});

describe("the config table", () => {
  test("every key that claims to work is read, and no other is but those that hold up a start", () => {
    writeFileSync(join(dir, "myid"), "1");
    const ensemble = "initLimit=10\nsyncLimit=5\nserver.1=h:1:2\nserver.2=h:3:4";
    const text = `dataDir=${dir}\nclientPort=2181\nenforce.auth.enabled=true\nenforce.auth.schemes=ip\n${ensemble}`;
    const { settings } = load({ words: [file(text)], env: {} });
    rmSync(join(dir, "myid"));
    const works = configKeys.filter((key) => key.state === "works").map((key) => key.name);
    const indirectly = ["server.N", "group.N", "weight.N", "electionAlg", "clientPortAddress"];
    expect(works.filter((name) => !settings.used.has(name) && !indirectly.includes(name))).toEqual([]);
    const read = configKeys
      .filter((key) => key.state !== "works" && settings.used.has(key.name))
      .map((key) => key.name);
    expect(read).toEqual(["authProvider.N"]);
  });

  test("names are unique, and every default and example fits its own row", () => {
    expect(new Set(configKeys.map((key) => key.name)).size).toBe(configKeys.length);
    for (const key of configKeys) {
      if (key.pattern !== undefined || key.scope !== "cfg" || key.default === "" || key.default.startsWith("("))
        continue;
      expect(() => config(`${key.name}=${key.default}`), key.name).not.toThrow(/it must/);
    }
  });
});

describe("secrets", () => {
  test("a listing of the properties hides them, whoever named them", () => {
    const { properties } = config(
      "ssl.keyStore.password=hunter2\nDigestAuthenticationProvider.superDigest=super:hash",
      "-Djavax.net.ssl.keyStorePassword=hunter3",
    );
    const shown = JSON.stringify([...redactedProperties(properties)]);
    expect(shown).not.toMatch(/hunter|super:hash/);
    expect(properties.get("zookeeper.ssl.keyStore.password")).toBe("hunter2");
  });

  test("no notice shows one", () => {
    expect(notices("ssl.keyStore.password=hunter2\nssl.keystore.pasword=hunter3").join()).not.toContain("hunter");
  });
});
