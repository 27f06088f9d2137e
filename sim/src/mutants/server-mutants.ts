import { Prep } from "@quoll/server/core/request/prep";
import { Leader } from "@quoll/server/core/role/leader";
import { ServerCore } from "@quoll/server/core/server-core";
import { SessionTracker } from "@quoll/server/core/session/session-tracker";
import { TxnLogWriter } from "@quoll/server/core/storage/txn-log-writer";
import { DataTree } from "@quoll/server/core/tree/data-tree";
import { WatchTable } from "@quoll/server/core/watch/watch-table";
import { SimDisk } from "../disk/sim-disk.js";
import { type Mutant, patched } from "./mutant.js";

type Any = {
  // biome-ignore lint/suspicious/noExplicitAny: a mutant reaches into what the class hides
  [name: string]: any;
};

/** Changed decisions of the log, the tree, the sessions and the watches. */
export const SERVER_MUTANTS: readonly Mutant[] = [
  {
    id: "log-not-synced",
    catalogue: "D30",
    what: "the txn log is written, but not synced",
    apply: () =>
      patched(
        TxnLogWriter.prototype,
        "commit",
        () =>
          function (this: Any) {
            this.unsynced = false;
          },
      ),
  },
  {
    id: "new-log-not-in-directory",
    catalogue: "D32",
    what: "a new log's directory entry is not synced",
    apply: () =>
      patched(
        TxnLogWriter.prototype,
        "startFile",
        (original) =>
          function (this: Any, zxid: number) {
            const { disk } = this;
            this.disk = Object.assign(Object.create(disk), { syncDirectory: () => {} });
            original.call(this, zxid);
            this.disk = disk;
          },
      ),
  },
  {
    id: "renames-not-synced",
    catalogue: "2307, 4269",
    what: "no directory is ever synced",
    apply: () => patched(SimDisk.prototype, "syncDirectory", () => () => {}),
  },
  {
    id: "zxid-seen-ignored",
    catalogue: "R 6.3, 27",
    what: "a client that has seen more than the server is let in",
    apply: () =>
      patched(
        ServerCore.prototype,
        "connectRequest",
        (original) =>
          function (this: Any, connection: unknown, bytes: Uint8Array, start: number, end: number) {
            const copy = bytes.slice();
            copy.fill(0, start + 4, start + 12);
            original.call(this, connection, copy, start, end);
          },
      ),
  },
  {
    id: "deletions-not-watched",
    catalogue: "1412, 1667",
    what: "a watch on data does not fire when its znode is deleted",
    apply: () => patched(WatchTable.prototype, "deleted", () => () => {}),
  },
  {
    id: "dead-watches-kept",
    catalogue: "1382, 3131",
    what: "the watches of a connection that is gone are kept",
    apply: () => patched(WatchTable.prototype, "removeConnection", () => () => {}),
  },
  {
    id: "ephemerals-outlive",
    catalogue: "2355, 1208",
    what: "a closed session's ephemerals are not listed for deletion",
    apply: () => patched(Prep.prototype, "ephemeralsOf", () => () => []),
  },
  {
    id: "moved-session-served",
    catalogue: "710, 2886",
    what: "a session that has moved is still served where it was",
    apply: () => patched(SessionTracker.prototype, "check", () => () => 0),
  },
  {
    id: "reads-overtake-writes",
    catalogue: "1863, 4537",
    what: "a read is answered before its connection's earlier writes",
    apply: () =>
      patched(
        ServerCore.prototype,
        "read",
        (original) =>
          function (this: Any, connection: Any, ...rest: unknown[]) {
            const { waiting } = connection;
            const { length } = waiting;
            if (length === 0) return original.call(this, connection, ...rest);
            const kept: unknown[] = [];
            for (let each = waiting.shift(); each !== null; each = waiting.shift()) kept.push(each);
            original.call(this, connection, ...rest);
            for (const each of kept) waiting.push(each);
          },
      ),
  },
  {
    id: "outstanding-changes-forgotten",
    catalogue: "1624",
    what: "a request is prepared without the changes that are outstanding",
    apply: () => patched(Prep.prototype, "update", () => () => {}),
  },
  {
    id: "touches-not-heard",
    catalogue: "1049",
    what: "a leader does not hear of the sessions that its followers have heard of",
    apply: () => patched(Leader.prototype, "touched", () => () => {}),
  },
  {
    id: "pzxid-not-advanced",
    catalogue: "3145, 3249",
    what: "a deletion does not change its parent's pzxid",
    apply: () =>
      patched(
        DataTree.prototype,
        "deleteNode",
        (original) =>
          function (this: Any, bytes: Uint8Array, start: number, end: number) {
            const { zxid } = this;
            this.zxid = 1;
            const err = original.call(this, bytes, start, end);
            this.zxid = zxid;
            return err;
          },
      ),
  },
];
