import type { Command } from "../command.js";
import { UnknownCommandError } from "../errors.js";
import type { ShellIo } from "../io.js";

export const help: Command = {
  name: "help",
  usage: "[command]",
  specs: { options: [] },
  isZkCli: false,
  isLocal: true,
  wordsMin: 0,
  summary: "list all commands, or explain one",
  examples: [["help create", "its options, with examples"]],
  json: "commands (name, usage, summary), or one of them with options, details, examples and json",
  async run({ io, shell }, { words }) {
    const [, name] = words;
    if (name === undefined) {
      const commands = [...shell.commands.values()];
      io.answer({ commands: commands.map(briefOf) }, () => listText(io, commands));
      return;
    }
    const command = shell.commands.get(name);
    if (command === undefined) throw new UnknownCommandError(name, shell.guess(name));
    io.answer(
      {
        ...briefOf(command),
        options: command.specs.options,
        details: command.details ?? null,
        examples: command.examples.map(([line, what]) => ({ line, what })),
        json: command.json,
      },
      () => commandText(io, command),
    );
  },
};

function briefOf({ name, usage, summary }: Command): { name: string; usage: string; summary: string } {
  return { name, usage, summary };
}

function listText({ style }: ShellIo, commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const section = (title: string, isZkCli: boolean) => {
    const lines = commands
      .filter((command) => command.isZkCli === isZkCli)
      .map(({ name, summary }) => `  ${style.paint("cyan", name.padEnd(width))}  ${summary}`);
    return `${style.paint("bold", title)}\n${lines.join("\n")}\n`;
  };
  return [
    section("Commands of zkCli", true),
    section("More commands", false),
    "help COMMAND shows options and examples. Every command takes -o json. Tab completes commands, options and paths.\n",
  ].join("\n");
}

function commandText({ style }: ShellIo, { name, usage, summary, specs, details, examples, json }: Command): string {
  const options = [
    ...specs.options.map(({ name: option, argument, help: text }) => [
      `-${option}${argument === undefined ? "" : ` ${argument}`}`,
      text,
    ]),
    ["-o json", `prints JSON: ${json}`],
  ];
  const width = Math.max(...options.map(([option]) => option!.length));
  const lines = [
    `${style.paint("cyan", name)} ${usage}`.trimEnd(),
    `  ${summary}`,
    ...(details === undefined ? [] : ["", `  ${details}`]),
    "",
    style.paint("bold", "Options"),
    ...options.map(([option, text]) => `  ${option!.padEnd(width)}  ${text}`),
    "",
    style.paint("bold", examples.length === 1 ? "Example" : "Examples"),
    ...examples.flatMap(([line, what]) => [
      `  ${style.paint("green", line)}`,
      ...(what === "" ? [] : [`      ${what}`]),
    ]),
    "",
  ];
  return lines.join("\n");
}
