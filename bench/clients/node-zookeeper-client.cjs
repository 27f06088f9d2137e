// A contender of clients.ts: keeps DEPTH operations of one client in flight, and prints how many were answered.
const [address, operation, depth, seconds, folder] = process.argv.slice(2);
const library = require(require.resolve("node-zookeeper-client", { paths: [folder] }));

const path = "/bench-clients";
const data = Buffer.alloc(100);
const zk = library.createClient(address);
zk.once("connected", () => zk.create(path, data, begin));
zk.connect();

let count = 0;
let isOver = false;
let cpu = process.cpuUsage();

function begin() {
  setTimeout(() => {
    count = 0;
    cpu = process.cpuUsage();
  }, 1_000);
  setTimeout(
    () => {
      isOver = true;
      const used = process.cpuUsage(cpu);
      console.log(JSON.stringify({ count, cpuMicros: used.user + used.system }));
      zk.close();
    },
    1_000 + Number(seconds) * 1_000,
  );
  for (let i = 0; i < Number(depth); i++) next();
}

function next() {
  if (isOver) return;
  if (operation === "getData") zk.getData(path, undefined, answered);
  else zk.setData(path, data, -1, answered);
}

function answered(error) {
  if (error) {
    if (!isOver) throw error;
    return;
  }
  count++;
  next();
}
