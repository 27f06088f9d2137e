import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PeerUnavailableError } from "../peers/cache.js";
import { startServer } from "../peers/server.js";
import type { Suite } from "../suite.js";
import { commandLine, outputOf } from "./play.js";

const WAIT_MS = 20_000;
const POLL_MS = 50;
const ESCAPE = "\u001b";

/** `quoll cli` in a real terminal: completion, history, colours, interruption, events above the prompt. */
export async function testTerminal(suite: Suite): Promise<void> {
  try {
    installTmux();
  } catch (error) {
    if (process.env["CI"] !== undefined) throw error;
    suite.skip("the shell in a terminal", (error as Error).message);
    return;
  }
  const { host, port, stop } = await startServer({ kind: suite.kind, dir: join(suite.dir, "terminal") });
  const terminal = new Terminal(suite.dir, `${host}:${port}`);
  const state = join(suite.dir, "state");
  mkdirSync(state);
  try {
    await terminal.start({ XDG_STATE_HOME: state });
    await suite.test("in a terminal: the prompt says CONNECTED, in green", async () => {
      await terminal.waitFor(/\[zk: \S+\(CONNECTED\) 0\] $/m);
      assert.ok((await terminal.screen({ colors: true })).includes(`${ESCAPE}[32mCONNECTED`));
    });
    await suite.test("in a terminal: Tab completes commands, options and paths", async () => {
      await terminal.type("create /apple 1");
      await terminal.press("Enter");
      await terminal.waitFor(/Created \/apple/);
      // A Tab that comes in one piece with other characters is text that was pasted, so that each waits for its turn.
      await terminal.type("getAllC");
      await terminal.waitFor(/\] getAllC$/m);
      await terminal.press("Tab");
      await terminal.waitFor(/\] getAllChildrenNumber$/m);
      await terminal.type(" /app");
      await terminal.waitFor(/\] getAllChildrenNumber \/app$/m);
      await terminal.press("Tab");
      await terminal.waitFor(/getAllChildrenNumber \/apple/);
      await terminal.press("Enter");
      await terminal.waitFor(/^0$/m);
      await terminal.type("import -r");
      await terminal.waitFor(/\] import -r$/m);
      await terminal.press("Tab");
      await terminal.waitFor(/\] import -rate$/m);
      await terminal.press("C-u");
    });
    await suite.test("in a terminal: JSON is indented, and other bytes are dumped", async () => {
      await terminal.type(`set /apple '{"size":{"mm":70}}'`);
      await terminal.press("Enter");
      await terminal.type("get /apple");
      await terminal.press("Enter");
      await terminal.waitFor(/^ {4}"mm": 70$/m);
      await terminal.type("set -b /apple AAEC");
      await terminal.press("Enter");
      await terminal.type("get /apple");
      await terminal.press("Enter");
      await terminal.waitFor(/\|00000000\| 00 01 02 /);
    });
    await suite.test("in a terminal: an error says what to do next", async () => {
      await terminal.type("gett /apple");
      await terminal.press("Enter");
      await terminal.waitFor(/did you mean get\?/);
    });
    await suite.test("in a terminal: an event stands above what is being typed", async () => {
      await terminal.type("get -w /apple");
      await terminal.press("Enter");
      await terminal.waitFor(/\(CONNECTED\) 8\] $/m);
      await terminal.type("half a li");
      await terminal.waitFor(/half a li$/m);
      const [program, args] = commandLine("quoll", ["-server", `${host}:${port}`, "set", "/apple", "x"]);
      await outputOf(program, args);
      await terminal.waitFor(/NodeDataChanged path:\/apple[\s\S]*half a li$/m);
      await terminal.press("C-u");
      await terminal.waitFor(/\(CONNECTED\) 8\] $/m);
    });
    await suite.test("in a terminal: Ctrl-C ends a running command, and the shell goes on", async () => {
      await terminal.type("watch -r /");
      await terminal.press("Enter");
      await terminal.waitFor(/watch -r \/\n*$/);
      await terminal.press("C-c");
      await terminal.waitFor(/interrupted/);
      await terminal.type("whoami");
      await terminal.press("Enter");
      await terminal.waitFor(/Auth scheme: User/);
    });
    await suite.test("in a terminal: history lives on, for its owner only, without passwords", async () => {
      await terminal.type("addauth digest alice:secret");
      await terminal.press("Enter");
      await terminal.type("stat /apple");
      await terminal.press("Enter");
      await terminal.waitFor(/numChildren = 0/);
      await terminal.type("quit");
      await terminal.press("Enter");
      await terminal.ended();
      const file = join(state, "quoll", "history");
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const text = readFileSync(file, "utf8");
      assert.match(text, /^stat \/apple$/m);
      assert.doesNotMatch(text, /secret/);
      await terminal.start({ XDG_STATE_HOME: state });
      await terminal.waitFor(/\(CONNECTED\) 0\] $/m);
      await terminal.press("Up", "Up");
      await terminal.waitFor(/\] stat \/apple$/m);
      await terminal.press("C-u", "C-d");
      await terminal.ended();
    });
    await suite.test("in a terminal: NO_COLOR is respected", async () => {
      await terminal.start({ XDG_STATE_HOME: state, NO_COLOR: "1" });
      await terminal.waitFor(/\(CONNECTED\) 0\] $/m);
      assert.ok(!(await terminal.screen({ colors: true })).includes(ESCAPE));
      await terminal.press("C-d");
      await terminal.ended();
    });
  } finally {
    await terminal.kill();
    await stop();
  }
}

function installTmux(): void {
  const isThere = () => {
    try {
      execFileSync("tmux", ["-V"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  if (isThere()) return;
  try {
    execFileSync("apt-get", ["install", "-y", "-q", "tmux"], { stdio: "ignore" });
  } catch {
    // Not root, or no such program: said below.
  }
  if (!isThere()) throw new PeerUnavailableError("there is no tmux, and apt-get does not install it");
}

/** A tmux server of our own with one window. */
class Terminal {
  private readonly socket: string;

  constructor(
    dir: string,
    private readonly server: string,
  ) {
    this.socket = join(dir, "tmux");
  }

  async start(env: Readonly<Record<string, string>>): Promise<void> {
    const [program, args] = commandLine("quoll", ["-server", this.server]);
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const size = ["-x", "120", "-y", "50"];
    await this.tmux(
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      "-s",
      "shell",
      ...size,
      // Whatever the run itself was told about colours is not for this terminal.
      "env",
      "-u",
      "NO_COLOR",
      "-u",
      "FORCE_COLOR",
      "-u",
      "CI",
      ...variables,
      program,
      ...args,
    );
  }

  async type(text: string): Promise<void> {
    await this.tmux("send-keys", "-t", "shell", "-l", text);
  }

  async press(...keys: readonly string[]): Promise<void> {
    await this.tmux("send-keys", "-t", "shell", ...keys);
  }

  async screen({ colors }: { colors: boolean }): Promise<string> {
    const text = await this.tmux("capture-pane", "-p", ...(colors ? ["-e"] : []), "-t", "shell");
    return text.replace(/\n+$/, "");
  }

  /** Waits until the screen looks so. A line's trailing spaces are not seen, except one behind the prompt. */
  async waitFor(expression: RegExp): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    let seen = "";
    while (Date.now() < deadline) {
      seen = (await this.screen({ colors: false })).replace(/\]$/gm, "] ");
      if (expression.test(seen)) return;
      await sleep(POLL_MS);
    }
    throw new Error(`the screen never showed ${expression}:\n${seen}`);
  }

  /** Waits until the program has ended, which ends its window and its tmux server. */
  async ended(): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (await this.isRunning()) {
      if (Date.now() > deadline) throw new Error(`the shell does not end:\n${await this.screen({ colors: false })}`);
      await sleep(POLL_MS);
    }
  }

  async kill(): Promise<void> {
    if (await this.isRunning()) await this.tmux("kill-server");
  }

  private async isRunning(): Promise<boolean> {
    try {
      await this.tmux("has-session", "-t", "shell");
      return true;
    } catch {
      return false;
    }
  }

  private tmux(...args: readonly string[]): Promise<string> {
    return outputOf("tmux", ["-u", "-S", this.socket, ...args], { ...process.env, LC_ALL: "C.UTF-8" });
  }
}
