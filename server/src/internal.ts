/** For the sibling workspaces. Cheap to import: neither the server nor the log library is loaded by it. */
export { FULL_VERSION, QUOLL_VERSION, RELEASE_DATE, ZOOKEEPER_VERSION } from "./node/admin/version.js";
export { ConfigError } from "./node/config/config-error.js";
export { didYouMean } from "./node/config/did-you-mean.js";
export { type ConfigSources, type LoadedConfig, loadConfig } from "./node/config/load-config.js";
export { parseProperties } from "./node/config/properties.js";
export type { QuollConfig } from "./node/config/quoll-config.js";
export type { HostPort } from "./node/config/quorum-config.js";
export type { ConfigNotice } from "./node/config/settings.js";
export { type Logger, type LogLevel, logLevel, openLogger } from "./node/logging.js";
export { recoveryReporter } from "./node/recovery-progress.js";
