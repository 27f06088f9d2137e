// Gives the same damaged bytes to Quoll's decoders and to ZooKeeper's, and compares what they make of them:
//   node hostile-bytes.js make [COUNT [SEED]]   prints lines "class hex"
//   node hostile-bytes.js compare INPUTS JAVA   compares Quoll's results with those in the file JAVA
// hostile-bytes.sh does both.

import { readFileSync } from "node:fs";
import * as jute from "@quoll/jute";

const golden = new URL("../../jute/wire/test/golden/records.txt", import.meta.url);
const lies = [-1, -2, 0, 1, 2, 3, 5, 63, 64, 65, 0x7fffffff, -0x80000000];
const limits = { bufferMax: 64 };
const types = new Map(Object.values(jute).map((type) => [`${type.module}.${type.name}`, type]));

const [mode, ...args] = process.argv.slice(2);
if (mode === "make") make(Number(args[0] ?? 400_000), Number(args[1] ?? 1));
else process.exitCode = compare(lines(args[0]), lines(args[1]));

function make(count, seed) {
  const blocks = readFileSync(golden, "utf8").trim().split("\n\n").slice(1);
  const records = blocks.map((block) => {
    const [title, ...fields] = block.split("\n");
    return { name: title.split(":")[0], bytes: Buffer.from(fields.map((line) => line.split(" ")[0]).join(""), "hex") };
  });
  const random = randomInts(seed);
  let text = "";
  for (let i = 0; i < count; i++) {
    const { name, bytes } = records[random(records.length)];
    text += `${name} ${damage(bytes, random).toString("hex")}\n`;
  }
  process.stdout.write(text);
}

/** Some bytes changed, a length that lies, an end cut off or something behind it; or mere noise. */
function damage(original, random) {
  const kind = random(8);
  if (kind === 0) return Buffer.from(Array.from({ length: random(80) }, () => (random(2) ? 0 : random(256))));
  const bytes = Buffer.concat([original, Buffer.alloc(kind === 1 ? random(16) : 0)]);
  for (let k = random(4); k > 0; k--) bytes[random(bytes.length)] = random(256);
  if (kind <= 4 && bytes.length >= 4) bytes.writeInt32BE(lies[random(lies.length)], random(bytes.length - 3));
  return kind === 5 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
}

function randomInts(seed) {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function compare(inputs, answers) {
  const counts = { accepted: 0, refused: 0, beyond: 0, different: 0 };
  inputs.forEach((input, i) => {
    const ours = read(input);
    if (ours === "beyond") counts.beyond++;
    else if (ours !== answers[i]) {
      if (counts.different++ < 10) console.error(`${input}\n  Java ${answers[i]}\n  ours ${ours}`);
    } else if (ours === "refused") counts.refused++;
    else counts.accepted++;
  });
  const { accepted, refused, beyond, different } = counts;
  console.log(
    `${inputs.length} inputs: ${accepted} read alike, ${refused} refused by both, ` +
      `${beyond} refused by us for a count beyond 2^53, ${different} differ`,
  );
  return different === 0 && inputs.length > 0 && answers.length === inputs.length ? 0 : 1;
}

function read(line) {
  const [name, hex] = line.split(" ");
  const type = types.get(name);
  const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
  const reader = new jute.Reader(bytes, 0, bytes.length, limits);
  try {
    const record = type.decode(reader);
    return `${reader.remaining} ${Buffer.from(jute.encodeRecord(type, record)).toString("hex")}`;
  } catch (error) {
    if (!(error instanceof jute.ProtocolError)) throw error;
    return error.what === "long" ? "beyond" : "refused";
  }
}

function lines(path) {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}
