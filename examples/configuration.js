// Configuration that follows its znode, also when the connection is lost in between: node examples/configuration.js [HOST:PORT]
import { connect, json } from "@quoll/client";

const zk = await connect(process.argv[2] ?? "localhost:2181");
const path = await zk.create("/examples/configuration-", json({ limit: 1 }), {
  mode: "persistentSequential",
  parents: "container",
});

async function load() {
  const node = await zk.getData(path);
  return node.json(checked);
}

function checked(value) {
  if (typeof value?.limit !== "number") throw new TypeError(`${path} has no limit`);
  return { limit: value.limit };
}

console.log("limit", (await load()).limit);
const changes = zk.watch(path, "persistent");
const first = changes.next(); // Sets the watch.
await zk.setData(path, json({ limit: 2 }));
console.log((await first).value.type, "limit", (await load()).limit);

void zk.setData(path, json({ limit: 3 }));
for await (const { type } of changes) {
  // Whatever it is, a change or a gap: what counts is what is there now.
  const { limit } = await load();
  console.log(type, "limit", limit);
  if (limit === 3) break;
}
await zk.delete(path);
await zk.close();
