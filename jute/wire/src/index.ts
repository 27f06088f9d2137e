export * from "./core/index.js";
export * from "./gen/data.js";
export * from "./gen/proto.js";
export * from "./gen/server.persistence.js";
export * from "./gen/server.quorum.js";
export * from "./gen/txn.js";
