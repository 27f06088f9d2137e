import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodeLogHeader } from "../../src/core/storage/txn-log-format.js";
import { TxnLogReader } from "../../src/core/storage/txn-log-reader.js";
import { NodeDisk } from "../../src/node/disk/node-disk.js";

test("an entry that claims most of a large file is not read as a whole to find out that it lies", () => {
  const dir = mkdtempSync(join(tmpdir(), "quoll-lying-length-"));
  try {
    const size = 40 << 20;
    const bytes = Buffer.alloc(size, 0x61);
    bytes.set(encodeLogHeader(), 0);
    bytes.writeBigInt64BE(12345n, 16);
    bytes.writeInt32BE(size - 100, 24);
    writeFileSync(join(dir, "log.1"), bytes);
    const reader = TxnLogReader.open(new NodeDisk(), join(dir, "log.1"))!;
    expect(reader.next()).toBe(false);
    expect(reader.bytes.length).toBeLessThan(2 << 20);
    expect(reader.tail()).toMatchObject({ kind: "damaged" });
    expect(reader.bytes.length).toBeLessThan(2 << 20);
    reader.close();
    expect(readFileSync(join(dir, "log.1")).equals(bytes)).toBe(true);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
