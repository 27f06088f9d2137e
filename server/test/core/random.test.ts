import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChangeRecord, OutstandingChanges } from "../../src/core/request/outstanding-changes.js";
import { hashPath } from "../../src/core/request/path.js";
import {
  check,
  create,
  exists,
  Flag,
  getChildren,
  getData,
  multi,
  PING,
  type Request,
  raw,
  remove,
  setData,
  sync,
  utf8,
} from "./requests.js";
import { newTree, Scene, SeededRandom } from "./scene.js";

interface Znode {
  readonly data: string;
  readonly version: number;
  /** Counts creates. */
  readonly cversion: number;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly isEphemeral: boolean;
}

type State = ReadonlyMap<string, Znode>;

type Write =
  | { kind: "create"; path: string; data: string; flags: number }
  | { kind: "delete"; path: string; version: number }
  | { kind: "setData"; path: string; data: string; version: number }
  | { kind: "check"; path: string; version: number };
type Read = { kind: "exists" | "getData" | "getChildren" | "sync" | "ping"; path: string };

function requestOf(operation: Write | Read): Request {
  const { kind, path } = operation;
  switch (kind) {
    case "create":
      return create(path, operation);
    case "delete":
      return remove(path, operation.version);
    case "setData":
      return setData(path, operation.data, operation.version);
    case "check":
      return check(path, operation.version);
    case "exists":
      return exists(path);
    case "getData":
      return getData(path);
    case "getChildren":
      return getChildren(path);
    case "sync":
      return sync(path);
    case "ping":
      return PING;
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

function childrenOf(state: State, path: string): string[] {
  const prefix = path === "/" ? "/" : `${path}/`;
  return [...state.keys()]
    .filter((other) => other !== "/" && other.startsWith(prefix) && !other.slice(prefix.length).includes("/"))
    .map((other) => other.slice(prefix.length))
    .sort();
}

function statText(state: State, path: string): string {
  const { version, cversion, czxid, mzxid, pzxid } = state.get(path)!;
  const count = childrenOf(state, path).length;
  return `v${version} c${2 * cversion - count} a0 n${count} zxids ${czxid} ${mzxid} ${pzxid}`;
}

function read(state: State, { kind, path }: Read): string {
  if (kind === "ping") return "ok";
  if (kind === "sync") return `synced ${path}`;
  const znode = state.get(path);
  if (znode === undefined) return "NoNode";
  if (kind === "getChildren") return `[${childrenOf(state, path).join(" ")}]`;
  return kind === "exists" ? statText(state, path) : `"${znode.data}" ${statText(state, path)}`;
}

/** What one write does to the state, and its answer. A failed write leaves the state as it is. */
function write(state: State, operation: Write, zxid: number): { state: State; text: string; failed: boolean } {
  const { kind, path } = operation;
  const fail = (text: string) => ({ state, text, failed: true });
  const next = new Map(state);
  if (kind === "create") {
    const parent = state.get(parentOf(path));
    if (parent === undefined) return fail("NoNode");
    const isSequential = operation.flags === Flag.sequential || operation.flags === Flag.ephemeralSequential;
    const actual = isSequential ? path + String(parent.cversion).padStart(10, "0") : path;
    if (state.has(actual)) return fail("NodeExists");
    if (parent.isEphemeral) return fail("NoChildrenForEphemerals");
    next.set(parentOf(path), { ...parent, cversion: parent.cversion + 1, pzxid: zxid });
    const isEphemeral = operation.flags === Flag.ephemeral || operation.flags === Flag.ephemeralSequential;
    next.set(actual, {
      data: operation.data,
      version: 0,
      cversion: 0,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      isEphemeral,
    });
    return { state: next, text: `created ${actual}`, failed: false };
  }
  const znode = state.get(path);
  if (znode === undefined) return fail("NoNode");
  if (operation.version !== -1 && operation.version !== znode.version) return fail("BadVersion");
  if (kind === "check") return { state, text: "ok", failed: false };
  if (kind === "setData") {
    next.set(path, { ...znode, data: operation.data, version: znode.version + 1, mzxid: zxid });
    return { state: next, text: statText(next, path), failed: false };
  }
  if (childrenOf(state, path).length > 0) return fail("NotEmpty");
  next.delete(path);
  next.set(parentOf(path), { ...next.get(parentOf(path))!, pzxid: zxid });
  return { state: next, text: "ok", failed: false };
}

function writeMulti(state: State, parts: readonly Write[], zxid: number): { state: State; text: string } {
  const texts: string[] = [];
  let changed = state;
  for (const [i, part] of parts.entries()) {
    const done = write(changed, part, zxid);
    if (done.failed) {
      const results = parts.map((_, k) => (k < i ? "Ok" : k === i ? done.text : "RuntimeInconsistency"));
      return { state, text: `multi [${results.join(", ")}]` };
    }
    changed = done.state;
    texts.push(done.text);
  }
  return { state: changed, text: `multi [${texts.join(", ")}]` };
}

/** The server as a client may think of it: a list of states, and for each client the answers that are due. */
class Model {
  readonly states: State[];
  synced: number;
  readonly lines = new Map<string, string[]>();
  private readonly waiting = new Map<string, { zxid: number; text: (state: State) => string }[]>();
  private readonly xids = new Map<string, number>();

  constructor(clients: readonly string[]) {
    const empty = { data: "", version: 0, cversion: 0, czxid: 0, mzxid: 0, pzxid: 0, isEphemeral: false };
    const first = new Map([["/", empty]]);
    first.set("/zookeeper", empty);
    this.states = [first, ...clients.map(() => first)];
    this.synced = clients.length;
    for (const client of clients) {
      this.lines.set(client, []);
      this.waiting.set(client, []);
      this.xids.set(client, 1);
    }
  }

  write(client: string, parts: readonly Write[], isMulti: boolean): void {
    const zxid = this.states.length;
    const before = this.states[zxid - 1]!;
    const done = isMulti ? writeMulti(before, parts, zxid) : write(before, parts[0]!, zxid);
    this.states.push(done.state);
    const xid = this.nextXid(client);
    this.waiting.get(client)!.push({ zxid, text: () => `${client}: ${xid} @${zxid} ${done.text}` });
  }

  read(client: string, operation: Read): void {
    const waiting = this.waiting.get(client)!;
    const name = operation.kind === "ping" ? "ping" : this.nextXid(client);
    const zxid = waiting.length === 0 ? this.synced : waiting.at(-1)!.zxid;
    const text = (state: State): string => `${client}: ${name} @${zxid} ${read(state, operation)}`;
    if (waiting.length === 0) this.lines.get(client)!.push(text(this.states[zxid]!));
    else waiting.push({ zxid, text });
  }

  sync(zxid: number): void {
    this.synced = zxid;
    for (const [client, waiting] of this.waiting) {
      while (waiting.length > 0 && waiting[0]!.zxid <= zxid) {
        const { zxid: at, text } = waiting.shift()!;
        this.lines.get(client)!.push(text(this.states[at]!));
      }
    }
  }

  private nextXid(client: string): number {
    const xid = this.xids.get(client)!;
    this.xids.set(client, xid + 1);
    return xid;
  }
}

const PATHS = ["/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/a", "/b/n-0000000000", "/a/n-0000000001"];

function randomWrite(random: SeededRandom, mayCheck: boolean): Write {
  const path = random.pick(PATHS);
  const version = random.pick([-1, -1, 0, 1, 2]);
  const data = String(random.below(100));
  switch (random.below(mayCheck ? 7 : 6)) {
    case 0:
    case 1:
      return { kind: "create", path, data, flags: random.pick([Flag.persistent, Flag.persistent, Flag.ephemeral]) };
    case 2: {
      const flags = random.pick([Flag.sequential, Flag.ephemeralSequential]);
      return { kind: "create", path: `${random.pick(["", "/a", "/b"])}/n-`, data, flags };
    }
    case 3:
      return { kind: "delete", path, version };
    case 4:
    case 5:
      return { kind: "setData", path, data, version };
    default:
      return { kind: "check", path, version };
  }
}

function randomRead(random: SeededRandom): Read {
  return { kind: random.pick(["exists", "getData", "getChildren", "sync", "ping"]), path: random.pick(PATHS) };
}

/** Whether a line tells of a zxid that is not durable. */
function isTooEarly(line: string, synced: number): boolean {
  return Number(/@(\d+)/.exec(line)?.[1] ?? 0) > synced;
}

describe("random requests", () => {
  test("get the replies of a naive model, in its order, none of them before its zxid is durable (120 seeds)", () => {
    for (let seed = 1; seed <= 120; seed++) {
      const random = new SeededRandom(seed);
      const scene = new Scene();
      const names = ["ann", "bob", "cat"];
      const clients = names.map((name) => scene.session(name, 40_000));
      const model = new Model(names);
      const told: string[] = [];
      for (let step = 0; step < 80; step++) {
        const i = random.below(3);
        const requests: Request[] = [];
        for (let count = 1 + random.below(4); count > 0; count--) {
          const choice = random.below(10);
          if (choice < 4) {
            const operation = randomRead(random);
            model.read(names[i]!, operation);
            requests.push(requestOf(operation));
          } else {
            const isMulti = choice < 6;
            const parts = Array.from({ length: isMulti ? 1 + random.below(4) : 1 }, () => randomWrite(random, isMulti));
            model.write(names[i]!, parts, isMulti);
            requests.push(isMulti ? multi(...parts.map(requestOf)) : requestOf(parts[0]!));
          }
        }
        clients[i]!.send(...requests);
        const outstanding = scene.log.lastZxid - scene.synced;
        if (outstanding > 0 && random.below(3) === 0) {
          const zxid = scene.synced + 1 + random.below(outstanding);
          model.sync(zxid);
          scene.sync(zxid);
        }
        const lines = scene.told();
        expect(lines.filter((line) => isTooEarly(line, scene.synced))).toEqual([]);
        told.push(...lines);
      }
      model.sync(scene.log.lastZxid);
      scene.sync();
      told.push(...scene.told());
      for (const name of names) {
        expect(
          told.filter((line) => line.startsWith(name)),
          `seed ${seed}`,
        ).toEqual(model.lines.get(name));
      }
      // What the log holds makes the same tree.
      const replayed = newTree();
      for (const { bytes } of scene.log.records) replayed.apply(bytes, 0, bytes.length, null);
      expect(replayed.digestMismatches, `seed ${seed}`).toBe(0);
      expect(replayed.digest, `seed ${seed}`).toEqual(scene.tree.digest);
    }
  });

  test("get the same bytes whatever the pieces they come in and the moments of the syncs (60 seeds)", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new SeededRandom(seed);
      const requests = Array.from({ length: 60 }, () => randomRequest(random));
      const answers = [1, 2, 3].map((variant) => play(requests, new SeededRandom(1000 * seed + variant)));
      expect(answers[1], `seed ${seed}`).toEqual(answers[0]);
      expect(answers[2], `seed ${seed}`).toEqual(answers[0]);
    }
  });
});

/** All but auth and sasl, which are answered at once as in Java, so before writes that wait for their sync. */
const OPCODES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 18, 19, 21, 22, 101, 103, 104, 105, 106, 107];

/** Mostly what a client sends; sometimes with another opcode, cut off, or with a wrong byte. */
function randomRequest(random: SeededRandom): Request {
  const choice = random.below(10);
  if (choice < 3) return requestOf(randomRead(random));
  if (choice < 6) return requestOf(randomWrite(random, false));
  const whole = multi(requestOf(randomWrite(random, true)), requestOf(randomWrite(random, true)));
  if (choice < 8) return whole;
  const body = (choice === 8 ? whole : requestOf(randomWrite(random, false))).body.slice();
  if (body.length > 0) body[random.below(body.length)] = random.below(256);
  return raw(random.pick(OPCODES), body.subarray(0, random.below(body.length + 1)), "something");
}

/** Sends the requests as one stream in random pieces with syncs at random moments. @returns all bytes of the answers */
function play(requests: readonly Request[], random: SeededRandom): Uint8Array[] {
  const scene = new Scene({ globalOutstandingLimit: 1 + random.below(30) });
  const ann = scene.session("ann", 40_000);
  const bytes = ann.encode(...requests);
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(random.pick([3, 30, 300]));
    ann.bytes(bytes.subarray(at, end));
    at = end;
    const outstanding = scene.log.lastZxid - scene.synced;
    if (outstanding > 0 && random.below(2) === 0) scene.sync(scene.synced + 1 + random.below(outstanding));
  }
  while (scene.synced < scene.log.lastZxid) scene.sync();
  return ann.frames;
}

describe("outstanding changes", () => {
  const paths = ["/a", "/b", "/c", "/d"].map(utf8);
  // Two paths share a hash, so that chains are met.
  const hashes = paths.map((path, i) => (i < 2 ? 42 : hashPath(1, path, 0, path.length)));

  const action = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), path: fc.nat(3), isNewTxn: fc.boolean() }),
    fc.record({ kind: fc.constant("rollback" as const) }),
    fc.record({ kind: fc.constant("applied" as const), share: fc.nat(100) }),
  );

  test("say the same as a plain list of records, whatever is added, rolled back and applied", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const changes = new OutstandingChanges();
        let list: { zxid: number; path: number; record: ChangeRecord }[] = [];
        let zxid = 1;
        let appliedZxid = 0;
        for (const step of actions) {
          if (step.kind === "add") {
            if (step.isNewTxn) zxid++;
            const path = paths[step.path]!;
            const record = new ChangeRecord(zxid, hashes[step.path]!, path, 0, path.length);
            changes.add(record);
            list.push({ zxid, path: step.path, record });
          } else if (step.kind === "rollback") {
            changes.rollback(zxid);
            list = list.filter((entry) => entry.zxid !== zxid);
          } else {
            appliedZxid += Math.floor(((zxid - appliedZxid) * step.share) / 100);
            changes.applied(appliedZxid);
            list = list.filter((entry) => entry.zxid > appliedZxid);
            // A txn that is applied is not added to any more.
            if (appliedZxid === zxid) zxid++;
          }
          expect(changes.size).toBe(list.length);
          for (const [i, path] of paths.entries()) {
            const newest = list.filter((entry) => entry.path === i).at(-1)?.record ?? null;
            expect(changes.find(hashes[i]!, path, 0, path.length) === newest).toBe(true);
          }
        }
        const visited: ChangeRecord[] = [];
        changes.forEach((record) => {
          visited.push(record);
        });
        expect(visited.every((record, i) => record === list[i]!.record) && visited.length === list.length).toBe(true);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
