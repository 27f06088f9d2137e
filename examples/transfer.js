// Two znodes changed together or not at all, whoever else changes them: read, compute, and write if nobody was faster:
// node examples/transfer.js [HOST:PORT]
import { connect, isKeeperError, op } from "@quoll/client";

const zk = await connect(process.argv[2] ?? "localhost:2181");
const parent = await zk.create("/examples/accounts-", null, { mode: "persistentSequential", parents: "container" });
await zk.multi([op.create(`${parent}/ann`, "10"), op.create(`${parent}/bob`, "0")]);

async function transfer(from, to, amount) {
  for (;;) {
    const [source, target] = await Promise.all([zk.getData(from), zk.getData(to)]);
    try {
      await zk.multi([
        op.setData(from, String(Number(source.text()) - amount), source.stat.version),
        op.setData(to, String(Number(target.text()) + amount), target.stat.version),
      ]);
      return;
    } catch (error) {
      if (!isKeeperError(error, "BadVersion")) throw error;
    }
  }
}

await Promise.all(Array.from({ length: 5 }, () => transfer(`${parent}/ann`, `${parent}/bob`, 2)));
console.log("ann", (await zk.getData(`${parent}/ann`)).text(), "bob", (await zk.getData(`${parent}/bob`)).text());
await zk.multi([op.delete(`${parent}/ann`), op.delete(`${parent}/bob`), op.delete(parent)]);
await zk.close();
