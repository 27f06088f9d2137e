import { Writer } from "@quoll/jute";
import { adler32 } from "../../src/core/storage/adler32.js";
import { SNAPSHOT_MAGIC, SNAPSHOT_VERSION } from "../../src/core/storage/snapshot-format.js";
import { CoreServer } from "../hostile/core-server.js";
import { frame } from "../hostile/frames.js";
import { serialize } from "../tree/inspect.js";
import { randomInts } from "./random.js";
import { randomRequest } from "./requests.js";

/** The body of a snapshot of a tree that has some of everything. */
export function sampleBody(seed: number): Uint8Array {
  const random = randomInts(seed);
  const server = new CoreServer();
  let client = server.connect().open(30_000);
  for (let xid = 1; xid <= 40; xid++) {
    if (!client.isOpen) client = server.connect().open(30_000);
    const { type, body } = randomRequest(random);
    client.send(frame(xid, type, body));
    server.sync();
  }
  const body = serialize(server.tree.freeze());
  server.tree.release();
  return body;
}

const file = new Writer();

/** A file around this body: right seals, and a digest that says nothing. */
export function fileAround(body: Uint8Array): Uint8Array {
  file.reset();
  file.int(SNAPSHOT_MAGIC);
  file.int(SNAPSHOT_VERSION);
  file.long(-1);
  file.raw(body, 0, body.length);
  seal();
  file.long(7);
  file.int(2);
  file.long(0);
  seal();
  file.long(7);
  seal();
  return file.take();
}

function seal(): void {
  file.long(adler32(file.bytes, 0, file.at));
  file.string("/");
}

/** Payloads that a server has logged. */
export function loggedTxns(seed: number, requests: number): Uint8Array[] {
  const random = randomInts(seed);
  const server = new CoreServer();
  let client = server.connect().open(500);
  for (let xid = 1; xid <= requests; xid++) {
    if (!client.isOpen) client = server.connect().open(500);
    const { type, body } = randomRequest(random);
    client.send(frame(xid, type, body));
    if (xid % 5 === 0) server.sync();
    if (xid % 40 === 0) server.advance(700);
  }
  server.sync();
  return server.log.txns;
}
