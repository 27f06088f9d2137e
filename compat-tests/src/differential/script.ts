import { Long, Writer } from "@quoll/jute";

/*
 * A script is what is sent to both servers. It is plain JSON, so that a shrunk one can be kept, printed and run again.
 *
 * Strings and buffers are "byte strings": every character is one byte (0 to 0xff), so that they can be invalid UTF-8.
 * ROOT in them stands for the path under which one run of the script works.
 */

export const ROOT = "$ROOT";

export interface Acl {
  readonly perms: number;
  readonly scheme: string | null;
  readonly id: string | null;
}

export type Field =
  | { readonly kind: "text"; readonly value: string | null }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  /** A 64-bit value in decimal. */
  | { readonly kind: "long"; readonly value: string }
  /** The newest zxid that this server has shown us, minus `back`. */
  | { readonly kind: "zxid"; readonly back: number }
  | { readonly kind: "texts"; readonly values: readonly string[] | null }
  | { readonly kind: "acls"; readonly values: readonly Acl[] | null };

export interface Request {
  readonly type: number;
  /** Counted upwards per connection unless given. */
  readonly xid?: number;
  readonly fields: readonly Field[];
  /** So many bytes are missing at the end. */
  readonly cut?: number;
  /** These bytes follow behind the end. */
  readonly extra?: string;
  /** One byte of the body is another one. */
  readonly poke?: { readonly at: number; readonly byte: number };
}

export interface Connect {
  readonly do: "connect";
  readonly connection: number;
  /** Whose session to take over: the one that this connection number had last. A new session when absent. */
  readonly sessionOf?: number;
  readonly password?: "right" | "wrong" | "short" | "null";
  readonly timeoutMs: number;
  /** Absent: the short request of clients before 3.4, without the byte. */
  readonly readOnly?: boolean;
  /** lastZxidSeen, counted back from the newest zxid; negative: ahead of the server. */
  readonly zxidBack: number;
}

export interface Send {
  readonly do: "send";
  readonly connection: number;
  /** Sent at once, without waiting for replies in between. */
  readonly requests: readonly Request[];
  /** The last request makes the server close the connection. */
  readonly closes?: true;
  /** Sent in pieces of so many bytes. */
  readonly pieceBytes?: number;
}

export type Step =
  | Connect
  | Send
  /** Requests on several connections at the same time: only reads, whose answers do not depend on the order. */
  | { readonly do: "together"; readonly sends: readonly Send[] }
  /** The first bytes on a new connection, framing included: a connect request that the client of this library would not send. */
  | { readonly do: "greet"; readonly connection: number; readonly bytes: string }
  /** Bytes that are no request, framing included. */
  | { readonly do: "bytes"; readonly connection: number; readonly bytes: string }
  /** The client goes without a word. */
  | { readonly do: "drop"; readonly connection: number }
  /** Nothing is sent until the server closes the connection because its session expired. */
  | { readonly do: "expire"; readonly connection: number }
  /** Nothing is sent until this path is gone (the server removes containers and TTL nodes by itself). */
  | { readonly do: "vanish"; readonly connection: number; readonly path: string };

export type Script = readonly Step[];

/** How many operations a script counts for. */
export function operationsOf(step: Step): number {
  if (step.do === "send") return step.requests.length;
  if (step.do === "together") return step.sends.reduce((sum, send) => sum + send.requests.length, 0);
  return 1;
}

/** What a script's symbols mean on one server. */
export interface Meaning {
  readonly root: string;
  readonly zxid: number;
}

const writer = new Writer(4096);

/** The frame of a request, with its length. */
export function encodeRequest(request: Request, xid: number, meaning: Meaning): Uint8Array {
  writer.reset();
  writer.int(0);
  writer.int(xid);
  writer.int(request.type);
  for (const field of request.fields) encodeField(field, meaning);
  if (request.extra !== undefined) writeBytes(request.extra);
  if (request.cut !== undefined) writer.at = Math.max(4, writer.at - request.cut);
  if (request.poke !== undefined) {
    const at = 12 + request.poke.at;
    if (at < writer.at) writer.bytes[at] = request.poke.byte;
  }
  writer.patchInt(0, writer.at - 4);
  return writer.take();
}

function encodeField(field: Field, meaning: Meaning): void {
  switch (field.kind) {
    case "text":
      encodeText(field.value, meaning);
      break;
    case "int":
      writer.int(field.value);
      break;
    case "bool":
      writer.bool(field.value);
      break;
    case "long":
      writer.bits(Long.fromBigInt(BigInt(field.value)));
      break;
    case "zxid":
      writer.long(meaning.zxid - field.back);
      break;
    case "texts":
      writer.int(field.values === null ? -1 : field.values.length);
      for (const value of field.values ?? []) encodeText(value, meaning);
      break;
    case "acls":
      writer.int(field.values === null ? -1 : field.values.length);
      for (const acl of field.values ?? []) {
        writer.int(acl.perms);
        encodeText(acl.scheme, meaning);
        encodeText(acl.id, meaning);
      }
  }
}

function encodeText(value: string | null, meaning: Meaning): void {
  if (value === null) {
    writer.int(-1);
    return;
  }
  const bytes = value.replaceAll(ROOT, meaning.root);
  writer.int(bytes.length);
  writeBytes(bytes);
}

function writeBytes(bytes: string): void {
  for (let i = 0; i < bytes.length; i++) writer.byte(bytes.charCodeAt(i));
}

/** The bytes of a byte string. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
