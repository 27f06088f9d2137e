import { Reader } from "@quoll/jute";
import { expect, test } from "vitest";
import { DataTree } from "../../src/core/tree/data-tree.js";
import { type Client, CoreServer } from "../hostile/core-server.js";
import { frame } from "../hostile/frames.js";
import { dump, load, serialize, OPTIONS as TREE_OPTIONS } from "../tree/inspect.js";
import { INPUTS, mutate, type RandomInts, randomInts, SEED, TIMEOUT_MS } from "./random.js";
import { randomRequest } from "./requests.js";

const STEPS = 250;
const CONNECTIONS = 4;
const RUNS = Math.ceil(INPUTS / STEPS);

interface Snapshot {
  readonly body: Uint8Array;
  readonly zxid: number;
}

/** What a server did: its log, and snapshots that were frozen on the way. */
interface History {
  readonly server: CoreServer;
  readonly snapshots: Snapshot[];
}

/** Several clients send valid and invalid requests, lose connections, come back and fall silent; the disk syncs when it likes. */
function history(random: RandomInts): History {
  const server = new CoreServer(undefined, { txnBytesMax: random(3) === 0 ? 400 : 2 * 0xfffff });
  const clients: Client[] = Array.from({ length: CONNECTIONS }, () => server.connect().open(200 + random(3000)));
  const snapshots: Snapshot[] = [];
  let xid = 0;
  for (let step = 0; step < STEPS; step++) {
    const i = random(CONNECTIONS);
    if (!clients[i].isOpen) clients[i] = server.connect().open(200 + random(3000));
    const client = clients[i];
    const kind = random(100);
    if (kind < 78) {
      const { type, body } = randomRequest(random);
      client.send(frame(++xid, type, random(12) === 0 ? mutate(body, random) : body));
    } else if (kind < 90) {
      const behind = server.core.zxid - server.tree.lastProcessedZxid;
      server.sync(server.tree.lastProcessedZxid + random(behind + 1));
    } else if (kind < 94) {
      server.advance(random(random(4) === 0 ? 1500 : 150));
    } else if (kind < 96) {
      client.drop();
    } else if (kind < 98) {
      if (client.output.at === 0) continue;
      const session = client.session();
      client.drop();
      clients[i] = server.connect();
      clients[i].open(1000, session);
    } else {
      const frozen = server.tree.freeze();
      // Changes that come between the freeze and the end of the writing must not show.
      client.send(frame(++xid, 1, randomRequest(random).body));
      server.sync();
      snapshots.push({ body: serialize(frozen), zxid: frozen.lastProcessedZxid });
      server.tree.release();
    }
  }
  server.sync();
  return { server, snapshots };
}

function replay(onto: DataTree, { log }: CoreServer): void {
  for (let i = 0; i < log.txns.length; i++) {
    if (log.zxids[i] > onto.lastProcessedZxid) onto.apply(log.txns[i], 0, log.txns[i].length, null);
  }
}

interface DumpedZnode {
  readonly path: string;
  readonly data: string | null;
  readonly stat: readonly unknown[];
}

/**
 * The dump without the counts of quotas whose limits were made after their stats: as with ZooKeeper, what was there
 * before is counted when a snapshot is loaded, and not while the server runs.
 */
function withoutLateQuotas(lines: readonly string[]): string[] {
  const znodes = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as DumpedZnode);
  const czxids = new Map(znodes.map(({ path, stat }) => [path, Number(stat[0])]));
  const isLate = (path: string) =>
    path.endsWith("/zookeeper_stats") &&
    (czxids.get(path.replace(/stats$/, "limits")) ?? Number.POSITIVE_INFINITY) > czxids.get(path)!;
  const late = new Set(znodes.filter(({ path }) => isLate(path)).map(({ path }) => JSON.stringify(path)));
  return lines.filter((line) => ![...late].some((path) => line.startsWith(`{"path":${path},`)));
}

function sessionsOf({ core }: CoreServer): string[] {
  const names: string[] = [];
  core.sessions.forEachCommitted((hi, lo, timeoutMs) => names.push(`${hi} ${lo} ${timeoutMs}`));
  return names.sort();
}

test(
  `every accepted request can be replayed from the log, alone or over any snapshot (requests=${INPUTS}, seed=${SEED})`,
  () => {
    let snapshotsTried = 0;
    let failures = 0;
    for (let run = 0; run < RUNS; run++) {
      const { server, snapshots } = history(randomInts(SEED * 0x9e3779b1 + run));
      const { tree, log } = server;
      const served = dump(tree);
      const replayed = new DataTree(TREE_OPTIONS);
      replay(replayed, server);
      const context = `run ${run} of seed ${SEED}`;
      expect(replayed.digestMismatches, context).toBe(0);
      expect(dump(replayed), context).toEqual(served);
      expect(replayed.lastProcessedZxid, context).toBe(server.core.zxid);
      const kept: string[] = [];
      replayed.sessions.forEach((timeoutMs, hi, lo) => void kept.push(`${hi} ${lo} ${timeoutMs}`));
      expect(sessionsOf(server), context).toEqual(kept.sort());
      for (const { body, zxid } of snapshots) {
        const restored = load(body);
        restored.lastProcessedZxid = zxid;
        replay(restored, server);
        expect(restored.digestMismatches, `${context}, snapshot ${zxid}`).toBe(0);
        expect(withoutLateQuotas(dump(restored)), `${context}, snapshot ${zxid}`).toEqual(withoutLateQuotas(served));
        snapshotsTried++;
      }
      for (const txn of log.txns) {
        const reader = new Reader(txn);
        reader.at = 28;
        if (reader.int() === -1) failures++;
      }
      expect(log.zxids, context).toEqual(Array.from(log.zxids, (_, i) => log.zxids[0] + i));
    }
    expect(snapshotsTried).toBeGreaterThan(RUNS / 4);
    expect(failures).toBeGreaterThan(RUNS);
  },
  TIMEOUT_MS,
);
