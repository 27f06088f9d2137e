import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isKeeperError, type ZooKeeper } from "../src/index.js";
import type { FakeEnsemble } from "./fake-ensemble.js";
import { type World, world } from "./world.js";

// Faults and operations in any order. What must hold is said by independent books: the ensemble writes down what it has carried
// out, and which sessions it has ended.

type Step =
  | { readonly kind: "write" | "create" | "read" | "foreign" | "foreignDelete"; readonly node: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "closeAll" | "reset" | "cut" | "mute" | "unmute" | "endSession" | "stall" }
  | { readonly kind: "stop" | "start" | "lag"; readonly server: number };

const RUNS = 300;
const HOSTS = ["a", "b", "c"];
const NODES = ["/n0", "/n1", "/n2"];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("write", "create", "read"), node: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("foreign", "foreignDelete"), node: fc.nat(2) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(0.5, 1, 1.5, 3, 50, 700, 5_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("closeAll", "reset", "cut", "mute", "unmute", "endSession", "stall"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("stop", "start", "lag"), server: fc.nat(2) }) },
) as fc.Arbitrary<Step>;

const schedule = fc.array(step, { minLength: 5, maxLength: 60, size: "max" });

interface Write {
  readonly data: string;
  outcome: "done" | "refused" | "notSent" | "unknown" | "pending";
}

/** Calls operations and keeps what became of each. */
class Caller {
  readonly writes: Write[] = [];
  unsettled = 0;
  private count = 0;

  constructor(private readonly zk: ZooKeeper) {}

  create(path: string): void {
    const data = String(this.count++);
    this.follow(this.zk.create(path, data), data);
  }

  write(path: string): void {
    const data = String(this.count++);
    this.follow(this.zk.setData(path, data), data);
  }

  read(path: string): void {
    this.unsettled++;
    this.zk.exists(path).then(
      () => this.unsettled--,
      () => this.unsettled--,
    );
  }

  private follow(promise: Promise<unknown>, data: string): void {
    const write: Write = { data, outcome: "pending" };
    this.writes.push(write);
    this.unsettled++;
    promise.then(
      () => {
        write.outcome = "done";
        this.unsettled--;
      },
      (error: unknown) => {
        write.outcome = isKeeperError(error) ? error.outcome : "pending";
        this.unsettled--;
      },
    );
  }
}

/** A copy of some nodes that is kept by watches alone: after every event it is read anew. */
class Mirror {
  readonly copy = new Map<string, string | null>();

  constructor(private readonly zk: ZooKeeper) {}

  /** One-shot watches, set again with each read. */
  async follow(path: string): Promise<void> {
    for (;;) {
      try {
        let fired: () => void = () => undefined;
        const event = new Promise<void>((resolve) => {
          fired = resolve;
        });
        const stat = await this.zk.exists(path, { watch: () => fired() });
        // The data is read in a second step, which may see a later change: its event comes, or has come.
        const data = stat === null ? null : await this.zk.getData(path).then((node) => node.text());
        this.copy.set(path, data);
        await event;
      } catch (error) {
        if (isKeeperError(error, "NoNode")) continue;
        if (!isKeeperError(error)) return;
      }
    }
  }
}

/** As Mirror, over one persistent recursive watch. */
class RecursiveMirror {
  readonly copy = new Map<string, string | null>();
  private isReading = false;
  private isDirty = false;

  constructor(private readonly zk: ZooKeeper) {}

  async begin(): Promise<void> {
    for (;;) {
      try {
        await this.zk.addWatch("/", "persistentRecursive", ({ type }) => {
          if (type === "SessionEnded") void this.begin();
          else void this.refresh();
        });
        await this.refresh();
        return;
      } catch (error) {
        if (!isKeeperError(error)) return;
      }
    }
  }

  private async refresh(): Promise<void> {
    this.isDirty = true;
    if (this.isReading) return;
    this.isReading = true;
    while (this.isDirty) {
      this.isDirty = false;
      for (const path of NODES) {
        try {
          this.copy.set(path, (await this.zk.getData(path)).text());
        } catch (error) {
          if (isKeeperError(error, "NoNode")) this.copy.set(path, null);
          else if (isKeeperError(error)) this.isDirty = true;
          else return;
        }
      }
    }
    this.isReading = false;
  }
}

async function take(step: Step, { ensemble, platform, zk }: World, caller: Caller): Promise<void> {
  switch (step.kind) {
    case "write":
      caller.write(NODES[step.node]);
      return;
    case "create":
      caller.create(NODES[step.node]);
      return;
    case "read":
      caller.read(NODES[step.node]);
      return;
    case "foreign":
      ensemble.set(NODES[step.node], `foreign ${ensemble.zxid}`);
      return;
    case "foreignDelete":
      ensemble.remove(NODES[step.node]);
      return;
    case "wait":
      await platform.run(step.ms);
      ensemble.expireSessions();
      return;
    case "closeAll":
      ensemble.closeAll();
      return;
    case "reset":
      platform.reset();
      return;
    case "cut":
      for (const connection of platform.connections) connection.isCut = true;
      return;
    case "mute":
      ensemble.isMute = true;
      return;
    case "unmute":
      unmute(ensemble);
      return;
    case "endSession":
      for (const session of ensemble.liveSessions) ensemble.endSession(session);
      return;
    case "stall":
      platform.stall(7_000);
      return;
    case "stop":
      ensemble.stop(HOSTS[step.server]);
      if (zk.server?.startsWith(HOSTS[step.server])) ensemble.closeAll();
      return;
    case "start":
      ensemble.down.delete(HOSTS[step.server]);
      return;
    case "lag":
      if (ensemble.lagging.has(HOSTS[step.server])) ensemble.lagging.delete(HOSTS[step.server]);
      else ensemble.lagging.add(HOSTS[step.server]);
  }
}

/** The nodes are there, and there is a session. */
async function begin({ ensemble, platform }: World): Promise<void> {
  for (const path of NODES) ensemble.set(path, "first");
  await platform.run(500);
}

/** All faults end, and there is time enough for everything. */
async function heal({ ensemble, platform }: World): Promise<void> {
  ensemble.down.clear();
  ensemble.lagging.clear();
  unmute(ensemble);
  await platform.run(60_000);
}

/** Servers that have swallowed requests do not come back to the same connections. */
function unmute(ensemble: FakeEnsemble): void {
  if (!ensemble.isMute) return;
  ensemble.isMute = false;
  ensemble.closeAll();
}

describe("schedules of faults", () => {
  it("every operation settles, and what it says about its effect is so", async () => {
    await fc.assert(
      fc.asyncProperty(schedule, fc.nat(), async (steps, seed) => {
        const w = world({ inFlightMax: 3, operationTimeoutMs: 3_000 }, seed);
        await begin(w);
        const caller = new Caller(w.zk);
        for (const s of steps) await take(s, w, caller);
        await heal(w);
        expect(caller.unsettled).toBe(0);
        checkEffects(caller.writes, w.ensemble);
      }),
      { numRuns: RUNS },
    );
  });

  it("expiry is told exactly as often as the ensemble ended a session of ours, and never else", async () => {
    await fc.assert(
      fc.asyncProperty(schedule, fc.nat(), async (steps, seed) => {
        const w = world({}, seed);
        const own = new Set<bigint>();
        w.zk.onStateChange(() => {
          if (w.zk.session !== null) own.add(w.zk.session.id);
        });
        await begin(w);
        const caller = new Caller(w.zk);
        for (const s of steps) await take(s, w, caller);
        await heal(w);
        expect(w.zk.state).toBe("connected");
        const told = w.changes.filter(({ state }) => state === "expired").map(({ sessionId }) => sessionId);
        const ended = w.ensemble.expired.map(BigInt).filter((id) => own.has(id));
        expect(told).toEqual(ended);
        expect(new Set(told).size).toBe(told.length);
        checkStates(w.states);
      }),
      { numRuns: RUNS },
    );
  });

  // Apart from each other: what the server catches up on for one kind of watch is heard by the other kind too.
  it("a copy that is kept by watches that fire once is right in the end, whatever happened on the way", async () => {
    await checkCopy((zk) => {
      const mirror = new Mirror(zk);
      for (const path of NODES) void mirror.follow(path);
      return mirror.copy;
    });
  });

  it("a copy that is kept by a persistent recursive watch is right in the end, whatever happened on the way", async () => {
    await checkCopy((zk) => {
      const mirror = new RecursiveMirror(zk);
      void mirror.begin();
      return mirror.copy;
    });
  });
});

/** What was carried out is what was said, in the order of the calls. */
function checkEffects(writes: readonly Write[], ensemble: FakeEnsemble): void {
  const applied = ensemble.applied.map(({ data }) => data);
  expect(new Set(applied).size).toBe(applied.length);
  expect(applied.map(Number)).toEqual(applied.map(Number).sort((x, y) => x - y));
  for (const { data, outcome } of writes) {
    expect(outcome).not.toBe("pending");
    if (outcome === "done") expect(applied).toContain(data);
    if (outcome === "refused" || outcome === "notSent") expect(applied).not.toContain(data);
  }
}

const MAY_FOLLOW: Readonly<Record<string, readonly string[]>> = {
  connecting: ["connected"],
  connected: ["disconnected"],
  disconnected: ["connected", "expired"],
  expired: ["connecting"],
};

function checkStates(states: readonly string[]): void {
  for (let i = 1; i < states.length; i++) expect(MAY_FOLLOW[states[i - 1]]).toContain(states[i]);
}

async function checkCopy(follow: (zk: ZooKeeper) => ReadonlyMap<string, string | null>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(schedule, fc.nat(), async (steps, seed) => {
      const w = world({ operationTimeoutMs: 0 }, seed);
      await begin(w);
      const caller = new Caller(w.zk);
      const copy = follow(w.zk);
      for (const s of steps) await take(s, w, caller);
      await heal(w);
      for (const path of NODES) expect([path, copy.get(path)]).toEqual([path, w.ensemble.dataOf(path)]);
    }),
    { numRuns: RUNS },
  );
}
