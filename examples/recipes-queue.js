// Work for whoever has time, at least once: node examples/recipes-queue.js [HOST:PORT]
import { connect } from "@quoll/client";
import { Queue, textSerializer } from "@quoll/recipes";

const zk = await connect(process.argv[2] ?? "localhost:2181");
const queue = new Queue(zk, "/examples/queue/items", {
  serializer: textSerializer,
  lockPath: "/examples/queue/locks", // With locks an item is removed when it is done; without, before.
});

for (const job of ["wash", "dry", "fold"]) await queue.put(job);

let left = 3;
let hasFailed = false;
const done = new Promise((resolve) => {
  queue.consume(
    (job) => {
      if (job === "dry" && !hasFailed) {
        hasFailed = true;
        throw new Error("no wind");
      }
      console.log(job);
      if (--left === 0) resolve();
    },
    { onError: (error) => console.log(`again later: ${error.message}`) },
  );
});
await done;
await zk.close();
