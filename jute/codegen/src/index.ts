export { type Compiled, type CompileOptions, compile, defaults, type Output } from "./compile.js";
export type { ReadFile } from "./load.js";
