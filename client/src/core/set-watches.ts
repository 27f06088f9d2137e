import { type Long, SetWatches, SetWatches2, utf8Length, type Writer } from "@quoll/jute";
import { OpCode } from "./op-code.js";
import { WatchKind, type WatchTable } from "./watch-table.js";

const SET_WATCHES_XID = -8;

/** Paths of one frame take at most this many bytes, as in ZooKeeper's own client: far below what servers accept. */
const CHUNK_BYTES = 131_072;

/**
 * Appends the frames that set all watches of a session on a new connection. Servers before 3.6 know only the first three
 * kinds, so that the newer request is used only where it is needed.
 * @param lastZxid - what the client has seen; for later changes the server sends the events that were missed
 * @returns how many frames; each is answered by a reply
 */
export function encodeSetWatches(writer: Writer, watches: WatchTable, lastZxid: Long): number {
  let frames = 0;
  let lists: string[][] = [[], [], [], [], []];
  let sizeBytes = 0;
  const flush = () => {
    if (sizeBytes === 0) return;
    encodeFrame(writer, lists, lastZxid);
    frames++;
    lists = [[], [], [], [], []];
    sizeBytes = 0;
  };
  for (const kind of Object.values(WatchKind)) {
    for (const path of watches.paths(kind)) {
      const length = 4 + utf8Length(path);
      if (sizeBytes + length > CHUNK_BYTES) flush();
      lists[kind].push(path);
      sizeBytes += length;
    }
  }
  flush();
  return frames;
}

function encodeFrame(writer: Writer, lists: readonly string[][], relativeZxid: Long): void {
  const [dataWatches, existWatches, childWatches, persistentWatches, persistentRecursiveWatches] = lists;
  const hasPersistent = persistentWatches.length + persistentRecursiveWatches.length > 0;
  const start = writer.at;
  writer.int(0);
  writer.int(SET_WATCHES_XID);
  const record = { relativeZxid, dataWatches, existWatches, childWatches };
  if (hasPersistent) {
    writer.int(OpCode.setWatches2);
    SetWatches2.encode(writer, { ...record, persistentWatches, persistentRecursiveWatches });
  } else {
    writer.int(OpCode.setWatches);
    SetWatches.encode(writer, record);
  }
  writer.patchInt(start, writer.at - start - 4);
}
