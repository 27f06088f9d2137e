import { createInterface } from "node:readline";
import { completionsOf } from "./complete.js";
import { appendHistory, historyPath, mayBeKept, readHistory } from "./history-file.js";
import type { ShellIo } from "./io.js";
import type { Shell } from "./shell.js";

const HISTORY_SIZE = 1000;
/** A completion must not keep a person waiting. */
const COMPLETION_TIMEOUT_MS = 1000;

/**
 * Reads lines from a person, with history, completion and editing, until the shell is over, or Ctrl-D. Ctrl-C gives up
 * the running command, or what has been typed.
 */
export async function runTerminal(shell: Shell, io: ShellIo, env: NodeJS.ProcessEnv): Promise<void> {
  const file = historyPath(env);
  const entered: string[] = [];
  const readline = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: true,
    historySize: HISTORY_SIZE,
    removeHistoryDuplicates: true,
    history: readHistory(file).reverse(),
    completer: (line: string, done: (error: Error | null, result: [string[], string]) => void) => {
      completionsOf(line, shell.commands, (path) => childrenOf(shell, path)).then(
        (result) => done(null, result),
        () => done(null, [[], line]),
      );
    },
  });
  // What a person types is the prompt's; what comes on its own goes above it.
  let isAsking = false;
  shell.notify = (text) => {
    if (!isAsking) {
      io.out(text);
      return;
    }
    io.out(`\r\x1b[K${text.replace(/^\n/, "")}`);
    readline.prompt(true);
  };
  const ask = () =>
    new Promise<string | null>((resolve) => {
      const line = (text: string) => end(text);
      const close = () => end(null);
      const end = (text: string | null) => {
        readline.off("line", line);
        readline.off("close", close);
        isAsking = false;
        resolve(text);
      };
      readline.on("line", line);
      readline.on("close", close);
      readline.setPrompt(promptOf(shell, io));
      isAsking = true;
      // What was typed while a command ran is there already, with the cursor behind it.
      readline.prompt(readline.line !== "");
    });
  let isClosed = false;
  readline.on("close", () => {
    isClosed = true;
  });
  readline.on("SIGINT", () => {
    if (shell.interrupt()) return;
    readline.write(null, { ctrl: true, name: "e" });
    readline.write(null, { ctrl: true, name: "u" });
    io.out("\n(quit or Ctrl-D leaves the shell)\n");
    readline.prompt();
  });
  const waiting: string[] = [];
  readline.on("line", (line) => {
    // Lines typed or pasted while a command runs are for later.
    if (!isAsking) waiting.push(line);
  });

  while (!shell.isOver && !isClosed) {
    const line = waiting.shift() ?? (await ask());
    if (line === null) break;
    if (mayBeKept(line)) entered.push(line);
    else forget(readline);
    await shell.executeLine(line);
  }
  if (!shell.isOver) io.out("\n");
  readline.close();
  appendHistory(file, entered);
}

/** Takes a line with a password out of what the arrow keys bring back. */
function forget(readline: unknown): void {
  const { history } = readline as { history?: string[] };
  if (history?.[0] !== undefined && !mayBeKept(history[0])) history.shift();
}

function promptOf(shell: Shell, { style }: ShellIo): string {
  const tone = shell.stateText === "CONNECTED" ? "green" : shell.stateText.startsWith("CONNECTED") ? "yellow" : "red";
  return `[zk: ${shell.servers}(${style.paint(tone, shell.stateText)}) ${shell.lineNumber}] `;
}

async function childrenOf(shell: Shell, path: string): Promise<readonly string[] | null> {
  const client = shell.session;
  if (client === null || !client.isConnected) return null;
  try {
    return await client.getChildren(path, { timeoutMs: COMPLETION_TIMEOUT_MS });
  } catch {
    return null;
  }
}
