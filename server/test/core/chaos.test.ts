import { expect, test } from "vitest";
import {
  addWatch,
  auth,
  CLOSE,
  CREATOR,
  check,
  create,
  create2,
  createTtl,
  exists,
  Flag,
  getChildren,
  getData,
  getEphemerals,
  multi,
  OPEN,
  PING,
  READ_ONLY,
  type Request,
  raw,
  remove,
  setAcl,
  setData,
  setWatches,
  sync,
} from "./requests.js";
import { type Client, newTree, Scene, SeededRandom } from "./scene.js";

const PATHS = ["/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/a", "/c"];

function randomPart(random: SeededRandom): Request {
  const path = random.pick(PATHS);
  const version = random.pick([-1, -1, -1, 0, 1]);
  switch (random.below(7)) {
    case 0:
    case 1:
      return create(path, {
        flags: random.pick([0, 0, 1, 1]),
        acl: random.pick([OPEN, OPEN, OPEN, READ_ONLY, CREATOR]),
      });
    case 2:
      return create(`${random.pick(["", "/a", "/b"])}/n-`, { flags: random.pick([2, 3]) });
    case 3:
      return create2(path, { flags: Flag.container });
    case 4:
      return remove(path, version);
    case 5:
      return check(path, version);
    default:
      return setData(path, "x".repeat(random.below(5)), version);
  }
}

function randomRequest(random: SeededRandom): Request {
  const path = random.pick(PATHS);
  switch (random.below(16)) {
    case 0:
      return exists(path, random.below(2) === 0);
    case 1:
      return getData(path, random.below(2) === 0);
    case 2:
      return getChildren(path, random.below(2) === 0);
    case 3:
      return random.pick([PING, sync(path), getEphemerals("/")]);
    case 4:
      return addWatch(path, random.below(2));
    case 5:
      return setWatches(random.below(50), [path], [random.pick(PATHS)], ["/"]);
    case 6:
      return auth(random.pick(["ann:a", "bob:b"]));
    case 7:
      return setAcl(path, random.pick([OPEN, OPEN, READ_ONLY, CREATOR]));
    case 8:
      return createTtl(path, random.pick([100, 5000]));
    case 9:
    case 10:
    case 11:
      return multi(...Array.from({ length: random.below(5) }, () => randomPart(random)));
    case 12: {
      const { body } = randomPart(random);
      return raw(random.pick([1, 2, 5, 7, 14, 15, 19, 21]), body.subarray(0, random.below(body.length + 1)), "cut off");
    }
    default: {
      const part = randomPart(random);
      return part.type === 13 ? multi(part) : part;
    }
  }
}

/** What must hold at every moment. */
function checkAlways(scene: Scene, told: readonly string[], seed: number): void {
  expect(scene.tree.digestMismatches, `seed ${seed}`).toBe(0);
  for (const line of told) {
    expect(line, `seed ${seed}`).not.toContain("reply");
    expect(Number(/@(\d+)/.exec(line)?.[1] ?? 0), `seed ${seed}: ${line}`).toBeLessThanOrEqual(scene.synced);
  }
  scene.tree.ephemerals.forEach((rows, hi, lo) => {
    expect(rows.size === 0 || scene.tree.sessions.has(hi, lo), `seed ${seed}: ephemerals of a closed session`).toBe(
      true,
    );
  });
}

/** Numbered replies of one client, which must come in order and without a gap. */
function xidsOf(client: Client, told: readonly string[]): number[] {
  return told
    .filter((line) => line.startsWith(`${client.name}: `))
    .map((line) => Number(line.split(" ")[1]))
    .filter((xid) => xid > 0);
}

test("clients that come, go, hang up, time out and return leave nothing behind, and the log makes the same tree (80 seeds)", () => {
  for (let seed = 1; seed <= 80; seed++) {
    const random = new SeededRandom(seed);
    const scene = new Scene({
      globalOutstandingLimit: random.pick([1, 5, 1000]),
      containerCheckIntervalMs: 1000,
      containerMaxNeverUsedMs: random.pick([0, 3000]),
      containerMaxPerMinute: random.pick([60, 10_000]),
      txnBytesMax: random.pick([150, 300, 1_000_000]),
      closeSessionTxnEnabled: random.below(4) > 0,
      snapCount: 20,
    });
    const told: string[] = [];
    const gone: Client[] = [];
    let live: Client[] = [];
    let names = 0;
    const alive = (client: Client): boolean => client.connection.state < 3;
    for (let step = 0; step < 150; step++) {
      live = live.filter(alive);
      const client = live.length === 0 ? null : random.pick(live);
      switch (random.below(14)) {
        case 0: {
          const fresh = scene.connection(`c${names++}`);
          const former = gone.length > 0 && random.below(2) === 0 ? random.pick(gone) : null;
          const returning = former !== null ? { sessionId: former.sessionId, password: former.password } : {};
          fresh.connect({ timeoutMs: random.pick([4000, 8000, 40_000]), ...returning });
          live.push(fresh);
          break;
        }
        case 1:
          if (client === null || random.below(3) > 0) break;
          gone.push(client);
          if (random.below(2) === 0) client.vanish();
          else client.hangUp();
          break;
        case 2:
          if (random.below(4) === 0) client?.send(random.pick([CLOSE, CLOSE, raw(99, new Uint8Array(0), "unknown")]));
          break;
        case 3:
          scene.pass(random.pick([100, 500, 2500]));
          break;
        case 4:
        case 5:
        case 6: {
          const outstanding = scene.log.lastZxid - scene.synced;
          if (outstanding > 0) scene.sync(scene.synced + 1 + random.below(outstanding));
          break;
        }
        default:
          client?.send(...Array.from({ length: 1 + random.below(5) }, () => randomRequest(random)));
      }
      const lines = scene.told();
      checkAlways(scene, lines, seed);
      told.push(...lines);
    }
    // Everything that was asked for is done, and then nobody is heard any more.
    while (scene.synced < scene.log.lastZxid) scene.sync(scene.synced + 1);
    told.push(...scene.told());
    expect(scene.core.inProcess, `seed ${seed}`).toBe(0);
    for (const client of scene.clients) {
      const xids = xidsOf(client, told);
      expect(xids, `seed ${seed}`).toEqual(xids.map((_, i) => i + 1));
    }
    for (let i = 0; i < 50; i++) {
      scene.pass(1000);
      scene.sync();
    }
    checkAlways(scene, scene.told(), seed);
    expect(scene.tree.ephemeralCount, `seed ${seed}`).toBe(0);
    expect(scene.core.sessions.size, `seed ${seed}`).toBe(0);
    expect(scene.core.connectionCount, `seed ${seed}`).toBe(0);
    const replayed = newTree();
    for (const { bytes } of scene.log.records) replayed.apply(bytes, 0, bytes.length, null);
    expect(replayed.digestMismatches, `seed ${seed}`).toBe(0);
    expect(replayed.digest, `seed ${seed}`).toEqual(scene.tree.digest);
    expect(replayed.nodeCount, `seed ${seed}`).toEqual(scene.tree.nodeCount);
  }
});
