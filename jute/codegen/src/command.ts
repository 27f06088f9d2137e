import { Command, Option } from "commander";
import { type CompileOptions, compile, defaults } from "./compile.js";
import { findStale, readText, writeOutputs } from "./output-folder.js";

/** Where the command writes its words. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * Runs the command line.
 * @param args - without the program's name
 * @returns the exit code: 0 done, 1 errors in the definitions or stale files, or a wrong command line
 */
export function run(args: readonly string[], { out, err }: Streams): number {
  let exitCode = 0;
  const command = new Command("jute-ts-codegen")
    .description("Generates TypeScript records from Jute definitions.")
    .argument("<file...>", "definition files; what they include is generated too")
    .requiredOption("--out <dir>", "folder for the generated files, one per module")
    .option("--check", "write nothing, but fail if generated files are stale")
    .addOption(
      new Option("--long <type>", "what a long without @bits is").choices(["bigint", "number"]).default(defaults.long),
    )
    .option("--runtime <specifier>", "what the generated files import the runtime from", defaults.runtime)
    .option("--strip-prefix <module>", "left out of file names, for instance org.apache", defaults.stripPrefix)
    .configureOutput({ writeOut: out, writeErr: err })
    .exitOverride((error) => {
      throw new Exit(error.exitCode);
    })
    .action((files: string[], options: CompileOptions & { out: string; check?: true }) => {
      exitCode = generate(files, options, { out, err });
    });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
  return exitCode;
}

class Exit extends Error {
  constructor(readonly code: number) {
    super();
  }
}

function generate(files: string[], options: CompileOptions & { out: string; check?: true }, { out, err }: Streams) {
  const { outputs, errors } = compile(files, readText, options);
  if (errors.length > 0) {
    err(
      `${errors.join("\n\n")}\n\n${errors.length} ${errors.length === 1 ? "error" : "errors"}, nothing was generated\n`,
    );
    return 1;
  }
  if (options.check) {
    const stale = findStale(options.out, outputs);
    if (stale.length === 0) return 0;
    err(`stale in ${options.out}: ${stale.join(", ")}; generate them again (the same command without --check)\n`);
    return 1;
  }
  for (const name of writeOutputs(options.out, outputs)) out(`${name}\n`);
  return 0;
}
