import { describe, expect, it } from "vitest";
import type { WatchEvent } from "../src/index.js";
import { isKeeperError, WatchQueue } from "../src/index.js";
import { THREE, watchPromise, world } from "./world.js";

const lossUnknown = { code: "ConnectionLoss", outcome: "unknown" };

describe("session", () => {
  it("is established on one of the servers, and operations called before are carried out in order", async () => {
    const { ensemble, platform, states, zk } = world();
    const all = ["/a", "/b", "/c"].map((path) => watchPromise(zk.create(path, path)));
    expect(zk.state).toBe("connecting");
    await platform.run(500);
    expect(states).toEqual(["connecting", "connected"]);
    expect(all.map(({ value }) => value)).toEqual(["/a", "/b", "/c"]);
    expect(ensemble.applied.map(({ path }) => path)).toEqual(["/a", "/b", "/c"]);
    expect(zk.session?.timeoutMs).toBe(6_000);
  });

  it("stays alive by pings while nobody asks anything", async () => {
    const { ensemble, platform, states } = world();
    await platform.run(60_000);
    ensemble.expireSessions();
    expect(ensemble.expired).toEqual([]);
    expect(states).toEqual(["connecting", "connected"]);
  });

  it("comes back to itself on another server after a disconnection, which is no expiry", async () => {
    const { ensemble, platform, states, zk } = world();
    await platform.run(500);
    const { session } = zk;
    ensemble.stop(String(zk.server?.split(":")[0]));
    ensemble.closeAll();
    await platform.run(1_000);
    expect(states).toEqual(["connecting", "connected", "disconnected", "connected"]);
    expect(zk.session).toBe(session);
    expect(session?.signal.aborted).toBe(false);
  });

  it("that ended on the server is reported as expired once, its signal fires, and a new one follows", async () => {
    const { ensemble, platform, states, zk } = world();
    await platform.run(500);
    const { session } = zk;
    ensemble.endSession(ensemble.liveSessions[0]);
    await platform.run(3_000);
    expect(states).toEqual(["connecting", "connected", "disconnected", "expired", "connecting", "connected"]);
    expect(session?.signal.aborted).toBe(true);
    expect(isKeeperError(session?.signal.reason, "SessionExpired")).toBe(true);
    expect(zk.session).not.toBe(session);
    expect(zk.session?.signal.aborted).toBe(false);
  });

  it("is not replaced after expiry if the user does not want it", async () => {
    const { ensemble, platform, states, zk } = world({ renewSession: false });
    await platform.run(500);
    ensemble.endSession(ensemble.liveSessions[0]);
    await platform.run(3_000);
    expect(states).toEqual(["connecting", "connected", "disconnected", "expired"]);
    await expect(zk.getData("/")).rejects.toMatchObject({ code: "SessionExpired", outcome: "notSent" });
  });

  it("expires for waiting operations too, and an operation bound to it does not run in the next one", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    const session = zk.session ?? undefined;
    ensemble.endSession(ensemble.liveSessions[0]);
    await platform.run(2);
    const waiting = watchPromise(zk.create("/a"));
    await platform.run(3_000);
    expect(waiting.error).toMatchObject({ code: "SessionExpired", outcome: "notSent" });
    await expect(zk.create("/b", null, { session })).rejects.toMatchObject({ code: "SessionExpired" });
    expect(ensemble.applied).toEqual([]);
  });

  it("is found dead by silence, and a server that is behind is passed over", async () => {
    const { ensemble, platform, states, zk } = world();
    const created = zk.create("/a");
    await platform.run(500);
    await created;
    for (const host of ["a", "b", "c"]) if (host !== zk.server?.split(":")[0]) ensemble.lagging.add(host);
    platform.connections.at(-1)!.isCut = true;
    await platform.run(8_000);
    expect(states.slice(0, 4)).toEqual(["connecting", "connected", "disconnected", "connected"]);
    expect(ensemble.lagging.has(String(zk.server?.split(":")[0]))).toBe(false);
  });

  it("survives a pause of this process: what waits in the socket counts as heard", async () => {
    const { platform, states } = world();
    await platform.run(500);
    platform.stall(5_000);
    await platform.run(1_000);
    expect(states).toEqual(["connecting", "connected"]);
  });

  it("ends at close, after what was called before, and the server forgets it at once", async () => {
    const { ensemble, platform, states, zk } = world();
    const created = watchPromise(zk.create("/a", null, { mode: "ephemeral" }));
    await platform.run(500);
    const set = watchPromise(zk.setData("/a", "1"));
    const closed = watchPromise(zk.close());
    const late = watchPromise(zk.setData("/a", "2"));
    await platform.run(500);
    expect([created.value, set.error, closed.isDone]).toEqual(["/a", undefined, true]);
    expect(late.error).toMatchObject({ code: "CLOSED", outcome: "notSent" });
    expect(ensemble.liveSessions).toEqual([]);
    expect(ensemble.dataOf("/a")).toBe(null);
    expect(states).toEqual(["connecting", "connected", "closed"]);
    expect(zk.session?.signal.aborted).toBe(true);
  });

  it("closes at once without a connection, and pending operations say what is known of them", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    for (const host of ["a", "b", "c"]) ensemble.stop(host);
    ensemble.closeAll();
    await platform.run(10);
    const waiting = watchPromise(zk.create("/a"));
    const closed = watchPromise(zk.close());
    await platform.run(0);
    expect(closed.isDone).toBe(true);
    expect(waiting.error).toMatchObject({ code: "CLOSED", outcome: "notSent" });
  });

  it("can be detached and continued by another client", async () => {
    const first = world();
    await first.platform.run(500);
    const credentials = first.zk.session?.credentials;
    first.zk.detach();
    await first.platform.run(10);
    const { ZooKeeper } = await import("../src/index.js");
    const second = new ZooKeeper(THREE, { session: credentials! }, first.platform);
    await first.platform.run(500);
    expect(second.session?.id).toBe(credentials?.id);
    expect(first.ensemble.expired).toEqual([]);
  });

  it("ends in authFailed when the server refuses an identity; later ones were sent again on every connection", async () => {
    const { ensemble, platform, states, zk } = world({ auth: [{ scheme: "digest", auth: "u:p" }] });
    await platform.run(500);
    ensemble.closeAll();
    await platform.run(1_000);
    expect(ensemble.authenticated).toEqual(["digest u:p", "digest u:p"]);
    ensemble.acceptsAuth = false;
    const added = watchPromise(zk.addAuth("digest", "x:y"));
    await platform.run(100);
    expect(added.error).toMatchObject({ code: "AuthFailed" });
    expect(states.at(-1)).toBe("authFailed");
    await expect(zk.getData("/")).rejects.toMatchObject({ code: "AuthFailed" });
  });

  it("knows until when no server can have expired it", async () => {
    const { platform, zk, ensemble } = world();
    await platform.run(500);
    const { aliveUntilMs } = zk.session!;
    expect(aliveUntilMs).toBeGreaterThan(6_000);
    for (const host of ["a", "b", "c"]) ensemble.stop(host);
    ensemble.closeAll();
    await platform.run(aliveUntilMs - platform.now());
    ensemble.expireSessions();
    expect(ensemble.expired).toEqual([]);
    expect(zk.session?.aliveUntilMs).toBe(aliveUntilMs);
  });
});

describe("servers without a quorum", () => {
  it("are passed over by a client that wants to write", async () => {
    const { ensemble, platform, zk } = world();
    ensemble.readOnly.add("a").add("b");
    await platform.run(2_000);
    expect([zk.state, zk.server]).toEqual(["connected", "c:2181"]);
  });

  it("will do for a client that says so, until one is found that takes writes; its session there is another one", async () => {
    const { ensemble, platform, states, zk } = world({ readOnly: true });
    for (const host of ["a", "b", "c"]) ensemble.readOnly.add(host);
    await platform.run(2_000);
    expect(zk.state).toBe("connectedReadOnly");
    const own = zk.session;
    const events: string[] = [];
    void zk.exists("/a", { watch: ({ type }) => void events.push(type) });
    await platform.run(100);
    const free = ["a", "b", "c"].find((host) => !zk.server?.startsWith(host)) as string;
    ensemble.readOnly.delete(free);
    await platform.run(130_000);
    expect([zk.state, zk.server]).toEqual(["connected", `${free}:2181`]);
    expect(states).toEqual(["connecting", "connectedReadOnly", "disconnected", "connected"]);
    expect(own?.signal.aborted).toBe(true);
    expect(zk.session?.signal.aborted).toBe(false);
    ensemble.set("/a", "");
    await platform.run(100);
    expect(events).toEqual(["NodeCreated"]);
  });

  it("don't take a session of the quorum, which is kept for its return", async () => {
    const { ensemble, platform, states, zk } = world({ readOnly: true });
    await platform.run(500);
    const { session } = zk;
    for (const host of ["a", "b", "c"]) ensemble.readOnly.add(host);
    ensemble.closeAll();
    await platform.run(4_000);
    expect(zk.state).toBe("disconnected");
    ensemble.readOnly.clear();
    await platform.run(1_900);
    expect(zk.session).toBe(session);
    expect(states).toEqual(["connecting", "connected", "disconnected", "connected"]);
  });
});

describe("operations across a disconnection", () => {
  it("a write in flight is of unknown outcome, a read is sent again, a waiting write is carried out once", async () => {
    const { ensemble, platform, zk } = world({ inFlightMax: 2 });
    await platform.run(500);
    ensemble.set("/a", "0");
    ensemble.isMute = true;
    const write = watchPromise(zk.setData("/a", "1"));
    const read = watchPromise(zk.getData("/a"));
    const waiting = watchPromise(zk.setData("/a", "2"));
    await platform.run(10);
    ensemble.isMute = false;
    ensemble.closeAll();
    await platform.run(2_000);
    expect(write.error).toMatchObject(lossUnknown);
    expect(read.value?.text()).toBe("0");
    expect(waiting.error).toBeUndefined();
    expect(ensemble.applied.map(({ data }) => data)).toEqual(["2"]);
  });

  it("a read is given up after as many connections as the policy allows", async () => {
    const { ensemble, platform, zk } = world({ readRetries: 1 });
    await platform.run(500);
    ensemble.isMute = true;
    const read = watchPromise(zk.getData("/"));
    for (let i = 0; i < 3; i++) {
      await platform.run(900);
      ensemble.closeAll();
    }
    await platform.run(10);
    expect(read.error).toMatchObject({ code: "ConnectionLoss" });
  });

  it("a protected create finds its own node after a lost reply, and makes it if there is none", async () => {
    for (const isLost of [true, false]) {
      const { ensemble, platform, zk } = world();
      await platform.run(500);
      const created = watchPromise(
        zk.create("/n-", null, { mode: "ephemeralSequential", protection: true, timeoutMs: 0 }),
      );
      // Past the write; the reply of the carried out one is lost with the connection.
      if (!isLost) ensemble.isMute = true;
      await platform.run(1);
      ensemble.closeAll();
      await platform.run(1);
      ensemble.isMute = false;
      await platform.run(2_000);
      const children = [...ensemble.nodes.keys()].filter((path) => path !== "/");
      expect(children).toEqual([created.value]);
      expect(created.value).toMatch(/^\/_c_[0-9a-f-]{36}-n-\d{10}$/);
    }
  });

  it("a protected create that can't be looked for in time is of unknown outcome", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    const options = { mode: "ephemeral", protection: true, timeoutMs: 5_000 } as const;
    const created = watchPromise(zk.create("/n", null, options));
    await platform.run(1);
    for (const host of ["a", "b", "c"]) ensemble.stop(host);
    platform.reset();
    await platform.run(4_900);
    expect(created.isDone).toBe(false);
    await platform.run(200);
    expect(created.error).toMatchObject({ code: "OperationTimeout", operation: "create", outcome: "unknown" });
  });

  it("a timeout says whether the request was sent", async () => {
    const { ensemble, platform, zk } = world({ operationTimeoutMs: 0 });
    const early = watchPromise(zk.create("/a", null, { timeoutMs: 0.5 }));
    await platform.run(500);
    expect(early.error).toMatchObject({ code: "OperationTimeout", outcome: "notSent" });
    ensemble.isMute = true;
    const sent = watchPromise(zk.create("/a", null, { timeoutMs: 100 }));
    const patient = watchPromise(zk.create("/b", null));
    await platform.run(200);
    expect(sent.error).toMatchObject({ code: "OperationTimeout", outcome: "unknown" });
    expect(patient.isDone).toBe(false);
  });

  it("without a timeout of its own an operation is given up after operationTimeoutMs", async () => {
    const { ensemble, platform, zk } = world({ operationTimeoutMs: 5_000 });
    for (const host of ["a", "b", "c"]) ensemble.stop(host);
    const waiting = watchPromise(zk.create("/a"));
    await platform.run(4_999);
    expect(waiting.isDone).toBe(false);
    await platform.run(2);
    expect(waiting.error).toMatchObject({ code: "OperationTimeout", outcome: "notSent" });
  });

  it("an abort rejects at once, and the answer that still comes is for nobody else", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    ensemble.set("/a", "x");
    const controller = new AbortController();
    const aborted = watchPromise(zk.getData("/a", { signal: controller.signal }));
    const other = watchPromise(zk.exists("/none"));
    await platform.run(0.5);
    controller.abort(new Error("enough"));
    await platform.run(100);
    expect(aborted.error).toMatchObject({ name: "AbortError", outcome: "unknown", cause: { message: "enough" } });
    expect(other.value).toBe(null);
    await expect(zk.getData("/a", { signal: controller.signal })).rejects.toMatchObject({ outcome: "notSent" });
  });

  it("many operations share one signal, with one listener at it", async () => {
    const { platform, zk } = world();
    await platform.run(500);
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    }) as typeof add;
    const answered = Array.from({ length: 50 }, () => watchPromise(zk.exists("/", { signal })));
    await platform.run(100);
    expect(answered.every(({ isDone, error }) => isDone && error === undefined)).toBe(true);
    const aborted = Array.from({ length: 50 }, () => watchPromise(zk.exists("/", { signal })));
    controller.abort();
    await platform.run(100);
    expect(aborted.every(({ error }) => (error as Error).name === "AbortError")).toBe(true);
    expect(listeners).toBe(2);
  });
});

describe("limits", () => {
  it("a full socket holds requests back until it has room", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    const connection = platform.connections.at(-1)!;
    connection.hasRoom = false;
    const first = watchPromise(zk.create("/a"));
    await platform.run(10);
    const second = watchPromise(zk.create("/b"));
    await platform.run(10);
    expect([first.isDone, second.isDone]).toEqual([true, false]);
    expect(zk.pending).toBe(1);
    connection.hasRoom = true;
    connection.handler.drained();
    await platform.run(10);
    expect(second.value).toBe("/b");
    expect(ensemble.applied.length).toBe(2);
  });

  it("beyond queueMax operations fail at once, and drained tells when there is room", async () => {
    const { platform, zk } = world({ inFlightMax: 10, queueMax: 20 });
    await platform.run(500);
    const all = Array.from({ length: 31 }, (_, i) => watchPromise(zk.create(`/n${i}`)));
    const drained = watchPromise(zk.drained());
    await platform.run(0.5);
    expect(all[30].error).toMatchObject({ code: "LIMIT", outcome: "notSent" });
    expect(drained.isDone).toBe(false);
    await platform.run(100);
    expect(drained.isDone).toBe(true);
    expect(all.slice(0, 30).every(({ value }, i) => value === `/n${i}`)).toBe(true);
  });

  it("a request longer than juteMaxBuffer is refused here, and the connection lives on", async () => {
    const { platform, states, zk } = world({ juteMaxBuffer: 2_000 });
    await platform.run(500);
    await expect(zk.create("/a", new Uint8Array(2_000))).rejects.toMatchObject({ code: "LIMIT" });
    const next = watchPromise(zk.create("/b"));
    await platform.run(100);
    expect(next.value).toBe("/b");
    expect(states).toEqual(["connecting", "connected"]);
  });

  it("a reply longer than replyMaxBytes fails its own request, and the connection lives on", async () => {
    const { ensemble, platform, states, zk } = world({ replyMaxBytes: 5_000 });
    await platform.run(500);
    ensemble.set("/big", "x".repeat(20_000));
    ensemble.set("/small", "y");
    const big = watchPromise(zk.getData("/big"));
    const small = watchPromise(zk.getData("/small"));
    await platform.run(100);
    expect(big.error).toMatchObject({ code: "REPLY_TOO_LARGE", path: "/big", operation: "getData" });
    expect(small.value?.text()).toBe("y");
    expect(states).toEqual(["connecting", "connected"]);
  });

  it("a path that ZooKeeper would not take is refused without asking", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    for (const path of ["", "a", "/a/", "/a//b", "/a/./b", "/..", "/\u0000", "/a\u0001", "/\ud800"]) {
      await expect(zk.create(path)).rejects.toMatchObject({ code: "BadArguments", outcome: "notSent" });
    }
    expect(ensemble.applied).toEqual([]);
  });
});

describe("watches", () => {
  it("that fire once are caught up after a reconnect", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    ensemble.set("/a", "0");
    const events: WatchEvent[] = [];
    const watch = (event: WatchEvent) => void events.push(event);
    for (const read of [zk.getData("/a", { watch }), zk.exists("/b", { watch }), zk.getChildren("/", { watch })]) {
      read.catch(() => undefined);
    }
    await platform.run(100);
    platform.connections.at(-1)!.isCut = true;
    await platform.run(10);
    ensemble.set("/a", "1");
    ensemble.set("/b", "1");
    await platform.run(8_000);
    expect(events.map(({ type, path }) => `${type} ${path}`).sort()).toEqual([
      "NodeChildrenChanged /",
      "NodeCreated /b",
      "NodeDataChanged /a",
    ]);
  });

  it("that are persistent get a Gap after a reconnect, and events again from then on", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    const events: string[] = [];
    const added = zk.addWatch("/", "persistentRecursive", ({ type, path }) => void events.push(`${type} ${path}`));
    await platform.run(100);
    await added;
    ensemble.set("/a", "0");
    await platform.run(10);
    ensemble.closeAll();
    ensemble.set("/missed", "0");
    await platform.run(2_000);
    ensemble.set("/a", "1");
    await platform.run(10);
    expect(events).toEqual(["NodeCreated /a", "Gap /", "NodeDataChanged /a"]);
  });

  it("are told when the session has ended, and a queue of them ends", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    const queue = new WatchQueue();
    void zk.getChildren("/", { watch: queue });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { type } of queue) seen.push(type);
    })();
    await platform.run(100);
    ensemble.endSession(ensemble.liveSessions[0]);
    await platform.run(3_000);
    await reading;
    expect(seen).toEqual(["SessionEnded"]);
  });

  it("too many for one frame are set again in several", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    const name = "n".repeat(1_000);
    let events = 0;
    for (let i = 0; i < 500; i++) void zk.exists(`/${name}${i}`, { watch: () => void events++ });
    await platform.run(100);
    ensemble.closeAll();
    await platform.run(2_000);
    expect(ensemble.setWatchesSizes.length).toBe(4);
    expect(Math.max(...ensemble.setWatchesSizes)).toBeLessThan(140_000);
    for (let i = 0; i < 500; i++) ensemble.set(`/${name}${i}`, "");
    await platform.run(100);
    expect(events).toBe(500);
  });

  it("an event comes after the answers before it and before those after it", async () => {
    const { platform, zk } = world();
    const order: string[] = [];
    const created = zk.create("/a", "0");
    await platform.run(500);
    await created;
    const tell = (what: string) => () => void order.push(what);
    void zk.getData("/a", { watch: tell("event") }).then(tell("read"));
    void zk.setData("/a", "1").then(tell("written"));
    await platform.run(100);
    expect(order).toEqual(["read", "event", "written"]);
  });

  it("a listener that throws harms nobody and is reported by the platform", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    ensemble.set("/a", "0");
    void zk.getData("/a", {
      watch: () => {
        throw new Error("mine");
      },
    });
    await platform.run(100);
    ensemble.set("/a", "1");
    await expect(platform.run(100)).rejects.toThrow("mine");
    const read = watchPromise(zk.getData("/a"));
    await platform.run(100);
    expect(read.value?.text()).toBe("1");
  });

  it("one listener of two leaves, the other one still hears; the last one takes the watch away", async () => {
    const { ensemble, platform, zk } = world();
    await platform.run(500);
    const events: string[] = [];
    const adding = ["x", "y"].map((name) => zk.addWatch("/", "persistentRecursive", () => void events.push(name)));
    await platform.run(100);
    const [x, y] = await Promise.all(adding);
    const leaving = x.close();
    await platform.run(100);
    await leaving;
    ensemble.set("/a", "0");
    await platform.run(100);
    expect(events).toEqual(["y"]);
    const last = y.close();
    await platform.run(100);
    await last;
    ensemble.set("/a", "1");
    await platform.run(100);
    expect(events).toEqual(["y"]);
  });
});

describe("chroot", () => {
  it("stands before paths on the server and never before those that the user sees", async () => {
    const { ensemble, platform, zk } = world({}, 1, "a:1,b:2/app");
    await platform.run(500);
    ensemble.set("/app", "");
    const events: string[] = [];
    const created = watchPromise(zk.create("/x-", "1", { mode: "persistentSequential" }));
    const root = watchPromise(zk.getChildren("/", { watch: ({ path }) => void events.push(path) }));
    const missing = watchPromise(zk.getData("/none"));
    await platform.run(100);
    ensemble.set("/app/y", "");
    await platform.run(100);
    expect(created.value).toBe("/x-0000000000");
    expect(root.value).toEqual(["x-0000000000"]);
    expect(missing.error).toMatchObject({ code: "NoNode", path: "/none" });
    expect(events).toEqual(["/"]);
    expect(ensemble.dataOf("/app/x-0000000000")).toBe("1");
  });
});
