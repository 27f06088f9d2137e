// One of many leads, and when it goes the next one does: node examples/recipes-leader.js [HOST:PORT]
import { connect } from "@quoll/client";
import { LeaderLatch } from "@quoll/recipes";

const servers = process.argv[2] ?? "localhost:2181";

// Two processes in one, so that the example ends: each has a client, and so a session, of its own.
const [ann, bob] = await Promise.all([connect(servers), connect(servers)]);
const first = new LeaderLatch(ann, "/examples/leader", { id: "ann" }).start();
await first.waitForLeadership();
const second = new LeaderLatch(bob, "/examples/leader", { id: "bob" }).start();
second.onChange((leadership) => {
  if (leadership !== null) console.log("bob leads");
});

console.log(`${(await second.leader()).data} leads`);
await ann.close(); // The session ends, and with it the leadership.
await second.waitForLeadership({ timeoutMs: 10_000 });
console.log(`ann still believes to lead: ${first.hasLeadership}`);

await Promise.all([first.close(), second.close()]);
await bob.close();
