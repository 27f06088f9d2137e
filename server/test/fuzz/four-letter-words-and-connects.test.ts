import { expect, test } from "vitest";
import { ConnectionState } from "../../src/core/connection.js";
import { fourLetterWord } from "../../src/core/four-letter-word.js";
import { CoreServer } from "../hostile/core-server.js";
import { ascii, connectFrame } from "../hostile/frames.js";
import { INPUTS, mutate, pick, randomInts, SEED, TIMEOUT_MS } from "./random.js";

test(
  `a mutated connect request makes a session, is refused, or waits for its rest (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    let server = new CoreServer();
    const seen = { session: 0, refused: 0, waiting: 0 };
    for (let i = 0; i < INPUTS; i++) {
      if (i % 1000 === 0) server = new CoreServer();
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const client = server.connect();
      const known = random(2) === 0 ? { hi: 0x1000000 + random(3), lo: random(9), password: new Uint8Array(16) } : null;
      client.send(mutate(connectFrame(random(100_000), known, random(3)), random));
      server.sync();
      const { state } = client.connection;
      if (state === ConnectionState.established) {
        seen.session++;
        const { timeoutMs } = client.session();
        if (timeoutMs < 200 || timeoutMs > 60_000) throw new Error(`input ${i}: a time-out of ${timeoutMs} ms`);
      } else if (client.isOpen) {
        seen.waiting++;
        if (state !== ConnectionState.fresh) throw new Error(`input ${i}: state ${state}`);
      } else {
        seen.refused++;
      }
      client.drop();
    }
    expect(seen.session).toBeGreaterThan(INPUTS / 20);
    expect(seen.refused).toBeGreaterThan(INPUTS / 20);
    expect(seen.waiting).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

const WORDS = ["conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst", "srvr"];

test(
  `four bytes are a four-letter word exactly when they spell one (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    let words = 0;
    let server = new CoreServer();
    for (let i = 0; i < INPUTS; i++) {
      if (i % 1000 === 0) server = new CoreServer();
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const text = ascii(random(2) === 0 ? pick(random, WORDS) : "stmk");
      const bytes = random(2) === 0 ? text : mutate(text, random);
      const client = server.connect();
      const tail = Uint8Array.from({ length: random(12) }, () => random(256));
      const sent = new Uint8Array([...bytes, ...tail]);
      const cut = random(sent.length + 1);
      server.core.received(client.connection, sent.subarray(0, cut));
      server.core.received(client.connection, sent.subarray(cut));
      const isWord = sent.length >= 4 && fourLetterWord(new DataView(sent.buffer).getInt32(0)) !== undefined;
      const taken = server.core.effects.words.length;
      if (taken !== (isWord ? 1 : 0)) throw new Error(`input ${i}: ${taken} words from ${sent}`);
      words += taken;
      server.flush();
      client.drop();
    }
    expect(words).toBeGreaterThan(INPUTS / 3);
  },
  TIMEOUT_MS,
);
