import { join } from "node:path";
import { ProtocolError } from "@quoll/jute";
import {
  type Disk,
  FormatError,
  follows,
  hex,
  readSnapshot,
  type SnapshotCodecs,
  type SnapshotName,
  TxnLogReader,
  walkSnapshot,
  zxidOfLogName,
} from "@quoll/server/storage";

/** How sound a file is. `torn` and `empty` are what a crash leaves behind. */
export type FileState = "ok" | "torn" | "empty" | "damaged" | "format";

export interface LogScan {
  readonly kind: "log";
  readonly path: string;
  readonly size: number;
  readonly state: FileState;
  readonly txns: number;
  /** Of the first and last valid entry; -1 when there is none. */
  readonly firstZxid: number;
  readonly lastZxid: number;
  readonly firstTime: number;
  readonly lastTime: number;
  /** Behind the last valid entry. */
  readonly end: number;
  /** What is wrong, or empty. */
  readonly problem: string;
}

/** Told after every megabyte or so. */
export type ScanProgress = (bytesDone: number, bytesTotal: number) => void;

/** Reads one txn log from its first to its last byte. It never throws for what is in the file. */
export function scanLog(disk: Disk, path: string, progress: ScanProgress): LogScan {
  const size = disk.size(path);
  const found = { kind: "log" as const, path, size, txns: 0, firstZxid: -1, lastZxid: -1, firstTime: 0, lastTime: 0 };
  let reader: TxnLogReader | null;
  try {
    reader = TxnLogReader.open(disk, path);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { ...found, end: 0, state: "format", problem: `expected ${error.expected}, got ${error.got}` };
  }
  if (reader === null) {
    return { ...found, end: 0, state: "empty", problem: "the file was created but never filled" };
  }
  try {
    let problem = "";
    while (reader.next()) {
      const { zxid } = reader;
      if (found.txns === 0) {
        found.firstZxid = zxid;
        found.firstTime = timeOf(reader);
        const named = zxidOfLogName(path.slice(path.lastIndexOf("/") + 1));
        if (named >= 0 && named !== zxid) problem = `the first txn is ${hex(zxid)}, which is not the one in the name`;
      } else if (!follows(found.lastZxid, zxid) && zxid !== found.lastZxid && problem === "") {
        problem = `at byte ${reader.offset}: txn ${hex(zxid)} follows txn ${hex(found.lastZxid)}`;
      }
      found.lastZxid = zxid;
      found.lastTime = timeOf(reader);
      found.txns++;
      if (found.txns % 4096 === 0) progress(reader.offset, size);
    }
    const tail = reader.tail();
    progress(size, size);
    const end = reader.offset;
    if (tail.kind === "damaged") {
      return { ...found, end, state: "damaged", problem: `at byte ${end}: ${tail.problem}` };
    }
    if (problem !== "") return { ...found, end, state: "damaged", problem };
    if (tail.kind === "torn") {
      return { ...found, end, state: "torn", problem: `at byte ${end}: an entry that was not written completely` };
    }
    return { ...found, end, state: "ok", problem };
  } finally {
    reader.close();
  }
}

function timeOf(reader: TxnLogReader): number {
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset + reader.payloadStart + 20, 8);
  return view.getInt32(0) * 0x1_0000_0000 + view.getUint32(4);
}

export interface SnapshotScan {
  readonly kind: "snapshot";
  readonly path: string;
  readonly name: SnapshotName;
  readonly size: number;
  readonly state: FileState;
  readonly znodes: number;
  readonly sessions: number;
  /** Its zxid, or a later one when it holds changes of txns up to that: the logs must reach it. */
  readonly fuzzyUpTo: number;
  readonly hasDigest: boolean;
  readonly problem: string;
}

/** Reads one snapshot from its first to its last byte, without a tree. It never throws for what is in the file. */
export function scanSnapshot(
  disk: Disk,
  directory: string,
  name: SnapshotName,
  codecs: SnapshotCodecs,
  progress: ScanProgress,
): SnapshotScan {
  const path = join(directory, name.name);
  const found = { kind: "snapshot" as const, path, name, size: disk.size(path), znodes: 0, sessions: 0 };
  let newest = name.zxid;
  try {
    const { digest } = readSnapshot(disk, directory, name, codecs, progress, (source) =>
      walkSnapshot(source, {
        session: () => found.sessions++,
        acl: () => {},
        node: ({ czxid, mzxid, pzxid }) => {
          found.znodes++;
          newest = Math.max(newest, czxid, mzxid, pzxid);
        },
      }),
    );
    const fuzzyUpTo = Math.max(newest, digest?.zxid ?? 0);
    return { ...found, state: "ok", fuzzyUpTo, hasDigest: digest !== null, problem: "" };
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof FormatError)) throw error;
    const state = error instanceof FormatError ? "format" : "damaged";
    return { ...found, state, fuzzyUpTo: newest, hasDigest: false, problem: error.message };
  }
}
