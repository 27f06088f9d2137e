import { World, type WorldOptions } from "./world.js";

/** What may go wrong in a run. */
export interface Faults {
  readonly crashes: boolean;
  readonly cuts: boolean;
  readonly pauses: boolean;
  readonly compactions: boolean;
}

/**
 * Lets an ensemble run while servers crash, links are cut and processes stand still at random; then heals everything and
 * waits until all servers have the same. The world throws when a committed txn is lost or differs.
 */
export function chaos(options: WorldOptions, steps: number, faults: Faults): World {
  const world = new World(options);
  const { random } = world;
  world.chunkMax = [0, 1, 7, 100][random.below(4)];
  world.latencyMaxMs = [1, 5, 30][random.below(3)];
  world.diskMaxMs = [1, 5, 40][random.below(3)];
  world.historyMax = [0, 1, 3, 20][random.below(4)];
  world.snapshotSize = [0, 1000, 100_000][random.below(3)];
  const sids = [...world.nodes.keys()];
  world.boot();
  for (let i = 0; i < steps; i++) {
    world.run(random.below(60));
    const node = world.node(sids[random.below(sids.length)]);
    switch (random.below(17)) {
      case 16:
        if (faults.crashes) powerCut(world, `cut${i}`);
        break;
      case 0:
      case 1:
        if (faults.crashes && node.isUp) node.crash();
        break;
      case 2:
      case 3:
      case 4:
        if (!node.isUp) node.boot();
        break;
      case 5:
        if (faults.cuts) world.cut(node.sid, sids[random.below(sids.length)]);
        break;
      case 6:
        if (faults.cuts) world.isolate(node.sid);
        break;
      case 7:
        world.heal();
        break;
      case 8:
        if (faults.pauses && node.isUp) node.pause();
        break;
      case 9:
        node.resume();
        break;
      case 10:
        if (faults.compactions && node.isUp) node.replica.compact();
        break;
      default:
        for (let n = random.below(4); n >= 0; n--) {
          const value = `${i}.${n}`;
          if (node.isUp && node.forward !== null && random.below(2) === 0) node.act(() => node.forwardWrite(value));
          else world.write(value);
        }
    }
  }
  world.heal();
  for (const node of world.nodes.values()) {
    node.resume();
    if (!node.isUp) node.boot();
  }
  world.untilServing(120_000);
  world.write("last");
  world.untilEqual(120_000);
  return world;
}

/** All lose their power at once, in the middle of writes, and most come back. */
function powerCut(world: World, name: string): void {
  const { random, nodes } = world;
  for (let waits = 0; world.leader === null && waits < 30; waits++) world.run(50);
  for (let n = random.below(5); n >= 0; n--) {
    world.write(`${name}.${n}`);
    world.run(random.below(2 * world.diskMaxMs));
  }
  for (const node of nodes.values()) node.crash();
  const staysOut = 1 + random.below(nodes.size);
  for (const node of nodes.values()) if (node.sid !== staysOut) node.boot();
  if (random.below(2) === 0) world.heal();
}
