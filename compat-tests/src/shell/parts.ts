import { execFile } from "node:child_process";
import { COMMANDS, clientConfigText, hexDump, javaDate, parseOptions, wordsOf } from "quoll/internal";
import { compileJava, logbackFile, zookeeperClasspath } from "../peers/java-zookeeper.js";
import type { Suite } from "../suite.js";

const QUESTIONS = 20_000;
const TIMEOUT_MS = 60_000;

interface Question {
  /** As ShellParts.java reads it. */
  readonly line: string;
  readonly ours: string;
  /** For a person. */
  readonly text: string;
}

/** The pure parts of the shell against those of zkCli, on random input. */
export async function compareParts(suite: Suite): Promise<void> {
  const random = randomOf(20_261_122);
  const kinds: ReadonlyArray<readonly [name: string, make: (random: Random) => Question, count: number]> = [
    ["random lines are split into the same words", wordsQuestion, QUESTIONS],
    ["random words are understood as the same options, with the same errors", optionsQuestion, QUESTIONS],
    ["moments are printed alike in all time zones", dateQuestion, 2000],
    ["bytes are dumped alike", hexQuestion, 500],
    ["configurations give the same connect strings", configQuestion, 500],
  ];
  for (const [name, make, count] of kinds) {
    await suite.test(name, async () => {
      const questions = Array.from({ length: count }, () => make(random));
      const answers = await askJava(questions.map(({ line }) => line));
      const wrong = questions.filter(({ ours }, i) => ours !== answers[i]);
      if (wrong.length === 0) return;
      const { text, ours } = wrong[0]!;
      const java = answers[questions.indexOf(wrong[0]!)];
      throw new Error(
        `${wrong.length} of ${count} differ; the first: ${text}\n ours ${readable(ours)}\n Java ${readable(java!)}`,
      );
    });
  }
}

type Random = (below: number) => number;

/** xorshift32: the same numbers in each run. */
function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const PIECES = [
  "a",
  "/b",
  " ",
  "  ",
  "\t",
  '"',
  "'",
  '""',
  "''",
  "-",
  "=",
  "ü",
  "€",
  "😀",
  "\\",
  "x y",
  '"q r"',
  "'s t'",
  "\u00a0",
  "{",
  "#",
];

function wordsQuestion(random: Random): Question {
  let line = "";
  for (let n = random(10); n >= 0; n--) line += PIECES[random(PIECES.length)];
  return { line: `words ${encode(line)}`, ours: encodeAll(wordsOf(line)), text: JSON.stringify(line) };
}

const WORDS = [
  ...[
    "/a",
    "x",
    "-",
    "--",
    "---",
    "-5",
    "-5d",
    "-.5",
    "-1e3",
    "-0x1p3",
    "-NaN",
    "-Infinity",
    "-1_0",
    "-e5",

    "",
    "--s",
    "--add=1",
  ],
  ...[
    "-s",
    "-e",
    "-c",
    "-t",
    "-v",
    "-w",
    "-b",
    "-R",
    "-?",
    "-n",
    "-N",
    "-B",
    "-x",
    "-a",
    "-d",
    "-p",
    "-r",
    "-l",
    "-m",
    "-z",
  ],
  ...[
    "-sw",
    "-se",
    "-v2",
    "-v=2",
    "-v=",
    "-t5",
    "-t=5",
    "-sv3",
    "-sv",
    "-s=1",
    "-add",
    "-remove",
    "-members",
    "-file",
    "-adds",
    "-add=1",
    '"q"',
    '-v"2"',
  ],
];

function optionsQuestion(random: Random): Question {
  const commands = [...COMMANDS.values()].filter(
    ({ isZkCli, isLocal, ignoresWords }) => isZkCli && !isLocal && !ignoresWords,
  );
  const command = commands[random(commands.length)]!;
  const words = [command.name];
  for (let n = random(6); n > 0; n--) words.push(WORDS[random(WORDS.length)]!);
  let ours: string;
  try {
    const parsed = parseOptions(command.specs, words);
    const given = command.specs.options
      .filter(({ name }) => parsed.has(name))
      .map(({ name }) => `${name}=${parsed.value(name) ?? ""}`);
    ours = encodeAll([...parsed.words, ...given.sort()]);
  } catch (error) {
    ours = `error ${encode((error as Error).message)}`;
  }
  return { line: `options ${command.name} ${words.map(encode).join(" ")}`, ours, text: JSON.stringify(words) };
}

const ZONES = [
  ...[
    "UTC",
    "GMT",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Tokyo",
  ],
  ...[
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/St_Johns",
    "Etc/GMT+3",
    "Africa/Johannesburg",
  ],
];

function dateQuestion(random: Random): Question {
  const zone = ZONES[random(ZONES.length)]!;
  // From 1990 to 2024: rules of later years depend on how old the tables of the two are.
  const timeMs = 631_152_000_000 + random(34 * 365 * 24 * 60) * 60_000 + random(60_000);
  const before = process.env["TZ"];
  process.env["TZ"] = zone;
  const ours = javaDate(timeMs);
  if (before === undefined) delete process.env["TZ"];
  else process.env["TZ"] = before;
  return { line: `date ${zone} ${timeMs}`, ours, text: `${zone} ${timeMs}` };
}

function hexQuestion(random: Random): Question {
  const bytes = Uint8Array.from({ length: random(70) }, () => random(256));
  const code = Buffer.from(bytes).toString("base64") || "-";
  return { line: `hex ${code}`, ours: encode(hexDump(bytes)), text: code };
}

function configQuestion(random: Random): Question {
  const lines: string[] = [];
  for (let id = 1 + random(3); id <= 1 + random(15); id++) {
    const client = ["", ";2181", ";127.0.0.1:2181", ";0.0.0.0:2182", ";[::1]:2183"][random(5)];
    lines.push(`server.${id}=127.0.0.${id}:2888:3888:participant${client}`);
  }
  lines.push(`version=${random(1000).toString(16)}`);
  const text = lines.join("\n");
  return { line: `config ${encode(text)}`, ours: encode(clientConfigText(text)), text };
}

function askJava(lines: readonly string[]): Promise<string[]> {
  const args = [
    "-Xmx256m",
    `-Dlogback.configurationFile=${logbackFile("WARN")}`,
    "-cp",
    compileJava("shell", zookeeperClasspath()),
    "quoll.ShellParts",
  ];
  return new Promise((resolve, reject) => {
    const child = execFile("java", args, { timeout: TIMEOUT_MS, maxBuffer: 64_000_000 }, (error, output, problems) => {
      if (error === null) resolve(output.split("\n"));
      else reject(new Error(`${error.message}\n${problems}`));
    });
    // Said by the exit code.
    child.stdin!.on("error", () => {});
    child.stdin!.end(`${lines.join("\n")}\n`);
  });
}

function encode(text: string): string {
  return text === "" ? "-" : Buffer.from(text, "utf8").toString("base64");
}

function encodeAll(words: readonly string[]): string {
  return words.map(encode).join(" ");
}

function readable(answer: string): string {
  return answer
    .split(" ")
    .map((code) =>
      code === "-" ? '""' : code === "error" ? code : JSON.stringify(Buffer.from(code, "base64").toString()),
    )
    .join(" ");
}
