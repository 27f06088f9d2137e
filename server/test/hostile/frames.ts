import { Writer } from "@quoll/jute";

/** A frame of these bytes, with its true length. */
export function framed(bytes: Uint8Array): Uint8Array {
  const writer = new Writer(bytes.length + 4);
  writer.span(bytes, 0, bytes.length);
  return writer.take();
}

/** A request's frame. */
export function frame(xid: number, type: number, body: Uint8Array): Uint8Array {
  const writer = new Writer(body.length + 12);
  writer.int(body.length + 8);
  writer.int(xid);
  writer.int(type);
  writer.raw(body, 0, body.length);
  return writer.take();
}

export function connectFrame(
  timeoutMs: number,
  session: { hi: number; lo: number; password: Uint8Array } | null = null,
  lastZxidSeen = 0,
): Uint8Array {
  const writer = new Writer();
  writer.int(0);
  writer.long(lastZxidSeen);
  writer.int(timeoutMs);
  writer.int(session?.hi ?? 0);
  writer.int(session?.lo ?? 0);
  writer.buffer(session?.password ?? new Uint8Array(16));
  writer.bool(false);
  return framed(writer.take());
}

/** Writes a record's fields one after another. */
export function body(write: (to: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.take();
}

export interface AclEntry {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

export const OPEN_ACL: readonly AclEntry[] = [{ perms: 31, scheme: "world", id: "anyone" }];

export function putAcl(to: Writer, acl: readonly AclEntry[]): void {
  to.int(acl.length);
  for (const { perms, scheme, id } of acl) {
    to.int(perms);
    to.string(scheme);
    to.string(id);
  }
}

export function createBody(path: string, data = new Uint8Array(0), flags = 0, acl = OPEN_ACL): Uint8Array {
  return body((to) => {
    to.string(path);
    to.buffer(data);
    putAcl(to, acl);
    to.int(flags);
  });
}

export function createTtlBody(path: string, flags: number, ttlMs: number): Uint8Array {
  return body((to) => {
    to.raw(createBody(path, undefined, flags), 0, createBody(path, undefined, flags).length);
    to.long(ttlMs);
  });
}

export function setDataBody(path: string, data: Uint8Array, version = -1): Uint8Array {
  return body((to) => {
    to.string(path);
    to.buffer(data);
    to.int(version);
  });
}

/** delete, check, checkWatches, removeWatches, addWatch: a path and an int. */
export function pathIntBody(path: string, value: number): Uint8Array {
  return body((to) => {
    to.string(path);
    to.int(value);
  });
}

/** getData, exists, getChildren: a path and whether to watch. */
export function pathBoolBody(path: string, watch: boolean): Uint8Array {
  return body((to) => {
    to.string(path);
    to.bool(watch);
  });
}

export function pathBody(path: string): Uint8Array {
  return body((to) => to.string(path));
}

export function setAclBody(path: string, acl: readonly AclEntry[], version = -1): Uint8Array {
  return body((to) => {
    to.string(path);
    putAcl(to, acl);
    to.int(version);
  });
}

export function multiBody(operations: readonly { readonly type: number; readonly body: Uint8Array }[]): Uint8Array {
  return body((to) => {
    for (const operation of operations) {
      to.int(operation.type);
      to.bool(false);
      to.int(-1);
      to.raw(operation.body, 0, operation.body.length);
    }
    to.int(-1);
    to.bool(true);
    to.int(-1);
  });
}

export function authBody(scheme: string, auth: Uint8Array): Uint8Array {
  return body((to) => {
    to.int(0);
    to.string(scheme);
    to.buffer(auth);
  });
}

/** setWatches, or with five lists setWatches2. */
export function setWatchesBody(relativeZxid: number, lists: readonly (readonly string[])[]): Uint8Array {
  return body((to) => {
    to.long(relativeZxid);
    for (const list of lists) {
      to.int(list.length);
      for (const path of list) to.string(path);
    }
  });
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
