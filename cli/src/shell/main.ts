import type { ZooKeeper } from "@quoll/client";
import { UsageError } from "./errors.js";
import { ShellIo } from "./io.js";
import { type LaunchOptions, parseLaunchOptions } from "./launch-options.js";
import { linesOf } from "./lines.js";
import { COMMANDS } from "./registry.js";
import { Shell } from "./shell.js";
import { wantsColor } from "./style.js";

/** How long the first prompt waits for the connection, so that it can say CONNECTED. */
const FIRST_PROMPT_WAIT_MS = 1000;
const INVALID_INVOCATION = 2;

const HELP = `Usage: quoll cli [options] [command [word...]]

A shell for any ZooKeeper or Quoll server, with the commands of zkCli.sh and more. With a command it runs that one
and ends with its exit code; without one it reads commands from the terminal or from a pipe.

Options
  -server HOST:PORT[,HOST:PORT...][/PATH]   the servers (localhost:2181), and what paths are below of
  -timeout MS                               the session timeout (30000)
  -r                                        a server without a quorum will do, for reading
  -waitforconnection                        wait as long as the session timeout for a connection
  -client-configuration FILE                a properties file: TLS and limits, by the names of ZooKeeper's client
  -o json|text                              JSON for scripts: one document per line

Exit codes: 0, 1 the command failed, 2 the command line is wrong, 127 there is no such command, 130 interrupted.
quoll cli help lists the commands, quoll cli help COMMAND explains one.
`;

/**
 * The command `quoll cli`.
 * @param args - what follows `cli` on the command line, untouched
 * @returns the exit code
 */
export async function runShell(args: readonly string[]): Promise<number> {
  let options: LaunchOptions;
  try {
    options = parseLaunchOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return INVALID_INVOCATION;
  }
  if (options.wantsHelp) {
    process.stdout.write(HELP);
    return 0;
  }
  endQuietlyWithTheReader();
  const isTerminal = process.stdout.isTTY === true && options.format === "text";
  const io = new ShellIo(
    process.stdout,
    process.stderr,
    options.format,
    isTerminal,
    process.stderr.isTTY === true,
    wantsColor(process.env),
  );
  if (process.stderr.isTTY) for (const word of options.unknown) io.err(`${word} is ignored: no such option\n`);
  return options.command.length > 0 ? runCommand(options, io) : runLines(options, io);
}

/** One command. As in zkCli the lines about the connection come first, except for people and where zkCli has no such command. */
async function runCommand(options: LaunchOptions, io: ShellIo): Promise<number> {
  const [name] = options.command;
  const command = COMMANDS.get(name!);
  const isLikeZkCli =
    options.format === "text" && !io.isTerminal && command?.isZkCli !== false && !asksForJson(options);
  const shell = await openShell(options, io, isLikeZkCli);
  if (typeof shell === "number") return shell;
  const interrupt = () => {
    // The second Ctrl-C does not wait for anything.
    if (!shell.interrupt()) process.exit(130);
  };
  process.on("SIGINT", interrupt);
  await shell.execute(options.command);
  process.off("SIGINT", interrupt);
  await leave(shell);
  return shell.exitCode;
}

async function runLines(options: LaunchOptions, io: ShellIo): Promise<number> {
  const isPerson = io.isTerminal && process.stdin.isTTY === true;
  const shell = await openShell(options, io, true);
  if (typeof shell === "number") return shell;
  if (options.format === "text") {
    io.out("Welcome to ZooKeeper!\n");
    io.out(isPerson ? "help lists the commands, Tab completes\n" : "JLine support is disabled\n");
  }
  await shell.connected(Math.min(FIRST_PROMPT_WAIT_MS, Math.max(options.timeoutMs, 1)));
  if (isPerson) {
    const { runTerminal } = await import("./terminal.js");
    await runTerminal(shell, io, process.env);
  } else {
    await runPipe(shell, io);
  }
  await leave(shell);
  return shell.exitCode;
}

async function runPipe(shell: Shell, io: ShellIo): Promise<void> {
  const prompt = () => {
    if (io.format === "text") io.out(shell.prompt);
  };
  prompt();
  for await (const line of linesOf(process.stdin)) {
    await shell.executeLine(line);
    if (shell.isOver) break;
    prompt();
  }
  if (!shell.isOver && io.format === "text") io.out("\n");
}

/** @returns the shell with a session that connects, or an exit code */
async function openShell(options: LaunchOptions, io: ShellIo, printsEvents: boolean): Promise<Shell | number> {
  const { openClient } = await import("./client.js");
  let open: (servers: string) => ZooKeeper;
  try {
    open = openClient(options);
  } catch (error) {
    io.err(`${messageOf(error)}\n`);
    return INVALID_INVOCATION;
  }
  const { servers, timeoutMs, waitsForConnection } = options;
  const shell = new Shell({ io, servers, timeoutMs, waitsForConnection, open, printsEvents });
  if (printsEvents && options.format === "text") io.out(`Connecting to ${servers}\n`);
  try {
    await shell.connect(servers);
  } catch (error) {
    io.err(`${messageOf(error)}\n`);
    return 1;
  }
  if (waitsForConnection && !(await shell.connected(Math.max(timeoutMs, 1)))) {
    await leave(shell);
    io.err("KeeperErrorCode = ConnectionLoss\n");
    return 1;
  }
  return shell;
}

/** Ends the session without a word about it: zkCli has none either. */
async function leave(shell: Shell): Promise<void> {
  shell.printsWatches = false;
  await shell.close();
}

function asksForJson({ command }: LaunchOptions): boolean {
  const at = command.indexOf("-o");
  return at > 0 && command[at + 1] === "json";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `quoll cli find / | head` must end when head does. */
function endQuietlyWithTheReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}
