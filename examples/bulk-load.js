// Many znodes at once: a thousand requests in flight, no more in memory than needed, and no doubt about what was done:
// node examples/bulk-load.js [HOST:PORT]
import { connect, isKeeperError } from "@quoll/client";

const zk = await connect(process.argv[2] ?? "localhost:2181");
const parent = await zk.create("/examples/bulk-", null, { mode: "persistentSequential", parents: "container" });

let failures = 0;
for (let i = 0; i < 5_000; i++) {
  await zk.drained(1_000);
  zk.create(`${parent}/${i}`, `row ${i}`).catch((error) => {
    failures++;
    if (isKeeperError(error) && error.outcome === "unknown") console.error(`look whether ${error.path} is there`);
    else console.error(String(error));
  });
}
await zk.drained(0);
console.log("created", (await zk.getChildren(parent)).length, "failed", failures);

for (const name of await zk.getChildren(parent)) {
  await zk.drained(1_000);
  void zk.delete(`${parent}/${name}`);
}
await zk.delete(parent);
await zk.close();
