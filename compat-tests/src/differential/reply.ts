import { Long, Reader, Writer } from "@quoll/jute";
import { OpCode, opName } from "./op-code.js";

/*
 * Replies are compared as bytes, after those bytes that must differ between two servers were replaced:
 *
 * - a session id by the number of the session, in the order in which this server made them;
 * - ctime by whether it is the time of czxid, and mtime by whether it is the time of mzxid: every transaction has one
 *   time, so the first one seen for a zxid must come back in every other stat;
 * - a password by whether it is the one that Java derives from the session id;
 * - lists whose order ZooKeeper leaves to a hash table (children, ephemerals, identities of a connection) are sorted.
 *
 * A body that does not have the expected shape is compared as it is.
 */

type Part = "int" | "text" | "stat" | "acls" | "sortedTexts" | "identities" | "results";

const SHAPES: Readonly<Record<number, readonly Part[]>> = {
  [OpCode.create]: ["text"],
  [OpCode.create2]: ["text", "stat"],
  [OpCode.createContainer]: ["text", "stat"],
  [OpCode.createTTL]: ["text", "stat"],
  [OpCode.exists]: ["stat"],
  [OpCode.getData]: ["text", "stat"],
  [OpCode.setData]: ["stat"],
  [OpCode.getACL]: ["acls", "stat"],
  [OpCode.setACL]: ["stat"],
  [OpCode.getChildren]: ["sortedTexts"],
  [OpCode.getChildren2]: ["sortedTexts", "stat"],
  [OpCode.sync]: ["text"],
  [OpCode.multi]: ["results"],
  [OpCode.multiRead]: ["results"],
  [OpCode.getEphemerals]: ["sortedTexts"],
  [OpCode.getAllChildrenNumber]: ["int"],
  [OpCode.addWatch]: ["int"],
  [OpCode.whoAmI]: ["identities"],
};

/** The bodies of a multi's results, by the type in front of each. */
const RESULT_SHAPES: Readonly<Record<number, readonly Part[]>> = {
  [-1]: ["int"],
  [OpCode.create]: ["text"],
  [OpCode.create2]: ["text", "stat"],
  [OpCode.delete]: [],
  [OpCode.setData]: ["stat"],
  [OpCode.check]: [],
  [OpCode.getData]: ["text", "stat"],
  [OpCode.getChildren]: ["sortedTexts"],
};

/** What one server's session ids and times stand for. */
export class Translation {
  private readonly sessions = new Map<string, number>();
  private readonly times = new Map<number, string>();
  private lastSession: bigint | null = null;

  /** Notes a new session of this server. */
  addSession(id: Long): void {
    const key = id.toHex();
    if (id.isZero || this.sessions.has(key)) return;
    this.sessions.set(key, this.sessions.size + 1);
  }

  /** The number of a session, with the server id that its upper byte carries; other values stay as they are. */
  session(id: Long): Long {
    const number = this.sessions.get(id.toHex());
    return number === undefined ? id : new Long((id.hi & 0xff000000) | 0xabcdef, number);
  }

  /** 0 stays 0; 1: the time of that zxid; 2: another time than was seen for it. */
  time(zxid: number, time: Long): Long {
    if (time.isZero) return Long.ZERO;
    const key = time.toHex();
    const known = this.times.get(zxid);
    if (known === undefined) this.times.set(zxid, key);
    const isPlausible = Math.abs(Number(time.toBigInt()) - Date.now()) < 3_600_000;
    return new Long(0, isPlausible && (known === undefined || known === key) ? 1 : 2);
  }

  /** Whether a new id follows the one before it, as ids do within one run of a server. */
  isNextSession(id: Long): boolean {
    const before = this.lastSession;
    this.lastSession = id.toBigInt();
    return before === null || this.lastSession === before + 1n;
  }
}

const writer = new Writer(65536);

/** A reply or notification with the bytes replaced that may differ. */
export function normalizeReply(frame: Uint8Array, type: number | null, translation: Translation): Uint8Array {
  const shape = type === null ? undefined : SHAPES[type];
  if (shape === undefined || frame.length <= 16) return frame;
  try {
    writer.reset();
    writer.raw(frame, 0, 16);
    const reader = new Reader(frame, 16);
    normalizeParts(reader, shape, translation);
    writer.raw(frame, reader.at, frame.length);
    return writer.take();
  } catch {
    return frame;
  }
}

function normalizeParts(reader: Reader, parts: readonly Part[], translation: Translation): void {
  for (const part of parts) {
    switch (part) {
      case "int":
        writer.int(reader.int());
        break;
      case "text":
        writer.buffer(reader.buffer());
        break;
      case "sortedTexts":
        writeSorted(readItems(reader, 1));
        break;
      case "identities":
        writeSorted(readItems(reader, 2));
        break;
      case "acls":
        normalizeAcls(reader);
        break;
      case "stat":
        normalizeStat(reader, translation);
        break;
      case "results":
        normalizeResults(reader, translation);
    }
  }
}

function normalizeStat(reader: Reader, translation: Translation): void {
  const czxid = reader.long();
  const mzxid = reader.long();
  writer.long(czxid);
  writer.long(mzxid);
  writer.bits(translation.time(czxid, reader.bits()));
  writer.bits(translation.time(mzxid, reader.bits()));
  for (let i = 0; i < 3; i++) writer.int(reader.int());
  writer.bits(translation.session(reader.bits()));
  for (let i = 0; i < 2; i++) writer.int(reader.int());
  writer.long(reader.long());
}

function normalizeResults(reader: Reader, translation: Translation): void {
  for (;;) {
    const type = reader.int();
    const isDone = reader.bool();
    writer.int(type);
    writer.bool(isDone);
    writer.int(reader.int());
    if (isDone) return;
    normalizeParts(reader, RESULT_SHAPES[type] ?? [], translation);
  }
}

/** Items of so many texts each, as their bytes. */
function readItems(reader: Reader, textsPerItem: number): Uint8Array[] | null {
  const count = reader.count(4 * textsPerItem);
  if (count < 0) return null;
  const items: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const start = reader.at;
    for (let j = 0; j < textsPerItem; j++) reader.buffer();
    items.push(reader.bytes.subarray(start, reader.at));
  }
  return items;
}

function writeSorted(items: Uint8Array[] | null): void {
  if (items === null) {
    writer.int(-1);
    return;
  }
  items.sort(Buffer.compare);
  writer.int(items.length);
  for (const item of items) writer.raw(item, 0, item.length);
}

/** The scheme `auth` becomes the identities of the connection, in no order: neighbours with the same permissions are sorted. */
function normalizeAcls(reader: Reader): void {
  const count = reader.count(12);
  writer.int(count);
  const entries: { perms: number; bytes: Uint8Array }[] = [];
  for (let i = 0; i < count; i++) {
    const start = reader.at;
    const perms = reader.int();
    reader.buffer();
    reader.buffer();
    entries.push({ perms, bytes: reader.bytes.subarray(start, reader.at) });
  }
  let from = 0;
  while (from < entries.length) {
    let to = from;
    while (to < entries.length && entries[to].perms === entries[from].perms) to++;
    const run = entries.slice(from, to).sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    for (const { bytes } of run) writer.raw(bytes, 0, bytes.length);
    from = to;
  }
}

/** The names in a reply to getChildren or getChildren2; none when it is an error. */
export function childrenOf(frame: Uint8Array): string[] {
  if (frame.length <= 16) return [];
  try {
    return (readItems(new Reader(frame, 16), 1) ?? []).map((item) => Buffer.from(item.subarray(4)).toString("latin1"));
  } catch {
    return [];
  }
}

/** The answer to a connect request with the session's number in place of its id, and the password judged. */
export function normalizeConnectResponse(frame: Uint8Array, translation: Translation, isNew: boolean): Uint8Array {
  try {
    const reader = new Reader(frame);
    writer.reset();
    writer.int(reader.int());
    writer.int(reader.int());
    const id = reader.bits();
    writer.bits(translation.session(id));
    writer.bool(!isNew || id.isZero || translation.isNextSession(id));
    const password = reader.buffer();
    const isJavas = password !== null && Buffer.compare(password, javaPassword(id)) === 0;
    if (isJavas) writer.int(-2);
    else writer.buffer(password);
    writer.raw(frame, reader.at, frame.length);
    return writer.take();
  } catch {
    return frame;
  }
}

/** The 16 bytes of `new java.util.Random(id ^ 0xB3415C00L).nextBytes`, which ZooKeeper uses as the password of a session. */
export function javaPassword(id: Long): Uint8Array {
  const mask = (1n << 48n) - 1n;
  const password = new Uint8Array(16);
  let state = (id.toBigInt() ^ 0xb3415c00n ^ 0x5deece66dn) & mask;
  for (let i = 0; i < 16; i += 4) {
    state = (state * 0x5deece66dn + 0xbn) & mask;
    const value = Number(BigInt.asIntN(32, state >> 16n));
    for (let j = 0; j < 4; j++) password[i + j] = value >> (8 * j);
  }
  return password;
}

/** A (normalized) frame in words. */
export function describeReply(frame: Uint8Array, type: number | null): string {
  if (frame.length < 16) return `${frame.length} bytes ${hex(frame)}`;
  const reader = new Reader(frame);
  const xid = reader.int();
  const zxid = reader.bits();
  const err = reader.int();
  const head = `xid ${xid} zxid ${zxid} err ${err}`;
  try {
    if (type === null) {
      const body = `type ${reader.int()} state ${reader.int()} path ${quoted(reader.buffer())}`;
      return `EVENT ${head} ${body}${restOf(reader)}`;
    }
    const shape = SHAPES[type];
    const body = shape === undefined || reader.remaining === 0 ? "" : describeParts(reader, shape);
    return `${opName(type)} ${head} ${body}${restOf(reader)}`;
  } catch {
    return `${type === null ? "EVENT" : opName(type)} ${head}, not in the expected shape: ${hex(frame.subarray(16))}`;
  }
}

function restOf(reader: Reader): string {
  return reader.remaining === 0 ? "" : ` and ${reader.remaining} more bytes: ${hex(reader.bytes.subarray(reader.at))}`;
}

function describeParts(reader: Reader, parts: readonly Part[]): string {
  return parts.map((part) => describePart(reader, part)).join(" ");
}

function describePart(reader: Reader, part: Part): string {
  switch (part) {
    case "int":
      return String(reader.int());
    case "text":
      return quoted(reader.buffer());
    case "sortedTexts":
    case "identities": {
      const perItem = part === "identities" ? 2 : 1;
      const count = reader.count(4);
      if (count < 0) return "null";
      return `[${Array.from({ length: count * perItem }, () => quoted(reader.buffer())).join(", ")}]`;
    }
    case "acls": {
      const count = reader.count(12);
      const entries = Array.from(
        { length: Math.max(count, 0) },
        () => `${reader.int()} ${quoted(reader.buffer())}:${quoted(reader.buffer())}`,
      );
      return count < 0 ? "null" : `[${entries.join(", ")}]`;
    }
    case "stat":
      return describeStat(reader);
    case "results": {
      const results: string[] = [];
      for (;;) {
        const type = reader.int();
        const isDone = reader.bool();
        const err = reader.int();
        if (isDone) return `{${results.join("; ")}}`;
        results.push(
          `${type === -1 ? "error" : opName(type)} err ${err} ${describeParts(reader, RESULT_SHAPES[type] ?? [])}`,
        );
      }
    }
  }
}

function describeStat(reader: Reader): string {
  const czxid = reader.long();
  const mzxid = reader.long();
  const ctime = reader.bits();
  const mtime = reader.bits();
  const [version, cversion, aversion] = [reader.int(), reader.int(), reader.int()];
  const owner = reader.bits();
  const [dataLength, numChildren] = [reader.int(), reader.int()];
  const pzxid = reader.long();
  return (
    `{czxid ${czxid} mzxid ${mzxid} ctime ${ctime.lo} mtime ${mtime.lo} version ${version} cversion ${cversion} ` +
    `aversion ${aversion} owner ${owner} dataLength ${dataLength} numChildren ${numChildren} pzxid ${pzxid}}`
  );
}

function quoted(bytes: Uint8Array | null): string {
  return bytes === null ? "null" : quotedText(Buffer.from(bytes).toString("latin1"));
}

/** A byte string in quotes, cut short when it is long. */
export function quotedText(text: string): string {
  if (text.length > 200) return `${quotedText(text.slice(0, 60))}…(${text.length} bytes)`;
  const escaped = text.replace(/[^\x20-\x7e]|["\\]/g, (char) =>
    char === '"' || char === "\\" ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}

function hex(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 100)).toString("hex");
  return bytes.length > 100 ? `${text}…(${bytes.length} bytes)` : text;
}
