import { ProtocolError, Writer } from "@quoll/jute";
import type { Disk } from "./disk.js";
import { join, parentOf } from "./path.js";
import { DamagedError } from "./storage-error.js";
import { epochOf, hex } from "./txn-log-format.js";

const DIGITS_MAX = 20;

/**
 * Replaces a file so that a crash leaves either the old contents or the new ones: written beside it as `.tmp`, synced,
 * renamed, directory synced.
 */
function atomicWrite(disk: Disk, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  if (disk.exists(temporary)) disk.remove(temporary);
  const file = disk.open(temporary, "create");
  file.write(0, bytes, 0, bytes.length);
  file.sync();
  file.close();
  disk.rename(temporary, path);
  disk.syncDirectory(parentOf(path));
}

/**
 * Reads a file that holds one decimal number, as `myid`, `acceptedEpoch` and `currentEpoch` do. Java reads the first line.
 * @returns null when there is no such file
 * @throws ProtocolError when it holds something else
 */
export function readNumberFile(disk: Disk, path: string): number | null {
  if (!disk.exists(path)) return null;
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(DIGITS_MAX + 2);
  const length = file.read(0, bytes, 0, bytes.length);
  file.close();
  let text = "";
  for (let i = 0; i < length && bytes[i] !== 0x0a; i++) text += String.fromCharCode(bytes[i]);
  text = text.trim();
  const value = Number(text);
  if (!/^-?\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new ProtocolError(path, 0, "a decimal number", JSON.stringify(text));
  }
  return value;
}

export function writeNumberFile(disk: Disk, path: string, value: number): void {
  const writer = new Writer();
  for (const digit of String(value)) writer.byte(digit.charCodeAt(0));
  atomicWrite(disk, path, writer.take());
}

/** What a server has promised and where it stands. */
export interface Epochs {
  readonly accepted: number;
  readonly current: number;
}

/**
 * Reads the epochs beside the snapshots and holds them against the data: acceptedEpoch ≥ currentEpoch, and acceptedEpoch ≥
 * epoch of the last zxid (rule D6). A directory without the files, as standalone servers have it, gets the epoch of the last zxid.
 * A `currentEpoch.tmp` that Java has left behind, complete but not renamed, counts.
 */
export function readEpochs(disk: Disk, snapDirectory: string, lastZxid: number): Epochs {
  const epoch = epochOf(lastZxid);
  const currentPath = join(snapDirectory, "currentEpoch");
  const acceptedPath = join(snapDirectory, "acceptedEpoch");
  let current = readEpoch(disk, currentPath) ?? epoch;
  if (current < epoch) current = Math.max(current, readUnfinished(disk, `${currentPath}.tmp`) ?? current);
  const accepted = readEpoch(disk, acceptedPath) ?? current;
  // The log is made durable before the epoch is (rule D20): a crash in between is no damage if the epoch was promised.
  if (current < epoch && accepted < epoch) {
    throw new DamagedError({
      file: currentPath,
      offset: -1,
      problem: `the current epoch is ${current}, but the last txn is ${hex(lastZxid)}`,
      lost: "the epoch that this server had joined",
    });
  }
  if (accepted < current) {
    throw new DamagedError({
      file: acceptedPath,
      offset: -1,
      problem: `the accepted epoch is ${accepted}, but the current one is ${current}`,
      lost: "the epoch that this server had promised",
    });
  }
  return { accepted, current };
}

function readEpoch(disk: Disk, path: string): number | null {
  try {
    const epoch = readNumberFile(disk, path);
    if (epoch !== null && epoch < 0) throw new ProtocolError(path, 0, "an epoch", String(epoch));
    return epoch;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new DamagedError({ file: path, offset: 0, problem: error.message, lost: "an epoch" });
  }
}

/** A file that was not renamed may be anything that a crash leaves: then it says nothing. */
function readUnfinished(disk: Disk, path: string): number | null {
  try {
    return readNumberFile(disk, path);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return null;
  }
}

/** Writes the epochs, the promise first. */
export function writeEpochs(disk: Disk, snapDirectory: string, epochs: Epochs): void {
  writeNumberFile(disk, join(snapDirectory, "acceptedEpoch"), epochs.accepted);
  writeNumberFile(disk, join(snapDirectory, "currentEpoch"), epochs.current);
}
