import { FULL_VERSION } from "@quoll/server/internal";
import { type Command, usageError } from "../command.js";
import { ShellError, UsageError } from "../errors.js";

export const addauth: Command = {
  name: "addauth",
  usage: "scheme auth",
  specs: { options: [] },
  isZkCli: true,
  wordsMin: 2,
  summary: "add an identity to this session",
  details: "Lines with addauth are not kept in the history file.",
  examples: [["addauth digest alice:secret", "whoever knows the password is alice; see auth: and digest: in ACLs"]],
  json: "scheme",
  async run({ io, client }, { words }) {
    const [, scheme, auth = ""] = words;
    await client.addAuth(scheme!, auth);
    io.answer({ scheme }, () => "");
  },
};

export const whoami: Command = {
  name: "whoami",
  usage: "",
  specs: { options: [] },
  isZkCli: true,
  ignoresWords: true,
  wordsMin: 0,
  summary: "show as whom the server knows this session",
  examples: [["whoami", ""]],
  json: "identities (scheme, user)",
  async run({ io, client, signal }) {
    const found = await client.whoAmI({ signal });
    const identities = found.map(({ scheme, user }) => ({ scheme, user }));
    io.answer({ identities }, () => {
      return `Auth scheme: User\n${identities.map(({ scheme, user }) => `${scheme}: ${user}\n`).join("")}`;
    });
  },
};

export const version: Command = {
  name: "version",
  usage: "",
  specs: { options: [] },
  isZkCli: true,
  wordsMin: 1,
  summary: "show the version of this shell",
  examples: [["version", ""]],
  json: "version",
  async run({ io }, { words }) {
    if (words.length > 1) throw usageError(version);
    io.answer({ version: FULL_VERSION }, () => `ZooKeeper CLI version: ${FULL_VERSION}\n`);
  },
};

export const close: Command = {
  name: "close",
  usage: "",
  specs: { options: [] },
  isZkCli: true,
  ignoresWords: true,
  wordsMin: 0,
  summary: "end the session: its ephemerals go, the shell stays",
  examples: [["close", "connect begins a new one"]],
  json: "closed",
  async run({ io, shell }) {
    await shell.close();
    if (io.format === "json") io.answer({ closed: true }, () => "");
  },
};

export const connect: Command = {
  name: "connect",
  usage: "host:port",
  specs: { options: [] },
  isZkCli: true,
  isLocal: true,
  wordsMin: 0,
  summary: "begin a new session, with another server if one is named",
  examples: [["connect h1:2181,h2:2181/app", "several servers to choose from; paths are below /app"]],
  json: "servers",
  async run({ io, shell }, { words }) {
    await shell.connect(words[1] ?? shell.servers);
    if (io.format === "json") io.answer({ servers: shell.servers }, () => "");
  },
};

export const quit: Command = {
  name: "quit",
  usage: "",
  specs: { options: [] },
  isZkCli: true,
  isLocal: true,
  wordsMin: 0,
  summary: "end the session and the shell",
  examples: [["quit", "exit and Ctrl-D do the same; the exit code is that of the command before"]],
  json: "nothing",
  async run({ shell }) {
    await shell.quit();
  },
};

export const exit: Command = {
  ...quit,
  name: "exit",
  isZkCli: false,
  examples: [["exit", "the same as quit"]],
};

const HISTORY_LINES = 10;

export const history: Command = {
  name: "history",
  usage: "",
  specs: { options: [] },
  isZkCli: true,
  isLocal: true,
  wordsMin: 0,
  summary: "show the last lines that were entered",
  examples: [["history", "redo takes the number; the arrow keys go back further, to earlier sessions too"]],
  json: "lines (number, line)",
  async run({ io, shell }) {
    const numbers: number[] = [];
    for (let i = Math.max(0, shell.lineNumber - HISTORY_LINES); i <= shell.lineNumber; i++) numbers.push(i);
    const lines = numbers.map((number) => ({ number, line: shell.history.get(number) ?? null }));
    io.answer({ lines }, () => lines.map(({ number, line }) => `${number} - ${line}\n`).join(""));
  },
};

export const redo: Command = {
  name: "redo",
  usage: "cmdno",
  specs: { options: [] },
  isZkCli: true,
  isLocal: true,
  wordsMin: 0,
  summary: "run an earlier line again",
  examples: [["redo 3", "the numbers are those of history and of the prompt"]],
  json: "what that line prints",
  async run({ shell }, { words }) {
    const [, text] = words;
    if (text === undefined) return;
    const number = integerOf(text);
    const line = shell.history.get(number);
    if (number >= shell.lineNumber || number < 0 || line === undefined) {
      throw new ShellError("Command index out of range", 1, "history shows the numbers");
    }
    await shell.redo(line);
  },
};

/** Java's Integer.decode: decimal, 0x or # for hexadecimal, a leading 0 for octal. */
function integerOf(text: string): number {
  const [, sign, hexadecimal, octal, decimal] =
    /^([+-]?)(?:(?:0[xX]|#)([0-9a-fA-F]+)|0([0-7]+)|(\d+))$/.exec(text) ?? [];
  const value =
    hexadecimal !== undefined
      ? Number.parseInt(hexadecimal, 16)
      : octal !== undefined
        ? Number.parseInt(octal, 8)
        : Number(decimal ?? Number.NaN);
  if (Number.isNaN(value))
    throw new UsageError(`redo needs the number of a line, not ${text}`, "history shows the numbers");
  return sign === "-" ? -value : value;
}
