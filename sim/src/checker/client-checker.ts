import type { Reader } from "@quoll/jute";
import { KeeperCode } from "@quoll/server/core/keeper-code";
import { OpCode } from "@quoll/server/core/op-code";
import { counterOf } from "@quoll/zab";
import type { Request, SimClient, Watch } from "../workload/sim-client.js";
import type { NaiveNode, NaiveTree } from "./naive-tree.js";
import { hex, violated } from "./violation.js";

const NODE_CREATED = 1;
const NODE_CHILDREN_CHANGED = 4;

/** Errors that are the answer of a txn of their own. */
const TXN_ERRORS = new Set<number>([
  KeeperCode.NoNode,
  KeeperCode.NodeExists,
  KeeperCode.BadVersion,
  KeeperCode.NotEmpty,
  KeeperCode.NoChildrenForEphemerals,
]);

/** Holds what clients are told against the committed history: zxids say where in it every answer belongs. */
export class ClientChecker {
  /** The newest write that anybody was told of. */
  newestAnsweredZxid = 0;
  operations = 0;
  readonly counts = new Map<string, number>();

  constructor(private readonly tree: NaiveTree) {}

  private count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  wrongXid(client: SimClient, xid: number, expected: Request | undefined): void {
    violated("FifoClientOrder", `${client.name} gets a reply to ${xid} instead of ${expected?.xid}`);
  }

  expired(_client: SimClient): void {
    this.count("sessions expired");
  }

  /** A client has been told a zxid: it never goes back, and no event of before is missing. */
  seen(client: SimClient, zxid: number): void {
    if (zxid < client.lastZxid) {
      violated("SingleSystemImage", `${client.name} has seen ${hex(client.lastZxid)}, and now gets ${hex(zxid)}`);
    }
    if (client.areWatchesSet) {
      for (const watch of client.watches) {
        const change = this.changeFor(watch);
        if (change !== 0 && change <= zxid) {
          violated(
            "WatchOrder",
            `${client.name} gets a reply of ${hex(zxid)} before the event of ${hex(change)} on ${watch.path}`,
          );
        }
      }
    }
    client.lastZxid = zxid;
  }

  private changeFor(watch: Watch): number {
    return watch.kind === "children"
      ? this.tree.changeAfter(watch.path, watch.zxid, "children")
      : this.tree.changeAfter(watch.path, watch.zxid, "data");
  }

  event(client: SimClient, type: number, path: string): void {
    this.count("watch events");
    const isFor = (watch: Watch): boolean =>
      watch.path === path &&
      (type === NODE_CHILDREN_CHANGED ? watch.kind === "children" : watch.kind !== "children" || type > NODE_CREATED);
    const index = client.watches.findIndex(isFor);
    if (index < 0) violated("OneShotWatches", `${client.name} gets an event ${type} on ${path} without a watch there`);
    const [watch] = client.watches.splice(index, 1);
    if (this.changeFor(watch!) === 0) {
      violated(
        "WatchOrder",
        `${client.name} gets an event ${type} on ${path}, which has not changed since ${hex(watch!.zxid)}`,
      );
    }
  }

  reply(client: SimClient, request: Request, zxid: number, err: number, reader: Reader): void {
    this.operations++;
    if (err !== 0 && !TXN_ERRORS.has(err)) {
      this.count(`error ${KeeperCode[err] ?? err}`);
      return;
    }
    switch (request.type) {
      case OpCode.sync:
        this.seen(client, zxid);
        this.count("syncs");
        client.syncedZxid = Math.max(client.syncedZxid, request.floorZxid);
        if (zxid < request.floorZxid) {
          violated(
            "Sync",
            `${client.name}'s sync is answered at ${hex(zxid)}; ${hex(request.floorZxid)} was answered before`,
          );
        }
        return;
      case OpCode.getData:
      case OpCode.exists:
      case OpCode.getChildren2:
        this.seen(client, zxid);
        this.read(client, request, zxid, err, reader);
        return;
      default:
        this.seen(client, zxid);
        this.write(client, request, zxid, err, reader);
    }
  }

  // --- reads

  private read(client: SimClient, request: Request, zxid: number, err: number, reader: Reader): void {
    this.count("reads");
    const { path, type } = request;
    if (zxid < client.syncedZxid) {
      violated("Sync", `${client.name} reads ${hex(zxid)} after its sync at ${hex(client.syncedZxid)}`);
    }
    // A server that took its state from an established leader may stand at the beginning of the epoch, behind no txn of it.
    if (zxid > this.tree.lastZxid && counterOf(zxid) !== 0)
      violated("Reads", `${client.name} reads ${hex(zxid)}, which is not committed`);
    const node = this.tree.at(path, zxid);
    const wrong = (what: string): never =>
      violated("Reads", `${client.name} reads ${what} of ${path} at ${hex(zxid)}; it was ${describe(node)}`);
    if (err === KeeperCode.NoNode) {
      if (node !== null) wrong("that there is none");
      if (request.watch && type === OpCode.exists) client.watches.push({ path, kind: "exists", zxid });
      return;
    }
    if (node === null) wrong("something");
    if (type === OpCode.getData) {
      const data = text(reader.buffer());
      if (data !== node!.data && path !== "/zookeeper/config") wrong(JSON.stringify(data));
    } else if (type === OpCode.getChildren2) {
      const count = reader.int();
      const names: string[] = [];
      for (let i = 0; i < count; i++) names.push(reader.string()!);
      if (names.sort().join() !== [...node!.children].sort().join()) wrong(`the children ${names.join()}`);
    }
    this.stat(reader, node!, wrong);
    if (request.watch) client.watches.push({ path, kind: type === OpCode.getChildren2 ? "children" : "data", zxid });
  }

  private stat(reader: Reader, node: NaiveNode, wrong: (what: string) => never): void {
    const czxid = reader.long();
    const mzxid = reader.long();
    reader.long();
    reader.long();
    const version = reader.int();
    reader.int();
    reader.int();
    const owner = reader.bits().toHex();
    const dataLength = reader.int();
    const numChildren = reader.int();
    const pzxid = reader.long();
    if (czxid !== node.czxid) wrong(`czxid ${hex(czxid)}`);
    if (mzxid !== node.mzxid) wrong(`mzxid ${hex(mzxid)}`);
    if (pzxid !== node.pzxid) wrong(`pzxid ${hex(pzxid)}`);
    if (version !== node.version) wrong(`version ${version}`);
    if (owner !== (node.owner === "" ? "0" : node.owner)) wrong(`owner ${owner}`);
    if (dataLength !== node.data.length) wrong(`data length ${dataLength}`);
    if (numChildren !== node.children.size) wrong(`${numChildren} children`);
  }

  // --- writes

  private write(client: SimClient, request: Request, zxid: number, err: number, reader: Reader): void {
    this.count(err === 0 ? "writes" : "refused writes");
    const wrong = (what: string): never =>
      violated(
        "LinearizableWrites",
        `${client.name}'s request ${request.xid} (${request.type} ${request.path}): ${what}`,
      );
    const txn = this.tree.txns.get(zxid);
    if (txn === undefined) return wrong(`its zxid ${hex(zxid)} is not committed`);
    if (txn.session !== client.sessionId || txn.cxid !== request.xid) {
      wrong(`${hex(zxid)} is the txn of session ${txn.session}, request ${txn.cxid}`);
    }
    if (zxid <= request.floorZxid) {
      wrong(`its zxid is ${hex(zxid)}, but ${hex(request.floorZxid)} was answered before it was sent`);
    }
    // A multi tells its error in its body, too.
    if (request.type !== OpCode.multi && txn.err !== err)
      wrong(`it is answered by ${err}, but the txn says ${txn.err}`);
    this.newestAnsweredZxid = Math.max(this.newestAnsweredZxid, zxid);
    const { path } = request;
    const before = this.tree.at(path, zxid - 1);
    switch (request.type) {
      case OpCode.create:
      case OpCode.create2:
        if (err === 0) {
          const created = reader.string()!;
          if (created !== txn.paths[0]) wrong(`it is told ${created}, but created was ${txn.paths[0]}`);
          const isSequential = request.flags >= 2;
          if (isSequential ? !/^-?\d{10,}$/.test(created.slice(path.length)) : created !== path)
            wrong(`it created ${created}`);
        } else if (err === KeeperCode.NodeExists && before === null) {
          wrong("it is told that a znode exists that does not");
        }
        break;
      case OpCode.delete:
        if (err === 0 && before === null) wrong("it has deleted what does not exist");
        if (err === KeeperCode.NoNode && before !== null) wrong("it is told that there is none");
        if (err === KeeperCode.NotEmpty && before?.children.size === 0)
          wrong("it is told of children that are not there");
        break;
      case OpCode.setData:
        if (err === 0) {
          const after = this.tree.at(path, zxid)!;
          if (request.version >= 0 && before!.version !== request.version) wrong("its version was not the current one");
          if (after.data !== request.data) wrong("another one's data is there");
          this.stat(reader, after, wrong);
        } else if (err === KeeperCode.BadVersion && before?.version === request.version) {
          wrong("its version was the current one");
        }
        break;
    }
  }
}

function describe(node: NaiveNode | null): string {
  return node === null ? "not there" : JSON.stringify({ ...node, children: [...node.children] });
}

function text(bytes: Uint8Array | null): string {
  return bytes === null ? "" : String.fromCharCode(...bytes);
}
