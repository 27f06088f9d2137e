import { ProtocolError } from "@quoll/jute";
import { expect, test } from "vitest";
import { readEpochs, readNumberFile, writeEpochs, writeNumberFile } from "../../src/core/storage/number-file.js";
import { DamagedError } from "../../src/core/storage/storage-error.js";
import { Crash, FakeDisk } from "../../src/core/storage/testing/fake-disk.js";
import { crashes, DIR } from "./world.js";

function put(disk: FakeDisk, name: string, text: string): void {
  disk.put(`${DIR}/${name}`, new TextEncoder().encode(text));
}

test("a number is written as Java writes it, and read as Java reads it", () => {
  const disk = new FakeDisk();
  disk.makeDirectory(DIR);
  writeNumberFile(disk, `${DIR}/currentEpoch`, 17);
  expect(new TextDecoder().decode(disk.contents(`${DIR}/currentEpoch`))).toBe("17");
  expect(readNumberFile(disk, `${DIR}/currentEpoch`)).toBe(17);
  put(disk, "myid", "3\n");
  expect(readNumberFile(disk, `${DIR}/myid`)).toBe(3);
  expect(readNumberFile(disk, `${DIR}/none`)).toBeNull();
});

test.each(["", "abc", "1 2", "99999999999999999999"])("a file that holds %j is refused", (text) => {
  const disk = new FakeDisk();
  put(disk, "myid", text);
  expect(() => readNumberFile(disk, `${DIR}/myid`)).toThrow(ProtocolError);
});

test("a crash at any call leaves the old epochs or the new ones, the accepted one never behind the current one", () => {
  for (let call = 0; call < 12; call++) {
    for (const crash of crashes) {
      const disk = new FakeDisk();
      disk.makeDirectory(DIR);
      writeEpochs(disk, DIR, { accepted: 4, current: 4 });
      disk.failAt(disk.calls + call, "crash-after");
      expect(() => writeEpochs(disk, DIR, { accepted: 5, current: 5 })).toThrow(Crash);
      disk.cut(crash.survives(call));
      const { accepted, current } = readEpochs(disk, DIR, 0x4_0000_0009);
      expect([4, 5]).toContain(accepted);
      expect([4, accepted]).toContain(current);
      writeEpochs(disk, DIR, { accepted: 6, current: 6 });
      expect(readEpochs(disk, DIR, 0x4_0000_0009)).toEqual({ accepted: 6, current: 6 });
    }
  }
});

test("D6: epochs that are behind the data are damage", () => {
  const disk = new FakeDisk();
  put(disk, "acceptedEpoch", "4");
  put(disk, "currentEpoch", "4");
  expect(readEpochs(disk, DIR, 0x4_0000_0001)).toEqual({ accepted: 4, current: 4 });
  expect(() => readEpochs(disk, DIR, 0x5_0000_0001)).toThrow(DamagedError);
  put(disk, "currentEpoch", "5");
  expect(() => readEpochs(disk, DIR, 0x5_0000_0001)).toThrow("the accepted epoch is 4, but the current one is 5");
});

test("D6: a currentEpoch.tmp that Java did not get to rename counts", () => {
  const disk = new FakeDisk();
  put(disk, "acceptedEpoch", "5");
  put(disk, "currentEpoch", "4");
  put(disk, "currentEpoch.tmp", "5");
  expect(readEpochs(disk, DIR, 0x5_0000_0001)).toEqual({ accepted: 5, current: 5 });
});

test("D6: a currentEpoch.tmp that a crash left empty says nothing", () => {
  const disk = new FakeDisk();
  put(disk, "acceptedEpoch", "5");
  put(disk, "currentEpoch", "4");
  put(disk, "currentEpoch.tmp", "");
  expect(readEpochs(disk, DIR, 0x5_0000_0001)).toEqual({ accepted: 5, current: 4 });
});

test("a standalone directory has no epochs: the last zxid tells them", () => {
  const disk = new FakeDisk();
  disk.makeDirectory(DIR);
  expect(readEpochs(disk, DIR, 0x2_0000_0007)).toEqual({ accepted: 2, current: 2 });
});
