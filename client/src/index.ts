export { InvariantError, ProtocolError, QuollError } from "@quoll/jute";
export { type ACL, Acls, Perms } from "./core/acl.js";
export {
  type ConnectString,
  ConnectStringError,
  parseConnectString,
  type ServerAddress,
} from "./core/connect-string.js";
export {
  AbortedError,
  ClosedError,
  isKeeperError,
  type KeeperCode,
  KeeperError,
  keeperCodeOf,
  keeperNumberOf,
  LimitError,
  MultiError,
  type Outcome,
  ReplyTooLargeError,
} from "./core/errors.js";
export { ReadOp, type ReadResults, WriteOp, type WriteResults } from "./core/multi-op.js";
export { NodeData } from "./core/node-data.js";
export { clientPath, pathProblem, serverPath } from "./core/path.js";
export type { Children, ClientInfo, Created, CreatedInMulti, NodeAcl } from "./core/request.js";
export type { SessionCredentials } from "./core/session-config.js";
export { isConnected, type SessionState } from "./core/session-state.js";
export { Stat } from "./core/stat.js";
export type { AddWatchMode, WatchEvent, WatchEventType, WatcherType, WatchListener } from "./core/watch-event.js";
export { connect, createClient, type NodeClientOptions } from "./node/connect.js";
export { digestAcl, digestId } from "./node/digest.js";
export { nodePlatform, type TlsOptions } from "./node/platform.js";
export { json } from "./promise/data.js";
export { op } from "./promise/op.js";
export type {
  AuthInfo,
  Backoff,
  ClientOptions,
  CreateMode,
  CreateOptions,
  Data,
  NodeOptions,
  OperationOptions,
  ReadOptions,
  SaslExchange,
  SaslMechanism,
  VersionOptions,
} from "./promise/options.js";
export type { Connection, ConnectionHandler, Platform } from "./promise/platform.js";
export type { Session } from "./promise/session.js";
export type { Watch } from "./promise/watch.js";
export { WatchQueue } from "./promise/watch-queue.js";
export { type StateChange, type StateListener, ZooKeeper } from "./promise/zookeeper.js";
