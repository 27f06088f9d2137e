import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Installation } from "../../server/test/support/server-process.js";

let installation: Installation;
let address: string;

beforeAll(async () => {
  const port = await freePort();
  installation = new Installation(port);
  await installation.start();
  address = `127.0.0.1:${port}`;
}, 60_000);

afterAll(() => installation.remove());

test.each([
  ["configuration.js", "limit 1\nNodeDataChanged limit 2\nNodeDataChanged limit 3\n"],
  ["session.js", "member /examples/member-N for 10000 ms at least\nconnected -> closed: closed\nstopped: CLOSED\n"],
  ["transfer.js", "ann 0 bob 10\n"],
  ["bulk-load.js", "created 5000 failed 0\n"],
])("examples/%s does what it says", async (file, told) => {
  const program = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, address], { timeout: 25_000 });
  expect(stderr).toBe("");
  expect(stdout).toBe(told);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return address.port;
}
