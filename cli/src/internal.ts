/** For the sibling workspaces: the pure parts of the shell, which compat-tests hold against Java's. */
export { wordsOf } from "./shell/line.js";
export { parseOptions } from "./shell/options.js";
export { COMMANDS } from "./shell/registry.js";
export { clientConfigText } from "./shell/text/cluster-config.js";
export { hexDump } from "./shell/text/hex-dump.js";
export { javaDate } from "./shell/text/java-date.js";
