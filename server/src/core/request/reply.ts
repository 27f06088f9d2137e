import type { Writer } from "@quoll/jute";
import type { EventType } from "../watch/event.js";

/**
 * Reply frames, written in place: int32 length, then ReplyHeader{int xid, long zxid, int err}, then the body if err is 0.
 */
const ERR_OFFSET = 16;
const HEADER_BYTES = 20;

/** Xids that are not a request's number. */
export const Xid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** Begins a reply; {@link endReply} completes it. @returns where it begins */
export function beginReply(out: Writer, xid: number, zxid: number): number {
  const at = out.at;
  out.reserve(HEADER_BYTES);
  out.int(0);
  out.int(xid);
  out.long(zxid);
  out.int(0);
  return at;
}

/** Completes a reply. With an error, what was written of its body goes. */
export function endReply(out: Writer, at: number, err: number): void {
  if (err !== 0) {
    out.at = at + HEADER_BYTES;
    out.patchInt(at + ERR_OFFSET, err);
  }
  out.patchInt(at, out.at - at - 4);
}

/** Sets the code of a complete reply whose body stays. */
export function setReplyErr(out: Writer, at: number, err: number): void {
  out.patchInt(at + ERR_OFFSET, err);
}

/** A reply without a body. */
export function writeReply(out: Writer, xid: number, zxid: number, err: number): void {
  const at = beginReply(out, xid, zxid);
  out.patchInt(at + ERR_OFFSET, err);
  out.patchInt(at, out.at - at - 4);
}

const SYNC_CONNECTED = 3;

/** A watch event: a frame with xid -1 and the body WatcherEvent{int type, int state, ustring path}. */
export function writeEvent(
  out: Writer,
  type: EventType,
  bytes: Uint8Array,
  start: number,
  end: number,
  zxid: number,
): void {
  const at = beginReply(out, Xid.notification, zxid);
  out.int(type);
  out.int(SYNC_CONNECTED);
  out.span(bytes, start, end);
  out.patchInt(at, out.at - at - 4);
}
