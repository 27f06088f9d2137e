// One at a time, in whichever process: node examples/recipes-lock.js [HOST:PORT]
import { connect } from "@quoll/client";
import { Mutex } from "@quoll/recipes";

const zk = await connect(process.argv[2] ?? "localhost:2181");
const mutex = new Mutex(zk, "/examples/report", { data: `pid ${process.pid}` });

/** What is protected refuses who comes with a lower token than it has seen: a holder that was stopped for too long. */
const storage = {
  lastToken: 0n,
  write(token, text) {
    if (token < this.lastToken) throw new Error("somebody else has written since");
    this.lastToken = token;
    return text;
  },
};

const first = await mutex.acquire({ timeoutMs: 5000 });
console.log(`held by ${(await mutex.holders())[0].data}`);
console.log(storage.write(first.fencingToken, "the first report is written"));

// A second wait in the meantime. It could be given up at any moment, and would leave nothing behind.
const waiting = mutex.acquire({ signal: AbortSignal.timeout(5000) });
await first.release();

const second = await waiting;
console.log(`the second token is higher: ${second.fencingToken > first.fencingToken}`);
second.signal.addEventListener("abort", () => console.log("stop: others may hold it now"));
console.log(storage.write(second.fencingToken, "the second report is written"));
await second.release();
await zk.close();
