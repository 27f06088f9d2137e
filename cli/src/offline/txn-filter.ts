import type { Long } from "@quoll/jute";
import { parsePath, parseSession, parseTime, parseZxid } from "./arguments.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { type Change, type LoggedTxn, TXN_TYPE_NAMES, typeOfName } from "./txn.js";

/** The options of `quoll txnlog` that choose among txns, as they stand on the command line. */
export interface FilterOptions {
  readonly path?: string;
  readonly subtree?: string;
  readonly session?: string;
  readonly from?: string;
  readonly to?: string;
  readonly since?: string;
  readonly until?: string;
  readonly type?: string;
}

/** Chooses txns. All conditions that are given must hold. */
export class TxnFilter {
  private readonly path: string | null;
  private readonly subtree: string | null;
  private readonly session: Long | null;
  private readonly from: number;
  private readonly to: number;
  private readonly since: number;
  private readonly until: number;
  private readonly types: ReadonlySet<number> | null;

  /** @throws ToolError for a value that can't be understood */
  constructor(options: FilterOptions, nowMs: number) {
    this.path = options.path === undefined ? null : parsePath(options.path);
    this.subtree = options.subtree === undefined ? null : parsePath(options.subtree);
    this.session = options.session === undefined ? null : parseSession(options.session);
    this.from = options.from === undefined ? Number.NEGATIVE_INFINITY : parseZxid(options.from);
    this.to = options.to === undefined ? Number.POSITIVE_INFINITY : parseZxid(options.to);
    this.since = options.since === undefined ? Number.NEGATIVE_INFINITY : parseTime(options.since, nowMs);
    this.until = options.until === undefined ? Number.POSITIVE_INFINITY : parseTime(options.until, nowMs);
    this.types = options.type === undefined ? null : parseTypes(options.type);
  }

  matches(txn: LoggedTxn): boolean {
    if (txn.zxid < this.from || txn.zxid > this.to || txn.time < this.since || txn.time > this.until) return false;
    if (this.session !== null && !txn.session.equals(this.session)) return false;
    if (this.types !== null && !this.types.has(txn.type) && !this.hasPartOfType(txn.change)) return false;
    if (this.path === null && this.subtree === null) return true;
    return this.touches(txn.change);
  }

  private hasPartOfType(change: Change): boolean {
    return change.kind === "multi" && change.parts.some(({ type }) => this.types!.has(type));
  }

  private touches(change: Change): boolean {
    if (change.kind === "multi") return change.parts.some((part) => this.touches(part.change));
    if (change.kind === "closeSession") return (change.paths ?? []).some((path) => this.isWanted(path));
    return "path" in change && this.isWanted(change.path);
  }

  private isWanted(path: string): boolean {
    if (this.path !== null && path !== this.path) return false;
    return this.subtree === null || isInSubtree(path, this.subtree);
  }
}

/** Whether a path is `top` or below it. */
export function isInSubtree(path: string, top: string): boolean {
  return top === "/" || path === top || (path.startsWith(top) && path[top.length] === "/");
}

function parseTypes(text: string): Set<number> {
  const types = text.split(",").map((name) => {
    const type = TXN_TYPE_NAMES.some((known) => known.toLowerCase() === name.trim().toLowerCase())
      ? typeOfName(name.trim())
      : null;
    if (type === null) {
      throw new ToolError(ToolExit.invocation, `type is ${name}; it must be among ${TXN_TYPE_NAMES.join(", ")}`);
    }
    return type;
  });
  return new Set(types);
}
