// Makes docs/api from the comments on what the public packages export, or with --check says which pages are stale.
//
//   node generate.js [--check]
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";
import { load } from "typedoc-plugin-markdown";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TARGET = join(ROOT, "docs", "api");
const PACKAGES = ["client", "recipes"];

const made = mkdtempSync(join(tmpdir(), "quoll-api-"));
for (const name of PACKAGES) await generate(name, join(made, name));

if (process.argv.includes("--check")) {
  const stale = differences(made, TARGET);
  for (const page of stale) console.error(`docs/api/${page} is stale: npm run generate -w @quoll/api-pages`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  rmSync(TARGET, { recursive: true, force: true });
  cpSync(made, TARGET, { recursive: true });
}
rmSync(made, { recursive: true });

async function generate(name, out) {
  const app = await Application.bootstrapWithPlugins({
    plugin: [load],
    name: `@quoll/${name}`,
    entryPoints: [join(ROOT, name, "src", "index.ts")],
    tsconfig: fileURLToPath(new URL(`${name}.tsconfig.json`, import.meta.url)),
    out,
    readme: "none",
    router: "kind",
    hideBreadcrumbs: true,
    hidePageHeader: true,
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    gitRevision: "main",
    sort: ["source-order"],
    useCodeBlocks: true,
    parametersFormat: "table",
    propertyMembersFormat: "table",
    enumMembersFormat: "table",
    treatValidationWarningsAsErrors: true,
    treatWarningsAsErrors: true,
  });
  const project = await app.convert();
  if (project === undefined) throw new Error(`${name} does not compile for its pages`);
  app.validate(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error(`the comments of ${name} have problems`);
}

/** Pages that are in one folder and not, or not the same, in the other. */
function differences(a, b) {
  const pages = (folder) =>
    existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((page) => page.endsWith(".md")) : [];
  const text = (folder, page) => (existsSync(join(folder, page)) ? readFileSync(join(folder, page), "utf8") : null);
  return [...new Set([...pages(a), ...pages(b)])].filter((page) => text(a, page) !== text(b, page)).sort();
}
