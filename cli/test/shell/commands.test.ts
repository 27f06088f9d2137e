import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestShell, World } from "./world.js";

const world = new World();
let shell: TestShell;

beforeAll(async () => {
  await world.start();
  shell = await world.shell();
});
afterAll(() => world.end());

describe("zkCli's commands", () => {
  test("create, get, set and delete print what zkCli prints", async () => {
    expect(await shell.run("create /a one")).toEqual({ out: "", err: "Created /a\n", exitCode: 0 });
    expect(await shell.run("create /a one")).toEqual({ out: "", err: "Node already exists: /a\n", exitCode: 1 });
    expect(await shell.do("get /a")).toBe("one\n");
    expect(await shell.run("set -v 7 /a two")).toEqual({ out: "", err: "version No is not valid : /a\n", exitCode: 1 });
    expect(await shell.do("set -s /a two")).toMatch(/^cZxid = 0x[0-9a-f]+\nctime = .*\nmZxid = /);
    expect(await shell.do("delete /a")).toBe("");
    expect(await shell.run("stat /a")).toEqual({ out: "", err: "Node does not exist: /a\n", exitCode: 1 });
  });

  test("a watch that get -w sets prints one event, before the answer to the change", async () => {
    await shell.do("create /w x");
    await shell.do("get -w /w");
    expect(await shell.do("set /w y")).toMatch(
      /^\nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:\/w zxid: \d+\n$/,
    );
    expect(await shell.do("set /w z")).toBe("");
  });

  test("a change that two watches see is printed once", async () => {
    await shell.do("addWatch -m PERSISTENT /w");
    await shell.do("get -w /w");
    expect((await shell.do("set /w again")).match(/WatchedEvent/g)?.length).toBe(1);
    await shell.do("removewatches /w");
  });

  test("history, redo and printwatches are the shell's own", async () => {
    await shell.do("ls /zookeeper");
    const number = shell.shell.lineNumber - 1;
    expect(await shell.do(`redo ${number}`)).toBe("[config, quota]\n");
    expect((await shell.do("history")).split("\n").at(-2)).toMatch(/^\d+ - history$/);
    expect((await shell.run("redo 99999")).err).toBe("Command index out of range\n");
    await shell.do("printwatches off");
    expect(await shell.do("printwatches")).toBe("printwatches is off\n");
    await shell.do("printwatches on");
  });

  test("after close there is no connection until connect", async () => {
    const other = await world.shell();
    expect(await other.do("close")).toContain("state:Closed");
    expect(await other.do("ls /")).toBe("Not connected\n");
    await other.do("connect");
    expect(await other.do("ls /zookeeper")).toContain("[config, quota]");
  });

  test("the wrong number is an error, and the shell goes on", async () => {
    expect(await shell.run("delete -v x /w")).toMatchObject({ err: "-v needs a whole number, not x\n", exitCode: 1 });
    expect(await shell.run("redo x")).toMatchObject({ exitCode: 1 });
    expect(await shell.run('"')).toMatchObject({ err: "No command entered\n", exitCode: 1 });
  });

  test("deleteall deletes leaves first, in batches and one by one", async () => {
    for (const path of ["/d", "/d/a", "/d/a/b", "/d/c"]) await shell.do(`create ${path}`);
    expect(await shell.json("deleteall -b 2 /d")).toEqual([{ path: "/d", deleted: 4 }]);
    for (const path of ["/d", "/d/a"]) await shell.do(`create ${path}`);
    expect(await shell.json("deleteall -b 0 /d")).toEqual([{ path: "/d", deleted: 2 }]);
  });

  test("a deleteall that is refused in the middle says so and fails", async () => {
    for (const path of ["/d", "/d/a", "/d/a/b"]) await shell.do(`create ${path}`);
    await shell.do("setAcl /d/a world:anyone:r");
    expect(await shell.run("deleteall /d")).toEqual({
      out: "",
      err: "Failed to delete some node(s) in the subtree!\n",
      exitCode: 1,
    });
  });
});

describe("for people", () => {
  test("errors say what to do next, and the list of commands is left out", async () => {
    const person = await world.shell("text", true);
    expect((await person.run("gett /a")).err).toBe(
      "Command not found: Command not found gett\ndid you mean get? help lists all commands\n",
    );
    expect((await person.run("get -z /a")).err).toBe("Unrecognized option: -z\nhelp get shows its options\n");
    expect((await person.run("rmr /a")).err).toContain("did you mean deleteall?");
    expect(await person.do("help create")).toContain("create -e -s /app/member-");
    expect(await person.do("help")).toContain("\n  tree");
  });

  test("JSON is indented on a terminal and as it is elsewhere", async () => {
    await shell.do(`create /json '{"a":1}'`);
    const person = await world.shell("text", true);
    expect(await person.do("get /json")).toBe('{\n  "a": 1\n}\n');
    expect(await shell.do("get /json")).toBe('{"a":1}\n');
  });
});

describe("JSON", () => {
  test("has the data as text or base64, and null apart from empty", async () => {
    await shell.do("create /null");
    await shell.do('create /empty ""');
    await shell.do("create /bytes x");
    await shell.do("set -b /bytes /wA=");
    const data = async (path: string) => {
      const [found] = await shell.json(`get ${path}`);
      return [found!["data"], found!["encoding"]];
    };
    expect([await data("/null"), await data("/empty"), await data("/bytes")]).toEqual([
      [null, null],
      ["", "utf8"],
      ["/wA=", "base64"],
    ]);
  });

  test("events are documents of their own, before the answer to the change", async () => {
    const script = await world.shell("json");
    for (const line of ["create /seen 1", "get -w /seen"]) await script.run(line);
    const [event, answer] = (await script.do("set /seen 2")).split("\n").map((text) => JSON.parse(text || "null"));
    expect(event).toEqual({ event: { type: "NodeDataChanged", path: "/seen", zxid: answer.stat.mzxid } });
  });

  test("errors are JSON on standard error, with a stable code", async () => {
    const { err, exitCode } = await shell.run("get -o json /missing");
    expect([JSON.parse(err), exitCode]).toEqual([
      {
        error: { code: "NoNode", message: "Node does not exist: /missing", path: "/missing", hint: expect.any(String) },
      },
      1,
    ]);
    const script = await world.shell("json");
    expect(JSON.parse((await script.run("nonsense")).err)).toMatchObject({ error: { code: "UNKNOWN_COMMAND" } });
    expect(JSON.parse((await script.run("get")).err)).toMatchObject({ error: { code: "USAGE" } });
  });

  test("every command with a result prints one document per line", async () => {
    const script = await world.shell("json");
    await script.run("create /everything x");
    for (const line of [
      ...[
        "ls /",
        "ls -R /zookeeper",
        "stat /everything",
        "getAcl /everything",
        "set /everything y",
        "sync /",
        "whoami",
      ],
      ...[
        "getAllChildrenNumber /",
        "getEphemerals",
        "version",
        "config",
        "history",
        "printwatches",
        "listquota /everything",
      ],
      ...[
        "setquota -n 5 /everything",
        "listquota /everything",
        "delquota /everything",
        "addWatch /other",
        "removewatches /other",
      ],
      ...["setAcl /everything world:anyone:cdrwa", "setAcl -R /everything world:anyone:cdrwa", "help", "help get"],
      ...["tree /zookeeper", "find /zookeeper", "du /zookeeper", "sessions", "cp /everything /copy", "delete /copy"],
    ]) {
      const { out, err, exitCode } = await script.run(line);
      expect([line, exitCode, err]).toEqual([line, 0, ""]);
      for (const text of out.trimEnd().split("\n")) expect(typeof JSON.parse(text)).toBe("object");
    }
  });
});

describe("the commands of our own", () => {
  beforeAll(async () => {
    for (const path of ["/t", "/t/a", "/t/a/x1", "/t/a/x2", "/t/b"]) await shell.do(`create ${path} data`);
    await shell.do("create -e /t/b/eph me");
  });

  test("tree draws a subtree", async () => {
    const lines = (await shell.do("tree /t")).split("\n");
    expect(lines).toEqual(["/t", "├── a", "│   ├── x1", "│   └── x2", "└── b", "    └── eph (e)", ""]);
    expect((await shell.do("tree -d 1 /t")).split("\n").length).toBe(4);
  });

  test("find finds by name, data, kind, owner, size and age", async () => {
    const session = (await shell.json("stat /t/b/eph"))[0]!["stat"] as { ephemeralOwner: string };
    expect(await shell.do("find -name x? /t")).toBe("/t/a/x1\n/t/a/x2\n");
    expect(await shell.do("find -regex a/x1$ /t")).toBe("/t/a/x1\n");
    expect(await shell.do("find -data me /t")).toBe("/t/b/eph\n");
    expect(await shell.do("find -type e /t")).toBe("/t/b/eph\n");
    expect(await shell.do(`find -owner ${session.ephemeralOwner} /t`)).toBe("/t/b/eph\n");
    expect(await shell.do("find -max 2 /t")).toBe("/t/b/eph\n");
    expect(await shell.do("find -older 1d /t")).toBe("");
    expect(await shell.do("find -d 0 -newer 1d -l /t")).toMatch(/^p {5}4 v0 {5}\d.*Z \/t\n$/);
    expect((await shell.run("find -type z /t")).exitCode).toBe(1);
  });

  test("du adds up", async () => {
    expect(await shell.json("du /t")).toEqual([
      { path: "/t", znodes: 6, bytes: 22, ephemerals: 1 },
      { path: "/t/a", znodes: 3, bytes: 12, ephemerals: 0 },
      { path: "/t/b", znodes: 2, bytes: 6, ephemerals: 1 },
    ]);
  });

  test("watch -r shows changes as they come, and top counts them", async () => {
    const other = await world.shell();
    const feed = await other.runUntil("watch -r -v /t", /NodeDeleted/, async () => {
      // The watch is set once its session has answered what was asked after it.
      await other.shell.session!.sync("/");
      for (const line of ["create /t/new 1", "set /t/new 2", "delete /t/new"]) await shell.do(line);
    });
    expect(feed.out.match(/Node\w+ +\/t\/new/g)).toEqual([
      "NodeCreated         /t/new",
      "NodeDataChanged     /t/new",
      "NodeDeleted         /t/new",
    ]);
    expect([feed.exitCode, feed.err]).toEqual([130, "interrupted\n"]);
    const top = await other.runUntil("top -i 100ms -d 1 -o json /t", /"changes":[1-9]/, async () => {
      await other.shell.session!.sync("/");
      for (let i = 0; i < 3; i++) await shell.do(`set /t/a ${i}`);
    });
    const changed = top.out
      .trimEnd()
      .split("\n")
      .flatMap((line) => (JSON.parse(line) as { subtrees: Array<{ path: string; changed: number }> }).subtrees);
    expect(changed.every(({ path }) => path === "/t/a")).toBe(true);
  });

  test("locks shows who holds and who waits, by session", async () => {
    const other = await world.shell();
    await shell.do("create /lock");
    await shell.do("create -e -s /lock/_c_0a1b2c3d-0000-4000-8000-0123456789ab-lock- first");
    await other.do("create -e -s /lock/0a1b2c3d0000400080000123456789ab__lock__ second");
    const id = (of: TestShell) => `0x${of.shell.session!.session!.id.toString(16)}`;
    expect(await shell.json("locks /lock")).toMatchObject([
      {
        path: "/lock",
        holders: [{ session: id(shell), data: "first" }],
        waiters: [{ session: id(other), data: "second" }],
      },
    ]);
    expect(await shell.do("locks /lock")).toMatch(/holds session 0x[0-9a-f]+ for .*\n {2}waits session 0x/);
    expect(await shell.do("locks /t")).toBe("");
  });

  test("sessions are listed with their ephemerals", async () => {
    const own = (await shell.json("sessions")).find(({ isOwn }) => isOwn);
    expect(own).toMatchObject({ server: world.servers, timeoutMs: 10_000 });
    expect(own!["ephemerals"]).toBeGreaterThanOrEqual(2);
    expect(await shell.do("sessions -e")).toContain("(this shell)");
  });

  test("cp copies a znode or a subtree with ACLs, without ephemerals, and does nothing twice", async () => {
    await shell.do("setAcl /t/a/x1 world:anyone:r");
    expect(await shell.do("cp -r -n /t /t2")).toBe(
      "/t2: 5 would be created, 0 would be changed, 0 there already; 1 ephemerals left out\n",
    );
    expect(await shell.do("cp -r /t /t2")).toContain("/t2: 5 created");
    expect(await shell.do("cp -r /t /t2")).toContain("/t2: 0 created, 0 changed, 5 there already");
    expect(await shell.do("getAcl /t2/a/x1")).toBe("'world,'anyone\n: r\n");
    expect(await shell.do("cp /t /t3")).toBe("/t3: 1 created, 0 changed, 0 there already\n");
    expect((await shell.run("cp -r /t /t/a/t")).err).toContain("the copy would never end");
    await shell.do("set /t3 other");
    expect((await shell.run("cp /t /t3")).err).toBe("1 are there and differ: /t3\n");
    expect(await shell.do("cp -f /t /t3")).toContain("1 changed");
  });
});

describe("a client configuration", () => {
  test("that cannot be used is refused with what to do", async () => {
    const { openClient } = await import("../../src/shell/client.js");
    const { parseLaunchOptions } = await import("../../src/shell/launch-options.js");
    const file = join(world.dir, "client.cfg");
    const open = (text: string) => {
      writeFileSync(file, text);
      return openClient(parseLaunchOptions(["-client-configuration", file]));
    };
    expect(() => open("zookeeper.client.secure=true\nzookeeper.ssl.keyStore.location=/x.jks")).toThrow(
      "JKS cannot be read here",
    );
    expect(() => open("zookeeper.request.timeout=soon")).toThrow("must be a whole number");
    const client = open("zookeeper.request.timeout=5000\njute.maxbuffer=2000000")(world.servers);
    expect((await client.getChildren("/zookeeper")).sort()).toEqual(["config", "quota"]);
    await client.close();
  });
});
