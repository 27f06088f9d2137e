import { readFileSync, writeFileSync } from "node:fs";
import { configurationDocument } from "./document.js";

/** Run by `npm run generate`: writes the document to the path that is given, or with `--check` fails if it is stale. */
const [path, flag] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: generate-document PATH [--check]");
const text = configurationDocument();
if (flag !== "--check") writeFileSync(path, text);
else if (readFileSync(path, "utf8") !== text) throw new Error(`${path} is stale: run npm run generate`);
