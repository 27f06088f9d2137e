import fc from "fast-check";
import { expect, test } from "vitest";
import { type Acquirable, type Held, LeaderLatch, Mutex, ReadWriteLock, Semaphore, settled } from "../src/index.js";
import { faults, plan } from "./support/faults.js";
import { type Process, World } from "./support/world.js";

const FAULTS_MS = 20_000;
const PROCESSES = 4;
/** More of them with QUOLL_RECIPE_RUNS. */
const RUNS = Number(process.env["QUOLL_RECIPE_RUNS"] ?? 8);
const TIMEOUT_MS = 60_000 + RUNS * 3000;

interface Holder {
  readonly process: Process;
  readonly kind: "exclusive" | "shared";
  readonly held: Held;
}

/** What all holders do at once, as nobody in the simulated world can see it. */
class Referee {
  readonly open = new Set<Holder>();
  acquisitions = 0;
  private lastToken = 0n;
  private lastExclusive = 0n;

  constructor(
    private readonly places: number,
    private readonly hasOrderedTokens: boolean,
  ) {}

  enter(process: Process, kind: Holder["kind"], held: Held): Holder {
    this.acquisitions++;
    if (this.hasOrderedTokens) {
      expect(held.fencingToken > (kind === "exclusive" ? this.lastToken : this.lastExclusive)).toBe(true);
      if (held.fencingToken > this.lastToken) this.lastToken = held.fencingToken;
      if (kind === "exclusive") this.lastExclusive = held.fencingToken;
    }
    const holder = { process, kind, held };
    this.open.add(holder);
    return holder;
  }

  /** At no moment do more believe that they hold it than may. Who is paused believes nothing. */
  readonly check = () => {
    const sure = [...this.open].filter(({ process, held }) => !process.isPaused && held.isHeld);
    const exclusive = sure.filter(({ kind }) => kind === "exclusive").length;
    if (exclusive > this.places || (exclusive > 0 && sure.length > this.places)) {
      throw new Error(`held by ${sure.map(({ process, kind }) => `${process.name} (${kind})`).join(" and ")}`);
    }
  };
}

interface Scenario {
  readonly places: number;
  readonly folders: readonly string[];
  readonly hasOrderedTokens: boolean;
  /** What a process asks for in each of its rounds. */
  readonly lock: (process: Process, isShared: boolean) => { kind: Holder["kind"]; lock: Acquirable };
}

const SCENARIOS: Record<string, Scenario> = {
  "mutex, with the names of three libraries": {
    places: 1,
    folders: ["/lock"],
    hasOrderedTokens: true,
    lock: ({ client, name }) => ({
      kind: "exclusive",
      lock: new Mutex(client, "/lock", { naming: (["curator", "kazoo", "go"] as const)[Number(name.slice(1)) % 3] }),
    }),
  },
  "read-write lock": {
    places: 1,
    folders: ["/lock"],
    hasOrderedTokens: true,
    lock: ({ client, name }, isShared) => {
      const lock = new ReadWriteLock(client, "/lock", { naming: name === "p1" ? "kazoo" : "curator" });
      return isShared ? { kind: "shared", lock: lock.read } : { kind: "exclusive", lock: lock.write };
    },
  },
  "semaphore of 2 in Curator's layout": {
    places: 2,
    folders: ["/lock/leases", "/lock/locks"],
    hasOrderedTokens: false,
    lock: ({ client }) => ({ kind: "exclusive", lock: new Semaphore(client, "/lock", 2) }),
  },
  "semaphore of 2 in kazoo's layout": {
    places: 2,
    folders: ["/lock", "/lock-__lock__"],
    hasOrderedTokens: false,
    lock: ({ client }) => ({ kind: "exclusive", lock: new Semaphore(client, "/lock", 2, { layout: "kazoo" }) }),
  },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  test(
    `${name}: under any faults and cancellations no more hold it than may, none waits in vain, no znode stays`,
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(),
          faults(PROCESSES, FAULTS_MS),
          fc.integer({ min: 10, max: 8000 }),
          (seed, list, patience) => contend(scenario, seed, list, patience),
        ),
        { numRuns: RUNS, endOnFailure: true },
      );
    },
    TIMEOUT_MS,
  );
}

async function contend(scenario: Scenario, seed: number, list: Parameters<typeof plan>[1], patienceMs: number) {
  const world = new World(seed);
  const referee = new Referee(scenario.places, scenario.hasOrderedTokens);
  for (let i = 0; i < PROCESSES; i++) world.process(`p${i}`);
  const processes = world.processes.slice();
  world.check = referee.check;
  plan(world, list);

  const work = async (process: Process) => {
    while (world.nowMs < FAULTS_MS) {
      const { kind, lock } = scenario.lock(process, world.random.below(3) > 0);
      let held: Held;
      try {
        held = await lock.acquire({ timeoutMs: 1 + world.random.below(patienceMs) });
      } catch {
        await process.sleep(world.random.below(200));
        continue;
      }
      const holder = referee.enter(process, kind, held);
      await process.sleep(world.random.below(400));
      referee.open.delete(holder);
      await held.release();
    }
  };
  await world.until(Promise.all(processes.map(work)), 200_000);

  // All is well again: everybody gets it who waits long enough.
  const last = async (process: Process) => {
    const { kind, lock } = scenario.lock(process, false);
    const held = await lock.acquire();
    const holder = referee.enter(process, kind, held);
    await process.sleep(50);
    referee.open.delete(holder);
    await held.release();
  };
  await world.until(Promise.all(processes.map(last)), 60_000);
  expect(referee.acquisitions).toBeGreaterThanOrEqual(PROCESSES);
  await world.until(Promise.all(processes.map(({ client }) => settled(client))));
  for (const folder of scenario.folders) expect(await world.children(folder)).toEqual([]);
}

test(
  "leader latch: under any faults at most one leads, and in the end exactly one does",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), faults(PROCESSES, FAULTS_MS), async (seed, list) => {
        const world = new World(seed);
        for (let i = 0; i < PROCESSES; i++) world.process(`p${i}`);
        const latches = world.processes.map((process) => ({
          process,
          latch: new LeaderLatch(process.client, "/leader", { id: process.name }).start(),
        }));
        const leading = () => latches.filter(({ process, latch }) => !process.isPaused && latch.hasLeadership);
        world.check = () => {
          const leaders = leading();
          if (leaders.length > 1) throw new Error(`${leaders.map(({ process }) => process.name).join(" and ")} lead`);
        };
        plan(world, list);
        await world.pass(FAULTS_MS + 30_000);
        expect(leading()).toHaveLength(1);
        const [{ process, latch }] = leading();
        expect((await world.until(latch.leader()))?.data).toBe(process.name);
        expect(await world.until(latch.participants())).toHaveLength(PROCESSES);
        await world.until(Promise.all(latches.map((each) => each.latch.close())));
        expect(await world.children("/leader")).toEqual([]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  TIMEOUT_MS,
);
