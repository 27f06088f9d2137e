import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "@quoll/compat-tests/peers/cache";
import { withCluster } from "./cluster.js";
import { type CpuProfile, callTree, flameGraph, foldedStacks, hottest } from "./flame-graph.js";
import { drive } from "./zkload.js";

/**
 * Where a server's time goes under a load: `npm run flame -w bench -- [3-]OP-CONNSxDEPTH [SECS]`, as the throughput rows are
 * named. Writes the V8 profile, folded stacks and an SVG of the main thread (of the leader, or whichever member works
 * most) to `.cache/bench/flame/`.
 */
const [name = "get-64x16", secsText = "4"] = process.argv.slice(2);
const match = /^(?:([35])-)?([a-z]+)-(\d+)x(\d+)$/.exec(name);
if (match === null) {
  process.stderr.write("npm run flame -w bench -- [3-]OP-CONNSxDEPTH [SECS], as in get-64x16 or 3-set-64x16\n");
  process.exit(2);
}
const [, servers = "1", op, conns, depth] = match;
const secs = Number(secsText);
const folder = cacheFolder("bench", "flame");
const profiles = join(folder, `${name}-profiles`);
rmSync(profiles, { recursive: true, force: true });
mkdirSync(profiles);

const nodeArgs = ["--cpu-prof", "--cpu-prof-dir", profiles];
const result = await withCluster("quoll", Number(servers), { nodeArgs }, async (cluster, startMs) => {
  const measured = await drive(cluster, { op, conns: Number(conns), depth: Number(depth), secs });
  // Only a process that ends by itself writes its profile.
  await Promise.all(cluster.members.map((member) => member.end("SIGTERM")));
  return { ...measured, startMs };
});

// Each thread of each server has written one; the main thread that was busiest is the one that matters.
const trees = readdirSync(profiles)
  .map((file) => JSON.parse(readFileSync(join(profiles, file), "utf8")) as CpuProfile)
  .filter((profile) => profile.nodes.some(({ callFrame }) => callFrame.url.endsWith("/connections.js")))
  .map((profile) => callTree(profile, result.startMs))
  .sort((a, b) => b.micros - a.micros);
if (trees.length === 0) throw new Error(`no server has written its profile into ${profiles}`);
const [tree] = trees;
const title = `${name}: ${Math.round(result.ops_per_s).toLocaleString("en")} ops/s while profiled, Node ${process.version}`;
writeFileSync(join(folder, `${name}.svg`), flameGraph(tree, title));
writeFileSync(join(folder, `${name}.folded`), foldedStacks(tree));
console.log(title);
for (const { name: hot, share } of hottest(tree, 20)) console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${hot}`);
console.log(join(folder, `${name}.svg`));
process.exit(0);
