import { readSync } from "node:fs";

/** Reads a line from standard input, and waits for it. @returns null at the end of input */
export function readLine(): string | null {
  const bytes: number[] = [];
  const byte = new Uint8Array(1);
  for (;;) {
    const count = readSync(0, byte, 0, 1, null);
    if (count === 0 && bytes.length === 0) return null;
    if (count === 0 || byte[0] === 0x0a) return Buffer.from(bytes).toString("utf8").replace(/\r$/, "");
    bytes.push(byte[0]!);
  }
}
