import { expect, test } from "vitest";
import { OpCode } from "../../src/core/op-code.js";
import { DamagedError } from "../../src/core/storage/storage-error.js";
import { SYNC_MARK_NAME } from "../../src/core/storage/sync-mark.js";
import { FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { LOG_HEADER_SIZE, putInt } from "../../src/core/storage/txn-log-format.js";
import { entriesOf, payloadOf } from "./toy-state.js";
import { DIR, start, World } from "./world.js";

const TYPE_OFFSET = 28;

/** What stands behind the header of a log with these txns, as the log writer writes it. */
function logOf(payloads: Uint8Array[]): { disk: FakeDisk; path: string; bytes: Uint8Array } {
  const disk = new FakeDisk();
  const world = new World(disk);
  world.boot();
  const batch = entriesOf(payloads);
  world.writer.append(batch, 0, batch.length);
  world.writer.commit();
  world.writer.close();
  const path = `${DIR}/${disk.list(DIR).find((name) => name.startsWith("log."))}`;
  return { disk, path, bytes: disk.contents(path) };
}

/** A log with txns 1 and 2, one more under zxid 2, and txn 3; without Quoll's mark, as Java leaves it. */
function javaLog(typeOfRepeated: number): FakeDisk {
  const repeated = payloadOf(2);
  putInt(repeated, TYPE_OFFSET, typeOfRepeated);
  const { disk, path, bytes } = logOf([payloadOf(1), payloadOf(2)]);
  const rest = logOf([repeated, payloadOf(3)]).bytes.subarray(LOG_HEADER_SIZE);
  const joined = new Uint8Array(bytes.length + rest.length);
  joined.set(bytes);
  joined.set(rest, bytes.length);
  disk.put(path, joined);
  if (disk.exists(`${DIR}/${SYNC_MARK_NAME}`)) disk.remove(`${DIR}/${SYNC_MARK_NAME}`);
  return disk;
}

test("an error that Java logged once more under the last zxid, of a request it could not read, is passed over", () => {
  expect(start(javaLog(OpCode.error)).state.zxids).toEqual([1, 2, 3]);
});

test("D3: any other txn under a zxid that was there already is damage", () => {
  expect(() => start(javaLog(OpCode.setData))).toThrow(DamagedError);
});
