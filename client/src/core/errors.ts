import { QuollError } from "@quoll/jute";
import { operationName } from "./op-code.js";

/**
 * The name of one of ZooKeeper's error codes. Those that clients meet:
 * - `NoNode`, `NodeExists`, `NotEmpty`, `BadVersion`, `NoChildrenForEphemerals`, `BadArguments`: the tree is not as expected;
 * - `NoAuth`, `InvalidACL`, `AuthFailed`, `SessionClosedRequireSaslAuth`: one is not who one has to be;
 * - `ConnectionLoss`, `OperationTimeout`: no answer came; look at {@link KeeperError.outcome};
 * - `SessionExpired`: the server has ended the session, and ephemerals and watches with it;
 * - `Unimplemented`: the server is too old for the operation, or it is switched off there;
 * - `NotReadOnly`: a write to a server without a quorum;
 * - `QuotaExceeded`, `ThrottledOp`: a limit of the server.
 */
export type KeeperCode =
  | "SystemError"
  | "RuntimeInconsistency"
  | "DataInconsistency"
  | "ConnectionLoss"
  | "MarshallingError"
  | "Unimplemented"
  | "OperationTimeout"
  | "BadArguments"
  | "UnknownSession"
  | "NewConfigNoQuorum"
  | "ReconfigInProgress"
  | "APIError"
  | "NoNode"
  | "NoAuth"
  | "BadVersion"
  | "NoChildrenForEphemerals"
  | "NodeExists"
  | "NotEmpty"
  | "SessionExpired"
  | "InvalidCallback"
  | "InvalidACL"
  | "AuthFailed"
  | "SessionMoved"
  | "NotReadOnly"
  | "EphemeralOnLocalSession"
  | "NoWatcher"
  | "RequestTimeout"
  | "ReconfigDisabled"
  | "SessionClosedRequireSaslAuth"
  | "QuotaExceeded"
  | "ThrottledOp";

/** As they travel on the wire. */
const KEEPER_CODES: Readonly<Record<KeeperCode, number>> = {
  SystemError: -1,
  RuntimeInconsistency: -2,
  DataInconsistency: -3,
  ConnectionLoss: -4,
  MarshallingError: -5,
  Unimplemented: -6,
  OperationTimeout: -7,
  BadArguments: -8,
  UnknownSession: -12,
  NewConfigNoQuorum: -13,
  ReconfigInProgress: -14,
  APIError: -100,
  NoNode: -101,
  NoAuth: -102,
  BadVersion: -103,
  NoChildrenForEphemerals: -108,
  NodeExists: -110,
  NotEmpty: -111,
  SessionExpired: -112,
  InvalidCallback: -113,
  InvalidACL: -114,
  AuthFailed: -115,
  SessionMoved: -118,
  NotReadOnly: -119,
  EphemeralOnLocalSession: -120,
  NoWatcher: -121,
  RequestTimeout: -122,
  ReconfigDisabled: -123,
  SessionClosedRequireSaslAuth: -124,
  QuotaExceeded: -125,
  ThrottledOp: -127,
};

const NAMES = new Map<number, KeeperCode>(
  Object.entries(KEEPER_CODES).map(([name, number]) => [number, name as KeeperCode]),
);

/** The name of an error number; `SystemError` for one that ZooKeeper does not have. */
export function keeperCodeOf(number: number): KeeperCode {
  return NAMES.get(number) ?? "SystemError";
}

/** ZooKeeper's number of an error code. */
export function keeperNumberOf(code: KeeperCode): number {
  return KEEPER_CODES[code];
}

/**
 * What is known about the effect of a request that failed:
 * - `refused`: the server answered with an error, nothing was changed;
 * - `notSent`: it never left this process, so nothing was changed;
 * - `unknown`: it was sent and no answer came. A write may have been made, or may still be made.
 */
export type Outcome = "refused" | "notSent" | "unknown";

/** An operation that failed, with ZooKeeper's code for the reason. */
export class KeeperError extends QuollError {
  /** ZooKeeper's number, for instance -101. */
  readonly number: number;

  /**
   * @param code - the reason, by ZooKeeper's name
   * @param operation - ZooKeeper's name of the operation, for instance `getData`
   * @param path - as the caller gave it, or null where the operation has none
   * @param outcome - what is known about its effect
   */
  constructor(
    readonly code: KeeperCode,
    readonly operation: string,
    readonly path: string | null,
    readonly outcome: Outcome,
    detail = "",
  ) {
    super(messageOf(code, operation, path, outcome, detail));
    this.number = KEEPER_CODES[code];
  }
}

function messageOf(code: KeeperCode, operation: string, path: string | null, outcome: Outcome, detail: string): string {
  const what = path === null ? operation : `${operation} ${path}`;
  const why = detail === "" ? "" : `: ${detail}`;
  const hint = outcome === "unknown" ? " (sent, but not answered: it may have been carried out)" : "";
  return `${code}: ${what}${why}${hint}`;
}

/** A multi that was refused as a whole. `code`, `path` and `operation` are those of the part that failed. */
export class MultiError extends KeeperError {
  /**
   * @param index - which part failed, from 0
   * @param codes - one per part: null for those before the failed one, `RuntimeInconsistency` for those after it
   */
  constructor(
    code: KeeperCode,
    operation: string,
    path: string | null,
    readonly index: number,
    readonly codes: readonly (KeeperCode | null)[],
  ) {
    super(code, operation, path, "refused", `part ${index} of a multi`);
  }
}

/** The caller gave up on an operation by its `AbortSignal`. `cause` is the signal's reason. */
export class AbortedError extends QuollError {
  /** Always the same. */
  readonly code = "ABORTED";
  constructor(
    /** ZooKeeper's name of it. */
    readonly operation: string,
    /** As the caller gave it, or null where the operation has none. */
    readonly path: string | null,
    /** What is known about its effect. */
    readonly outcome: Outcome,
    reason: unknown,
  ) {
    super(messageOfAbort(operation, path, outcome), { cause: reason });
  }
  /** As the platform names such errors, so that `error.name === "AbortError"` holds. */
  override get name(): string {
    return "AbortError";
  }
}

function messageOfAbort(operation: string, path: string | null, outcome: Outcome): string {
  const hint = outcome === "unknown" ? " (it was sent: it may have been carried out)" : "";
  return `${operation}${path === null ? "" : ` ${path}`} was aborted${hint}`;
}

/** The client was closed, by its user, before or during the operation. */
export class ClosedError extends QuollError {
  /** Always the same. */
  readonly code = "CLOSED";
  constructor(
    /** ZooKeeper's name of it. */
    readonly operation: string,
    /** As the caller gave it, or null where the operation has none. */
    readonly path: string | null,
    /** What is known about its effect. */
    readonly outcome: Outcome,
  ) {
    super(
      `${operation}${path === null ? "" : ` ${path}`}: this client is closed${outcome === "unknown" ? " (the request was sent: it may have been carried out)" : ""}`,
    );
  }
}

/** A limit of this client was reached; nothing was sent. The message names the limit and the option that raises it. */
export class LimitError extends QuollError {
  /** Always the same. */
  readonly code = "LIMIT";
  /** Nothing left this process. */
  readonly outcome = "notSent";
}

/** A reply was longer than `replyMaxBytes`. It was skipped; the connection and the session live on. */
export class ReplyTooLargeError extends QuollError {
  /** Always the same. */
  readonly code = "REPLY_TOO_LARGE";
  constructor(
    /** ZooKeeper's name of it. */
    readonly operation: string,
    /** As the caller gave it, or null where the operation has none. */
    readonly path: string | null,
    /** Bytes of the reply. */
    readonly sizeBytes: number,
    limitBytes: number,
  ) {
    super(
      `the reply to ${operation}${path === null ? "" : ` ${path}`} has ${sizeBytes} bytes, more than replyMaxBytes=${limitBytes}: raise it to read this`,
    );
  }
}

/** Whether `error` is a {@link KeeperError}, with one of the given codes if any are given. */
export function isKeeperError(error: unknown, ...codes: readonly KeeperCode[]): error is KeeperError {
  return error instanceof KeeperError && (codes.length === 0 || codes.includes(error.code));
}

/** The error of a request by its opcode. */
export function keeperError(
  code: KeeperCode,
  type: number,
  path: string | null,
  outcome: Outcome,
  detail = "",
): KeeperError {
  return new KeeperError(code, operationName(type), path, outcome, detail);
}
