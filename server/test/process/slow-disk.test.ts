import { spawnSync } from "node:child_process";
import { afterAll, expect, test } from "vitest";
import { create, exists } from "../core/requests.js";
import { RawClient } from "../support/raw-client.js";
import { Installation } from "../support/server-process.js";

/** Every sync takes this much longer. */
const DELAY_US = 500_000;
/** With -D the server is the process that is started, and strace its child. */
const STRACE = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"];
const SLOW_SYNCS = [...STRACE, "-e", `inject=fsync,fdatasync:delay_exit=${DELAY_US}`];

const traced = spawnSync(SLOW_SYNCS[0]!, [...SLOW_SYNCS.slice(1), "true"], { encoding: "utf8" });
const cannotTrace = traced.status !== 0;
if (cannotTrace)
  console.log(`skipped: syncs can't be made slow here (${traced.error?.message ?? traced.stderr.trim()})`);

let here: Installation | null = null;

afterAll(() => here?.remove());

test.skipIf(cannotTrace)(
  "reads are answered while a write waits for a slow disk, and writes that wait together share a sync",
  { timeout: 60_000 },
  async () => {
    here = new Installation(26_190, ["fsync.warningthresholdms=100"]);
    const server = await here.start(SLOW_SYNCS);
    const writer = await RawClient.connect(here.port);
    const reader = await RawClient.connect(here.port);
    const order: string[] = [];
    const { type, body } = create("/slow");
    const written = writer.request(type, body).then(({ err }) => order.push(`write ${err}`));
    const more = Array.from({ length: 50 }, (_, i) => {
      const { type, body } = create(`/slow-${i}`);
      return writer.request(type, body);
    });
    const reads = Array.from({ length: 20 }, () => {
      const { type, body } = exists("/slow");
      return reader.request(type, body).then(({ err }) => order.push(`read ${err}`));
    });
    await Promise.all(reads);
    await written;
    expect(order).toEqual([...Array.from({ length: 20 }, () => "read -101"), "write 0"]);
    const replies = await Promise.all(more);
    expect(replies.map(({ err }) => err)).toEqual(replies.map(() => 0));
    await server.says("fsync of the txn log is slow");
    // One sync at a time for each of 50 writes would have told of 50.
    expect(server.output.split("fsync of the txn log is slow").length - 1).toBeLessThan(10);
  },
);
