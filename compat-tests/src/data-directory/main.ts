import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../differential/random.js";
import { skipUnlessCi } from "../peers/cache.js";
import { compileJava, zookeeperClasspath } from "../peers/java-zookeeper.js";
import type { ServerKind } from "../peers/server.js";
import { History } from "./history.js";
import { endLargeSession } from "./large-session.js";

const HELP = `Lets ZooKeeper and Quoll write one data directory in turn, with kill -9 in between, and checks it at every switch.

  --histories N   directories, each from its own seed (6)
  --rounds N      servers that write each of them, in turn (8)
  --seed N        (1)
  --kinds A,B     who takes turns (java,quoll); java,java is the control
  --dir DIR       where the directories are kept (a new temporary folder, removed when all is well)
`;

const { values: options } = parseArgs({
  options: {
    histories: { type: "string", default: "6" },
    rounds: { type: "string", default: "8" },
    seed: { type: "string", default: "1" },
    kinds: { type: "string", default: "java,quoll" },
    dir: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
try {
  compileJava("data-directory", zookeeperClasspath());
} catch (error) {
  skipUnlessCi(error);
}

const COMPRESSIONS = ["", "gz", "snappy"];
const kinds = options.kinds.split(",") as ServerKind[];
const folder = options.dir ?? mkdtempSync(join(tmpdir(), "quoll-data-directory-"));
let passed = 0;
let failed = 0;
for (let index = 0; index < Number(options.histories); index++) {
  const seed = Number(options.seed) + index;
  const random = new Random(seed * 7919);
  const compression = COMPRESSIONS[index % COMPRESSIONS.length];
  const cfg = {
    tickTime: 1000,
    maxSessionTimeout: 3_600_000,
    snapCount: 50 + random.below(450),
    preAllocSize: 64,
    extendedTypesEnabled: "true",
    "4lw.commands.whitelist": "*",
    ...(compression === "" ? {} : { "snapshot.compression.method": compression }),
    ...(index % 2 === 0 ? {} : { dataLogDir: join(folder, `history-${seed}`, "log") }),
  };
  const dir = join(folder, `history-${seed}`);
  rmSync(dir, { recursive: true, force: true });
  const name = `seed ${seed}, ${kinds.join(" and ")} in turn, snapshots ${compression || "not compressed"}`;
  const history = new History(dir, cfg, random);
  let round = 0;
  try {
    for (; round < Number(options.rounds); round++) await history.round(kinds[round % kinds.length]);
    history.checkFiles();
    passed++;
    const { writes, underWay, kept } = history.counts;
    console.log(
      `ok      ${name}: ${round} rounds, ${writes} writes; ${underWay} under way at a kill, ${kept} of them kept`,
    );
    rmSync(dir, { recursive: true });
  } catch (error) {
    failed++;
    console.log(
      `FAILED  ${name}, in round ${round} (${kinds[round % kinds.length]}): ${error instanceof Error ? error.message : error}`,
    );
    console.log(`        its directory: ${dir}`);
  }
}
if (kinds.includes("quoll")) {
  const dir = join(folder, "large-session");
  const name = "a session whose end would be a txn too long for any reader";
  try {
    await endLargeSession(dir);
    passed++;
    console.log(`ok      ${name}: read by Quoll and by ZooKeeper after kill -9`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : error}`);
    console.log(`        its directory: ${dir}`);
  }
}
if (failed === 0 && options.dir === undefined) rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
