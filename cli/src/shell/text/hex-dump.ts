const RULE = "+--------+-------------------------------------------------+----------------+";
const HEAD = [
  "         +-------------------------------------------------+",
  "         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |",
  RULE,
];
const ROW_BYTES = 16;

/** Bytes as `get -x` shows them: 16 in a row, as hexadecimal and as ASCII. Nothing for no bytes. */
export function hexDump(data: Uint8Array): string {
  if (data.length === 0) return "";
  const rows: string[] = [];
  for (let start = 0; start < data.length; start += ROW_BYTES) {
    const row = [...data.subarray(start, start + ROW_BYTES)];
    const bytes = row.map((byte) => ` ${byte.toString(16).padStart(2, "0")}`).join("");
    const text = row.map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    const offset = start.toString(16).padStart(8, "0");
    rows.push(`|${offset}|${bytes.padEnd(3 * ROW_BYTES)} |${text.padEnd(ROW_BYTES)}|`);
  }
  return [...HEAD, ...rows, RULE].join("\n");
}
