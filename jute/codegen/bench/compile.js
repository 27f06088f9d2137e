// How long the protocol's definitions take to compile. After a build: node jute/codegen/bench/compile.js
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Bench } from "tinybench";
import { compile, defaults } from "../dist/index.js";

const folder = fileURLToPath(new URL("../../wire/protocol/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".jute"));
const texts = new Map(files.map((name) => [name, readFileSync(folder + name, "utf8")]));
const bench = new Bench({ time: 2000 });
bench.add("all definitions of the protocol", () => {
  const { errors } = compile(files, (path) => texts.get(path) ?? null, defaults);
  if (errors.length > 0) throw new Error(errors.join("\n"));
});
await bench.run();
console.table(bench.table());
