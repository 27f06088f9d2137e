import { readFileSync } from "node:fs";
import { type FieldType, Long, type RecordType } from "../src/index.js";
import { recordTypes } from "./records.js";

/** A record as ZooKeeper's Java classes encode it. */
export interface Golden {
  readonly title: string;
  readonly type: RecordType<unknown>;
  readonly bytes: Uint8Array;
  readonly value: unknown;
}

/** Reads `golden/records.txt`, which says itself how it is written. */
export function readGolden(): Golden[] {
  const blocks = readLines("records.txt").split("\n\n");
  return blocks.map((block) => {
    const [title, ...lines] = block.trim().split("\n");
    const type = recordTypes.get(title.split(":")[0]);
    if (type === undefined) throw new Error(`no record for ${title}`);
    const value: Record<string, unknown> = {};
    let hex = "";
    for (const line of lines) {
      const [, bytes, name, json] = /^(\S+) {2}(\S+) = (.*)$/.exec(line) ?? [];
      const field = type.fields.find((candidate) => candidate.name === name);
      if (field === undefined) throw new Error(`${title} has no field ${name}`);
      hex += bytes;
      value[name] = fromJson(field.type, JSON.parse(json));
    }
    return { title, type, bytes: fromHex(hex), value };
  });
}

/** Reads a file of two columns of hex. */
export function readPairs(name: string): [Uint8Array, Uint8Array][] {
  return readLines(name)
    .trim()
    .split("\n")
    .map((line) => {
      const [left, right] = line.split(" ");
      return [fromHex(left), fromHex(right)];
    });
}

function readLines(name: string): string {
  const text = readFileSync(new URL(`golden/${name}`, import.meta.url), "utf8");
  return text.replace(/^#.*\n/gm, "").trim();
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"));
}

function fromJson(type: FieldType, json: unknown): unknown {
  if (json === null) return null;
  if (type === "long") return Number(json);
  if (type === "bits") return Long.fromBigInt(BigInt(json as string));
  if (type === "buffer") return fromHex(json as string);
  if (typeof type === "string") return json;
  if ("vector" in type) return (json as unknown[]).map((element) => fromJson(type.vector, element));
  if ("map" in type) throw new Error("no record of the protocol has a map");
  const record = json as Record<string, unknown>;
  return Object.fromEntries(type.record().fields.map(({ name, type }) => [name, fromJson(type, record[name])]));
}
