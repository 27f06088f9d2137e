import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { COMMANDS } from "../../src/shell/registry.js";

const DOCUMENT = readFileSync(new URL("../../../docs/shell.md", import.meta.url), "utf8");

test("docs/shell.md has every command with its usage and its JSON, as help has them", () => {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  for (const { name, usage, summary, json } of COMMANDS.values()) {
    expect(DOCUMENT).toContain(`| \`${cell(`${name} ${usage}`).trim()}\` | ${summary} | ${json} |`);
  }
});
