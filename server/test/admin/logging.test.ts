import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { Log } from "../../src/core/capabilities.js";
import { logLevel, withoutSecrets } from "../../src/node/logging.js";
import { recoveryReporter } from "../../src/node/recovery-progress.js";

describe("level", () => {
  test("the flag wins over the environment, and info is the default", () => {
    expect(logLevel("debug", { QUOLL_LOG_LEVEL: "warn" })).toBe("debug");
    expect(logLevel(undefined, { QUOLL_LOG_LEVEL: "WARN" })).toBe("warn");
    expect(logLevel(undefined, {})).toBe("info");
  });

  test("an unknown level is refused with what is accepted", () => {
    expect(() => logLevel("loud", {})).toThrow(
      "command line: --log-level is loud; it must be one of trace, debug, info, warn, error, fatal, silent",
    );
  });
});

describe("secrets", () => {
  const canary = "canary-5d41402a";

  test("a canary under any secret's name, however deep, is in no line", () => {
    const error = Object.assign(new Error("x", { cause: Object.assign(new Error("y"), { passwd: canary }) }), {
      secret: canary,
    });
    const line = JSON.stringify(
      withoutSecrets({
        password: canary,
        "zookeeper.DigestAuthenticationProvider.superDigest": canary,
        config: { auth: { superDigest: canary }, properties: new Map([["zookeeper.ssl.keyStore.password", canary]]) },
        list: [{ clientSecret: canary }],
        bytes: Buffer.from(canary),
        error,
      }),
    );
    expect(line).not.toContain(canary);
    expect(line).toContain('"password":"***"');
  });

  test("what is no secret stays as it is", () => {
    expect(withoutSecrets({ zxid: 5, path: "/a", passwordPath: "/p", ids: [1, 2], big: 7n })).toEqual({
      zxid: 5,
      path: "/a",
      passwordPath: "/p",
      ids: [1, 2],
      big: "7",
    });
  });

  test("an error keeps its type, message and stack", () => {
    const shown = withoutSecrets({ err: new TypeError("broken") })["err"] as Record<string, string>;
    expect(shown["type"]).toBe("TypeError");
    expect(shown["message"]).toBe("broken");
    expect(shown["stack"]).toContain("TypeError: broken");
  });
});

test("the last line before a fatal exit is not lost", () => {
  const module = new URL("../../dist/node/logging.js", import.meta.url).href;
  const script = `
    const { openLogger } = await import(${JSON.stringify(module)});
    const log = await openLogger({ level: "info", terminal: false });
    for (let i = 0; i < 1000; i++) log.info({ i }, "line");
    log.fatal({ password: "hunter2" }, "the end");
    process.exit(1);`;
  let output = "";
  try {
    execFileSync(process.execPath, ["--input-type=module", "-e", script]);
  } catch (error) {
    output = (error as { stdout: Buffer }).stdout.toString();
  }
  const lines = output.trimEnd().split("\n");
  expect(lines.length).toBe(1001);
  expect(JSON.parse(lines[1000]!)).toMatchObject({ level: "fatal", password: "***", msg: "the end" });
});

test("recovery tells of its progress once a second, and not at all when it takes less", () => {
  const lines: string[] = [];
  const write = (_: object, message: string) => void lines.push(message);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  let nowMs = 0;
  const progress = recoveryReporter(log, () => nowMs);
  progress.snapshot("snapshot.5", 10_000_000, 100_000_000);
  nowMs = 1000;
  progress.snapshot("snapshot.5", 50_000_000, 100_000_000);
  nowMs = 1999;
  progress.snapshot("snapshot.5", 99_000_000, 100_000_000);
  nowMs = 2000;
  progress.log("log.6", 1_000_000, 3_000_000);
  expect(lines).toEqual([
    "loading the snapshot snapshot.5: 50% (50.0 of 100.0 MB)",
    "loading the log log.6: 33% (1.0 of 3.0 MB)",
  ]);
});
