export type { QuollConfig } from "./node/config/quoll-config.js";
export { type RunningServer, startServer } from "./node/server.js";
