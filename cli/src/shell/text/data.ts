import type { Style } from "../style.js";
import { hexDump } from "./hex-dump.js";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Data in JSON: as text where it is UTF-8, else in base64. Null, which is not the same as empty, has no encoding. */
export interface DataJson {
  readonly data: string | null;
  readonly encoding: "utf8" | "base64" | null;
}

export function dataJson(data: Uint8Array | null): DataJson {
  if (data === null) return { data: null, encoding: null };
  const text = textOf(data);
  return text === null
    ? { data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"), encoding: "base64" }
    : { data: text, encoding: "utf8" };
}

/** What {@link dataJson} wrote; undefined if it is something else. */
export function dataFromJson(data: unknown, encoding: unknown): Uint8Array | null | undefined {
  if (data === null) return null;
  if (typeof data !== "string") return undefined;
  if (encoding === "utf8") return new Uint8Array(Buffer.from(data, "utf8"));
  const isBase64 = encoding === "base64" && /^[A-Za-z0-9+/]*={0,2}$/.test(data);
  return isBase64 ? new Uint8Array(Buffer.from(data, "base64")) : undefined;
}

/** The data as text; null if it is not UTF-8. */
export function textOf(data: Uint8Array): string | null {
  try {
    return DECODER.decode(data);
  } catch {
    return null;
  }
}

/** Data for a person: JSON indented and coloured, other text as it is, anything else as a hex dump. */
export function dataForPeople(data: Uint8Array, style: Style): string {
  const text = textOf(data);
  if (text === null || hasControls(text)) return hexDump(data);
  return jsonForPeople(text, style) ?? text;
}

/** Data on one line of a list: the beginning of the text, or how many bytes. */
export function dataBrief(data: Uint8Array | null, lengthMax: number): string {
  if (data === null) return "null";
  const text = textOf(data);
  if (text === null || hasControls(text)) return `<${data.length} bytes>`;
  const line = text.replace(/\s+/g, " ").trim();
  const characters = [...line];
  return characters.length > lengthMax ? `${characters.slice(0, lengthMax - 1).join("")}…` : line;
}

function hasControls(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for; a terminal would obey them
  return /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/.test(text);
}

function jsonForPeople(text: string, style: Style): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const indented = JSON.stringify(value, null, 2);
  // A number that JavaScript cannot hold must not be shown as another one.
  if (withoutSpace(indented) !== withoutSpace(text)) return null;
  return indented.replace(
    /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g,
    (token: string, string?: string, colon?: string) => {
      if (string === undefined) return style.paint("yellow", token);
      return colon === undefined ? style.paint("green", string) : style.paint("cyan", string) + colon;
    },
  );
}

function withoutSpace(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string?: string) => string ?? "");
}
