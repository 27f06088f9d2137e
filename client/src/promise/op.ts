import { Acls } from "../core/acl.js";
import { ReadOp, WriteOp } from "../core/multi-op.js";
import type { NodeData } from "../core/node-data.js";
import { OpCode } from "../core/op-code.js";
import type { CreatedInMulti } from "../core/request.js";
import type { Stat } from "../core/stat.js";
import { bytesOf } from "./data.js";
import type { CreateMode, Data, NodeOptions } from "./options.js";

/**
 * The parts of {@link ZooKeeper.multi} and {@link ZooKeeper.multiRead}. Each knows the type of its result, so that the
 * results of the whole are typed one by one:
 * ```ts
 * const [path, stat] = await zk.multi([op.create("/a", "1"), op.setData("/b", "2")]);
 * ```
 */
export const op = {
  /** Its result is the path of the new znode. */
  create(path: string, data: Data = null, options: NodeOptions = {}): WriteOp<string> {
    return createOp(path, data, options, false) as WriteOp<string>;
  },

  /** Its result is the path and the Stat of the new znode. */
  createWithStat(path: string, data: Data = null, options: NodeOptions = {}): WriteOp<CreatedInMulti> {
    return createOp(path, data, options, true) as WriteOp<CreatedInMulti>;
  },

  /**
   * Deletes a znode without children.
   * @param version - as expected; -1, the default, for any
   */
  delete(path: string, version = -1): WriteOp<void> {
    return new WriteOp<void>(OpCode.delete, path, null, [], version, 0, false);
  },

  /**
   * Its result is the new Stat.
   * @param version - as expected; -1, the default, for any
   */
  setData(path: string, data: Data, version = -1): WriteOp<Stat> {
    return new WriteOp<Stat>(OpCode.setData, path, bytesOf(data), [], version, 0, false);
  },

  /**
   * Changes nothing, and fails the multi unless the znode exists with this version.
   * @param version - as expected; -1, the default, for any
   */
  check(path: string, version = -1): WriteOp<void> {
    return new WriteOp<void>(OpCode.check, path, null, [], version, 0, false);
  },

  /** For multiRead. */
  getData(path: string): ReadOp<NodeData> {
    return new ReadOp<NodeData>(OpCode.getData, path);
  },

  /** For multiRead. Its result is the names of the children, unsorted. */
  getChildren(path: string): ReadOp<string[]> {
    return new ReadOp<string[]>(OpCode.getChildren, path);
  },
} as const;

function createOp(path: string, data: Data, options: NodeOptions, wantsStat: boolean): WriteOp<unknown> {
  const mode = options.mode ?? "persistent";
  return new WriteOp<unknown>(
    createType(mode, wantsStat),
    path,
    bytesOf(data),
    options.acl ?? Acls.open,
    CREATE_FLAGS[mode],
    options.ttlMs ?? 0,
    wantsStat,
  );
}

/** ZooKeeper's numbers of the kinds of znodes. */
export const CREATE_FLAGS: Readonly<Record<CreateMode, number>> = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentWithTtl: 5,
  persistentSequentialWithTtl: 6,
};

/** The opcode that creates such a znode and answers with a Stat, or may do without one. */
export function createType(mode: CreateMode, wantsStat: boolean): number {
  const flags = CREATE_FLAGS[mode];
  if (flags >= 5) return OpCode.createTTL;
  if (flags === 4) return OpCode.createContainer;
  return wantsStat ? OpCode.create2 : OpCode.create;
}

/** Whether the server appends a number to the name. */
export function isSequential(flags: number): boolean {
  return flags === 2 || flags === 3 || flags === 6;
}
