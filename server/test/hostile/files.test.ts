import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ServerProcess, SocketClient } from "./process.js";

const ZNODES = 30;

let root: string;
let pristine: string;
let dir: string;
let version2: string;
let runs = 0;

/** A data directory that a server was killed on: `snapshot.0` and one log. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "quoll-files-"));
  pristine = join(root, "pristine");
  mkdirSync(pristine);
  const server = await ServerProcess.start(pristine);
  const client = await SocketClient.open(server.port);
  for (let i = 0; i < ZNODES; i++) await client.create(`/n${i}`);
  server.child.kill("SIGKILL");
  await server.ended;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeEach(() => {
  dir = join(root, `run${runs++}`);
  cpSync(pristine, dir, { recursive: true });
  version2 = join(dir, "data", "version-2");
});

function fileOf(kind: string): string {
  const name = readdirSync(version2).find((one) => one.startsWith(kind));
  return join(version2, name!);
}

/** Names and contents, but for the lock, which comes and goes with each server. */
function files(): string[] {
  return readdirSync(version2, { withFileTypes: true })
    .filter(({ name }) => name !== "quoll.lock")
    .map((file) => `${file.name} ${file.isFile() ? readFileSync(join(version2, file.name)).toString("latin1") : ""}`)
    .sort();
}

type Spoil = (path: string) => void;

const UNREADABLE: Spoil = (path) => {
  // Root reads every file, but nobody reads a directory as one.
  renameSync(path, `${path}.moved`);
  mkdirSync(path);
  renameSync(`${path}.moved`, join(root, `moved${runs}`));
};
const EMPTY: Spoil = (path) => writeFileSync(path, "");
const TRUNCATED: Spoil = (path) => {
  const bytes = readFileSync(path);
  // Inside the txns: what follows them is zeros.
  writeFileSync(path, bytes.subarray(0, Math.min(700, bytes.length >> 1)));
};
const FLIPPED: Spoil = (path) => {
  const bytes = readFileSync(path);
  bytes[Math.min(700, bytes.length >> 1)] ^= 4;
  writeFileSync(path, bytes);
};
const NEWER: Spoil = (path) => {
  const bytes = readFileSync(path);
  bytes.writeInt32BE(3, 4);
  writeFileSync(path, bytes);
};

test("the directory as it was serves everything", async () => {
  const server = await ServerProcess.start(dir);
  const client = await SocketClient.open(server.port);
  for (let i = 0; i < ZNODES; i++) expect(await client.exists(`/n${i}`)).toBe(0);
  client.end();
  expect(await server.stop()).toBe(0);
});

test.each([
  ["snapshot", "unreadable", UNREADABLE, [21], /snapshot\.0/],
  ["snapshot", "empty", EMPTY, [20], /DAMAGED/],
  ["snapshot", "truncated", TRUNCATED, [20], /DAMAGED/],
  ["snapshot", "bit-flipped", FLIPPED, [20], /DAMAGED/],
  ["snapshot", "of a newer version", NEWER, [22], /version 3/],
  ["log", "unreadable", UNREADABLE, [21], /log\.1/],
  ["log", "empty", EMPTY, [20], /DAMAGED/],
  ["log", "truncated", TRUNCATED, [20], /DAMAGED/],
  ["log", "bit-flipped", FLIPPED, [20], /DAMAGED/],
  ["log", "of a newer version", NEWER, [22], /version 3/],
] as const)(
  "a %s that is %s ends the start with its name, and nothing on the disk is changed",
  async (kind, _, spoil, codes, message) => {
    const path = fileOf(`${kind}.`);
    spoil(path);
    const before = files();
    const server = await ServerProcess.start(dir);
    const { code } = await server.ended;
    expect(codes).toContain(code);
    expect(server.lines().at(-1)!.msg).toMatch(message);
    expect(server.output).toContain(path.slice(version2.length + 1));
    expect(files()).toEqual(before);
  },
);

test.each([
  ["empty", ""],
  ["of other text", "one\n"],
  ["binary", "\0\u0001\u0002"],
])("a myid that is %s ends the start with exit code 2, as with ZooKeeper, and names the file", async (_, text) => {
  writeFileSync(join(dir, "data", "myid"), text);
  const server = await ServerProcess.start(dir);
  expect((await server.ended).code).toBe(2);
  expect(server.output).toContain(join(dir, "data", "myid"));
});

test.each(["acceptedEpoch", "currentEpoch"])("a broken %s is of no matter to a standalone server", async (name) => {
  for (const text of ["", "x", "-1", "99999999999999999999"]) {
    writeFileSync(join(version2, name), text);
    const server = await ServerProcess.start(dir);
    expect(server.isServing).toBe(true);
    expect(await server.stop()).toBe(0);
  }
});

test("a file `initialize`, whatever it holds, starts a database once where that has to be asked for", async () => {
  const lines = ["db.autocreate=false"];
  const fresh = join(root, "fresh");
  mkdirSync(join(fresh, "data"), { recursive: true });
  const refused = await ServerProcess.start(fresh, { lines });
  expect((await refused.ended).code).toBe(3);
  expect(refused.output).toContain("initialize");
  writeFileSync(join(fresh, "data", "initialize"), "\0 anything");
  const server = await ServerProcess.start(fresh, { lines });
  expect(server.isServing).toBe(true);
  expect(await server.stop()).toBe(0);
  expect(readdirSync(join(fresh, "data"))).not.toContain("initialize");
});
