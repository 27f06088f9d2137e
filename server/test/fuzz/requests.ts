import { OpCode } from "../../src/core/op-code.js";
import {
  type AclEntry,
  ascii,
  authBody,
  createBody,
  createTtlBody,
  multiBody,
  OPEN_ACL,
  pathBody,
  pathBoolBody,
  pathIntBody,
  setAclBody,
  setDataBody,
  setWatchesBody,
} from "../hostile/frames.js";
import { pick, type RandomInts } from "./random.js";

export interface Request {
  readonly type: number;
  readonly body: Uint8Array;
}

const NAMES = ["a", "b", "c", "é", "n-", "0000000001"];
const ODD_PATHS = ["", "/", "a", "//", "/a/", "/a//b", "/.", "/a/..", "/a/./b", "/a\0b", "/a\u0001", "/\ufff0", "/😀"];
const SYSTEM_PATHS = [
  "/zookeeper",
  "/zookeeper/quota",
  "/zookeeper/config",
  "/zookeeper/quota/a",
  "/zookeeper/quota/a/zookeeper_limits",
  "/zookeeper/quota/a/zookeeper_stats",
];
const DATA = [
  "",
  "x",
  "count=3,bytes=50=;byteHardLimit=60;countHardLimit=4",
  "count=-1,bytes=-1",
  "0123456789".repeat(20),
];
const ACLS: readonly (readonly AclEntry[])[] = [
  OPEN_ACL,
  [{ perms: 1, scheme: "world", id: "anyone" }],
  [{ perms: 31, scheme: "auth", id: "" }],
  [{ perms: 31, scheme: "ip", id: "10.0.0.1/24" }],
  [{ perms: 31, scheme: "ip", id: "fe80::/300" }],
  [{ perms: 31, scheme: "digest", id: "u:x" }],
  [{ perms: 64, scheme: "nobody", id: "" }],
  [],
];

function path(random: RandomInts): string {
  const kind = random(20);
  if (kind === 0) return pick(random, ODD_PATHS);
  if (kind === 1) return pick(random, SYSTEM_PATHS);
  let text = "";
  for (let depth = pick(random, [0, 0, 0, 1, 1, 2]); depth >= 0; depth--) text += `/${pick(random, NAMES)}`;
  return text;
}

function data(random: RandomInts): Uint8Array {
  return ascii(pick(random, DATA));
}

function acl(random: RandomInts): readonly AclEntry[] {
  return random(4) === 0 ? pick(random, ACLS) : OPEN_ACL;
}

function version(random: RandomInts): number {
  return random(3) === 0 ? random(4) : -1;
}

function flags(random: RandomInts): number {
  return random(30) === 0 ? random(12) - 3 : random(5);
}

/** One operation as it may stand alone or in a multi. */
function write(random: RandomInts): Request {
  switch (random(10)) {
    case 0:
      return { type: OpCode.create2, body: createBody(path(random), data(random), flags(random), acl(random)) };
    case 1:
      return { type: OpCode.createContainer, body: createBody(path(random), data(random), 4, acl(random)) };
    case 2:
      return {
        type: OpCode.createTTL,
        body: createTtlBody(path(random), 5 + random(2), random(10) === 0 ? random(3) - 1 : 1000),
      };
    case 3:
    case 4:
      return { type: OpCode.delete, body: pathIntBody(path(random), version(random)) };
    case 5:
    case 6:
      return { type: OpCode.setData, body: setDataBody(path(random), data(random), version(random)) };
    case 7:
      return { type: OpCode.check, body: pathIntBody(path(random), version(random)) };
    default:
      return { type: OpCode.create, body: createBody(path(random), data(random), flags(random), acl(random)) };
  }
}

function several(random: RandomInts, one: () => Request): Request[] {
  return Array.from({ length: random(5) }, one);
}

/** A request of a client, most often one that can succeed. */
export function randomRequest(random: RandomInts): Request {
  switch (random(24)) {
    case 0:
      return { type: OpCode.setACL, body: setAclBody(path(random), acl(random), version(random)) };
    case 1:
    case 2:
      return { type: OpCode.multi, body: multiBody(several(random, () => write(random))) };
    case 3: {
      const type = () => pick(random, [OpCode.getData, OpCode.getChildren]);
      const read = () => ({ type: type(), body: pathBoolBody(path(random), random(2) === 0) });
      return { type: OpCode.multiRead, body: multiBody(several(random, read)) };
    }
    case 4: {
      const type = pick(random, [OpCode.getData, OpCode.exists, OpCode.getChildren, OpCode.getChildren2]);
      return { type, body: pathBoolBody(path(random), random(2) === 0) };
    }
    case 5: {
      const type = pick(random, [OpCode.getACL, OpCode.sync, OpCode.getEphemerals, OpCode.getAllChildrenNumber]);
      return { type, body: pathBody(path(random)) };
    }
    case 6: {
      const type = pick(random, [OpCode.addWatch, OpCode.checkWatches, OpCode.removeWatches]);
      return { type, body: pathIntBody(path(random), random(5)) };
    }
    case 7: {
      const withPersistent = random(2) === 0;
      const lists = Array.from({ length: withPersistent ? 5 : 3 }, () =>
        Array.from({ length: random(3) }, () => path(random)),
      );
      return {
        type: withPersistent ? OpCode.setWatches2 : OpCode.setWatches,
        body: setWatchesBody(random(50), lists),
      };
    }
    case 8: {
      const scheme = pick(random, ["digest", "ip", "super", "nobody"]);
      if (random(4) > 0) return { type: OpCode.whoAmI, body: new Uint8Array(0) };
      return {
        type: OpCode.auth,
        body: authBody(random(4) === 0 ? scheme : "digest", ascii(pick(random, ["u:p", "x", ""]))),
      };
    }
    case 9:
      if (random(8) > 0) return { type: OpCode.ping, body: new Uint8Array(0) };
      return {
        type: pick(random, [OpCode.closeSession, OpCode.sasl, OpCode.reconfig, OpCode.error, 77, -10]),
        body: new Uint8Array(0),
      };
    default:
      return write(random);
  }
}
