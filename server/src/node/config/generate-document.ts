import { writeFileSync } from "node:fs";
import { configurationDocument } from "./document.js";

/** Run by `npm run generate`: writes the document to the path that is given. */
const path = process.argv[2];
if (path === undefined) throw new Error("usage: generate-document PATH");
writeFileSync(path, configurationDocument());
