import { expect, test } from "vitest";
import { ConnectionState } from "../../src/core/connection.js";
import { OpCode } from "../../src/core/op-code.js";
import { type Client, CoreServer } from "../hostile/core-server.js";
import { ascii, connectFrame, createBody, frame, pathBoolBody } from "../hostile/frames.js";
import { INPUTS, mutate, pick, type RandomInts, randomInts, SEED, TIMEOUT_MS } from "./random.js";
import { randomRequest } from "./requests.js";

/** Inputs that one server lives for: fresh ones keep a failure's history short. */
const INPUTS_PER_SERVER = 1000;
const WORDS = ["ruok", "stmk", "srvr", "cons", "wchp", "abcd"];

/** A client that must never notice what the others do. */
class Witness {
  private readonly client: Client;
  constructor(server: CoreServer) {
    this.client = server.connect().open(60_000);
    this.client.ask(
      OpCode.create,
      createBody("/witness", ascii("unharmed"), 0, [{ perms: 31, scheme: "ip", id: "10.0.0.1" }]),
    );
  }
  check(): void {
    const { err, body } = this.client.ask(OpCode.getData, pathBoolBody("/witness", false));
    const text = String.fromCharCode(...body.subarray(4, 12));
    if (err !== 0 || text !== "unharmed") throw new Error(`the witness got ${err} ${text}`);
  }
}

/** Bytes as a hostile client may send them: a first frame, requests, four-letter words, each whole or spoilt. */
function hostileBytes(random: RandomInts, isFresh: boolean, xid: number): Uint8Array {
  if (isFresh && random(3) > 0) {
    const kind = random(6);
    if (kind === 0) return ascii(pick(random, WORDS));
    if (kind === 1) return mutate(connectFrame(random(60_000)), random);
    return connectFrame(random(60_000));
  }
  const { type, body } = randomRequest(random);
  const kind = random(10);
  if (kind < 4) return frame(xid, type, body);
  if (kind < 8) return frame(xid, type, mutate(body, random));
  return mutate(frame(xid, type, body), random);
}

function sendInPieces(client: Client, bytes: Uint8Array, random: RandomInts): void {
  const kind = random(8);
  if (kind > 1) return client.send(bytes);
  const step = kind === 0 ? 1 : 1 + random(bytes.length + 1);
  for (let at = 0; at < bytes.length; at += step) client.send(bytes.slice(at, at + step));
}

test(
  `hostile bytes never harm the server or another client (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    let established = 0;
    for (let first = 0; first < INPUTS; first += INPUTS_PER_SERVER) {
      const server = new CoreServer();
      const witness = new Witness(server);
      let client = server.connect();
      for (let i = first; i < first + INPUTS_PER_SERVER; i++) {
        const random = randomInts(SEED * 0x9e3779b1 + i);
        try {
          if (!client.isOpen) client = server.connect();
          const { connection } = client;
          if (connection.state === ConnectionState.established) established++;
          sendInPieces(client, hostileBytes(random, connection.state === ConnectionState.fresh, i), random);
          if (random(3) === 0) server.sync();
          if (random(500) === 0) server.advance(random(300));
          client.replies(); // every frame that came back is whole
          if (i % 20 === 0) witness.check();
          // A frame that is announced and does not come takes the connection no further.
          if (connection.inputLength > 200 && random(4) === 0) client.drop();
        } catch (error) {
          throw new Error(`input ${i} of seed ${SEED}`, { cause: error });
        }
      }
      client.drop();
      server.sync();
      expect(server.core.inProcess).toBe(0);
      expect(server.core.connectionCount).toBe(1);
    }
    expect(established).toBeGreaterThan(INPUTS / 3);
  },
  TIMEOUT_MS,
);

/** What comes back when a stream of bytes arrives in these pieces. */
function answers(stream: Uint8Array, cuts: readonly number[]): string {
  const server = new CoreServer();
  const client = server.connect();
  let at = 0;
  for (const cut of [...cuts, stream.length]) {
    client.send(stream.subarray(at, cut));
    at = cut;
  }
  // Enough for a connect response to let the rest be read, and for that to be answered.
  server.sync();
  server.sync();
  return `${client.isOpen} ${Array.from(client.output.take()).join(" ")}`;
}

test("it makes no difference where a stream of valid and broken frames is cut", () => {
  for (let run = 0; run < 20; run++) {
    const random = randomInts(SEED * 31 + run);
    const pieces = [connectFrame(5000)];
    for (let xid = 1; xid <= 8; xid++) {
      const { type, body } = randomRequest(random);
      pieces.push(frame(xid, type, random(6) === 0 ? mutate(body, random) : body));
    }
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const stream = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      stream.set(piece, at);
      at += piece.length;
    }
    const whole = answers(stream, []);
    const everyByte = Array.from(stream, (_, i) => i);
    expect(answers(stream, everyByte), `run ${run}, byte by byte`).toBe(whole);
    for (let cut = 1; cut < stream.length; cut++) {
      if (answers(stream, [cut]) !== whole) expect.unreachable(`run ${run}: cut at ${cut}`);
    }
  }
}, 60_000);
