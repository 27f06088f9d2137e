import { Command, InvalidArgumentError } from "commander";
import type { EnsembleOptions } from "./ensemble-command.js";
import { addOfflineCommands, withLongOptions } from "./offline/commands.js";

const SERVER_HELP = `
The configuration is one of
  zoo.cfg                                  a file, as ZooKeeper reads it
  PORT DATADIR [TICKTIME [MAXCNXNS]]       as ZooKeeperServerMain takes it
  (nothing)                                127.0.0.1:2181, data in ./data

-Dname=value sets a system property, here or in SERVER_JVMFLAGS or JVMFLAGS. Flags that only a JVM
understands are ignored with one warning. docs/configuration.md has every key.

Exit codes
  0  stopped by SIGTERM, SIGINT or SIGHUP
  1  unexpected error
  2  the command line or the configuration is wrong
  3  a data directory is missing, not writable, or in use
  20 acknowledged data is damaged
  21 a write or an fsync failed
  22 the data was written by another version
  23 the client port cannot be listened on

Examples
  quoll server
  quoll server /etc/zookeeper/zoo.cfg
  quoll server -Dzookeeper.snapCount=50000 zoo.cfg
  quoll server 2181 /var/lib/zookeeper
  quoll server --log-level debug zoo.cfg`;

const CONFIG_HELP = `
A bare file name is looked for in --config, or in ZOOCFGDIR; without a file that directory's zoo.cfg is taken,
or 127.0.0.1:2181 with data in ./data. The pid is kept in dataDir/zookeeper_server.pid (or ZOOPIDFILE), the
output in ZOO_LOG_DIR (or ./logs).`;

const ENSEMBLE_HELP = `
All servers listen on loopback only. Each is a process of its own, with the zoo.cfg and the data that it would have on
a machine of its own; they end with this command. A directory that has been used goes on where it was.

Examples
  quoll ensemble
  quoll ensemble --size 5 --observers 1 --dir /tmp/five --client-port 12181`;

/** @throws InvalidArgumentError */
function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

const quoll = new Command("quoll")
  .description("A coordination server that is compatible with ZooKeeper 3.9.5.")
  .showHelpAfterError("(quoll --help shows the commands)")
  .addHelpText("after", "\nquoll server --help shows how to configure it.");

quoll
  .command("server")
  .description("serve in the foreground")
  .argument("[configuration...]", "-Dname=value …, and a file or PORT DATADIR [TICKTIME [MAXCNXNS]]")
  .option("--log-level <level>", "trace, debug, info, warn, error, fatal or silent (or QUOLL_LOG_LEVEL)")
  .allowUnknownOption()
  .addHelpText("after", SERVER_HELP)
  .action(async (words: string[], options: { logLevel?: string }) => {
    const { runServer } = await import("./server-command.js");
    await runServer(words, options.logLevel);
  });

quoll
  .command("ensemble")
  .description("run an ensemble of several servers on this machine, for tests and development")
  .option("--size <n>", "voting servers", wholeNumber, 3)
  .option("--observers <n>", "observers beside them", wholeNumber, 0)
  .option("--dir <dir>", "where each server has its zoo.cfg and data", "ensemble")
  .option("--client-port <port>", "of the first server; the others have the ports behind it", wholeNumber, 2181)
  .option("--quorum-port <port>", "the same for the quorum port", wholeNumber, 2888)
  .option("--election-port <port>", "the same for the election port", wholeNumber, 3888)
  .addHelpText("after", ENSEMBLE_HELP)
  .action(async (options: EnsembleOptions) => {
    const { runEnsemble } = await import("./ensemble-command.js");
    process.exitCode = await runEnsemble(options);
  });

type DaemonCommand = "start" | "stop" | "restart" | "status";

function daemonCommand(name: DaemonCommand, description: string): void {
  quoll
    .command(name)
    .description(description)
    .argument("[zoo.cfg]")
    .option("--config <dir>", "the directory of configuration files")
    .addHelpText("after", CONFIG_HELP)
    .action(async (file: string | undefined, options: { config?: string }) => {
      const commands = await import("./daemon-commands.js");
      process.exitCode = await commands[name](file, options.config);
    });
}

daemonCommand("start", "start a server in the background");
daemonCommand("stop", "stop it");
daemonCommand("restart", "stop and start it");
daemonCommand("status", "say whether it serves, and in which mode");

addOfflineCommands(quoll);

quoll
  .command("version")
  .description("print the version")
  .action(async () => {
    const { QUOLL_VERSION, RELEASE_DATE, ZOOKEEPER_VERSION } = await import("@quoll/server/internal");
    console.log(
      `Quoll ${QUOLL_VERSION}, compatible with Apache ZooKeeper, version ${ZOOKEEPER_VERSION} ${RELEASE_DATE}`,
    );
  });

quoll
  .command("cli")
  .description("a shell for the znodes of any server, with zkCli's commands and more")
  .argument("[words...]", "zkCli's options, and a command")
  .helpOption(false);

try {
  const [, , command, ...words] = process.argv;
  if (command === "cli") {
    // Its options are zkCli's, with one dash, and not commander's.
    const { runShell } = await import("./shell/main.js");
    process.exitCode = await runShell(words);
  } else await quoll.parseAsync(withLongOptions(process.argv));
} catch (error) {
  // A configuration that a background command cannot read; the server's own errors never come here.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  const { exitCodeOf } = await import("./exit-code.js");
  process.exitCode = exitCodeOf(error);
}
