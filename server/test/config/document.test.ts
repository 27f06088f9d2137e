import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configurationDocument } from "../../src/node/config/document.js";

test("docs/configuration.md is what the config table says (npm run generate writes it)", () => {
  const written = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  expect(written).toBe(configurationDocument());
});
