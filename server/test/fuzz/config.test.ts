import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConfigError } from "../../src/node/config/config-error.js";
import { configKeys } from "../../src/node/config/config-table.js";
import { loadConfig } from "../../src/node/config/load-config.js";
import { INPUTS, mutate, pick, type RandomInts, randomInts, SEED, TIMEOUT_MS } from "./random.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "quoll-config-fuzz-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const VALUES = [
  "",
  "0",
  "1",
  "-1",
  "2000",
  "99999999999999999999",
  "1e3",
  "0x10",
  "true",
  "yes",
  "none",
  "gz",
  "*",
  "ruok,srvr",
];
const MORE = ["a:b:c", "127.0.0.1", "::1", "/tmp", "\\u00e9", "\\u00zz", "\\", "x=y", " # ", "server.1", "\0", "é"];

function setting(random: RandomInts): string {
  const key = random(20) === 0 ? pick(random, MORE) : pick(random, configKeys).name;
  return `${key}${pick(random, ["=", "=", ":", " "])}${pick(random, random(2) === 0 ? VALUES : MORE)}`;
}

/** Loads it. @returns whether it was accepted; anything thrown but a ConfigError fails the test */
function isAccepted(words: string[], env: Record<string, string>, i: number): boolean {
  try {
    loadConfig({ words, env });
    return true;
  } catch (error) {
    if (error instanceof ConfigError && error.message.length > 10) return false;
    throw new Error(`input ${i} of seed ${SEED}: ${JSON.stringify({ words, env })}`, { cause: error });
  }
}

test(
  `zoo.cfg of any contents is a configuration or a ConfigError (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    const file = join(dir, "zoo.cfg");
    let accepted = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const lines = [`dataDir=${dir}`, "clientPort=2181"];
      for (let n = random(3); n > 0; n--) lines.push(setting(random));
      const text = Buffer.from(`${lines.join("\n")}\n`);
      const bytes = random(3) === 0 ? mutate(text, random) : text;
      writeFileSync(file, bytes);
      if (isAccepted([file], {}, i)) accepted++;
    }
    expect(accepted).toBeGreaterThan(INPUTS / 100);
  },
  TIMEOUT_MS,
);

test(
  `flags of any spelling, on the command line and in the environment, are a configuration or a ConfigError (inputs=${INPUTS}, seed=${SEED})`,
  () => {
    let accepted = 0;
    let refused = 0;
    for (let i = 0; i < INPUTS; i++) {
      const random = randomInts(SEED * 0x9e3779b1 + i);
      const flag = () => {
        const text = `${pick(random, ["-Dzookeeper.", "-D", "-D", "-X", "-cp ", ""])}${setting(random)}`;
        return random(4) === 0 ? Buffer.from(mutate(Buffer.from(text), random)).toString("latin1") : text;
      };
      const words = Array.from({ length: random(3) }, () => flag()).filter((word) => word.startsWith("-"));
      const env = random(2) === 0 ? { SERVER_JVMFLAGS: `${flag()} ${flag()}` } : {};
      if (isAccepted(words, env as Record<string, string>, i)) accepted++;
      else refused++;
    }
    expect(accepted).toBeGreaterThan(INPUTS / 20);
    expect(refused).toBeGreaterThan(INPUTS / 20);
  },
  TIMEOUT_MS,
);
