import type { ACL } from "./acl.js";
import type { KeeperError } from "./errors.js";

/** One write of a multi, with the type of its result. Made by {@link op}. */
export class WriteOp<Result> {
  /** Only for the compiler: there is no such property. */
  declare readonly result: Result;
  constructor(
    /** ZooKeeper's opcode. */
    readonly type: number,
    /** As the caller gave it. */
    readonly path: string,
    /** What to store, of a create or a setData. */
    readonly data: Uint8Array | null,
    /** Of a create. */
    readonly acl: readonly ACL[],
    /** Flags of a create, version of the others. */
    readonly number: number,
    /** Of a create with TTL. */
    readonly ttlMs: number,
    /** Whether the result is the path with the Stat or the path alone. */
    readonly wantsStat: boolean,
  ) {}
}

/** One read of a multiRead, with the type of its result. Made by {@link op}. */
export class ReadOp<Result> {
  /** Only for the compiler: there is no such property. */
  declare readonly result: Result;
  constructor(
    /** ZooKeeper's opcode. */
    readonly type: number,
    /** As the caller gave it. */
    readonly path: string,
  ) {}
}

/** The results of a multi, one for each write and in their order. */
export type WriteResults<Ops extends readonly WriteOp<unknown>[]> = {
  -readonly [I in keyof Ops]: Ops[I] extends WriteOp<infer Result> ? Result : never;
};

/** The results of a multiRead, one for each read and in their order; each may have failed by itself. */
export type ReadResults<Ops extends readonly ReadOp<unknown>[]> = {
  -readonly [I in keyof Ops]: Ops[I] extends ReadOp<infer Result> ? Result | KeeperError : never;
};
