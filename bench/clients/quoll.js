// A contender of clients.ts: keeps DEPTH operations of one client in flight, and prints how many were answered.
import { connect } from "@quoll/client";

const [address, operation, depth, seconds] = process.argv.slice(2);
const path = "/bench-clients";
const data = new Uint8Array(100);
const zk = await connect(address, { inFlightMax: 5_000 });
await zk.create(path, data).catch(() => undefined);

let count = 0;
let isOver = false;
let cpu = process.cpuUsage();
setTimeout(() => {
  count = 0;
  cpu = process.cpuUsage();
}, 1_000);
setTimeout(
  () => {
    isOver = true;
    const used = process.cpuUsage(cpu);
    console.log(JSON.stringify({ count, cpuMicros: used.user + used.system }));
  },
  1_000 + Number(seconds) * 1_000,
);

async function worker() {
  while (!isOver) {
    if (operation === "getData") await zk.getData(path);
    else await zk.setData(path, data);
    count++;
  }
}
await Promise.all(Array.from({ length: Number(depth) }, worker));
await zk.close();
