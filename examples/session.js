// Work that must end with the session: an AbortSignal says so, and every state on the way is told:
// node examples/session.js [HOST:PORT]
import { connect } from "@quoll/client";

const zk = await connect(process.argv[2] ?? "localhost:2181", { sessionTimeoutMs: 10_000 });
zk.onStateChange(({ state, previous, reason }) => console.log(`${previous} -> ${state}: ${reason.split(" ")[0]}`));

const { session } = zk;
const path = await zk.create("/examples/member-", "here", {
  mode: "ephemeralSequential",
  parents: "container",
  session,
});
console.log("member", path.replace(/\d+$/, "N"), "for", session.timeoutMs, "ms at least");

const work = new Promise((resolve) => {
  session.signal.addEventListener("abort", () => resolve(`stopped: ${session.signal.reason.code}`));
});
await zk.close();
console.log(await work);
