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
  [
    "recipes-lock.js",
    [
      /held by pid \d+/,
      "the first report is written",
      "the second token is higher: true",
      "the second report is written",
    ],
  ],
  ["recipes-leader.js", ["ann leads", "bob leads", "ann still believes to lead: false"]],
  ["recipes-queue.js", ["wash", "again later: no wind", "fold", "dry"]],
  [
    "recipes-discovery.js",
    ["http://10.0.0.1:8080", "http://10.0.0.1:8081", "http://10.0.0.1:8080", "given out now: api-8080"],
  ],
])("examples/%s does what it says", async (file, lines) => {
  const program = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, address], { timeout: 25_000 });
  expect(stderr).toBe("");
  const told = stdout.trimEnd().split("\n");
  expect(told).toHaveLength(lines.length);
  for (const [i, line] of lines.entries()) {
    if (typeof line === "string") expect(told[i]).toBe(line);
    else expect(told[i]).toMatch(line);
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return address.port;
}
