import type { RunningServer } from "@quoll/server";
import type { LoadedConfig, Logger, QuollConfig } from "@quoll/server/internal";
import { ExitCode, exitCodeOf } from "./exit-code.js";

/** Set by a parent process that its servers must not outlive, however it ends. */
export const ENDS_WITH_PARENT = "QUOLL_ENDS_WITH_PARENT";

/**
 * `quoll server`: serves in this process until SIGTERM, SIGINT or SIGHUP, then exits. Never returns while it serves.
 * @param words - `-D` properties, JVM flags, and the configuration, as they stood on the command line
 */
export async function runServer(words: readonly string[], logLevelFlag: string | undefined): Promise<void> {
  const { loadConfig, logLevel, openLogger, recoveryReporter } = await import("@quoll/server/internal");
  const terminal = process.stdout.isTTY === true;
  // The configuration may be what is wrong, so its error has to find a log that is open.
  let log: Logger | null = null;
  try {
    // The server's module is large: it loads while the configuration is read.
    const server = import("@quoll/server");
    server.catch(() => undefined);
    log = await openLogger({ level: logLevel(logLevelFlag, process.env), terminal });
    const loaded = loadConfig({ words, env: process.env });
    tell(loaded, log);
    const { startServer } = await server;
    const running = await startServer(
      loaded.config,
      log,
      recoveryReporter(log, () => performance.now()),
    );
    // Whoever waits for the first line may send a signal as soon as it is read.
    endOnSignal(running, log);
    endOnFailure(running, log);
    introduce(running, loaded.config, log, terminal);
  } catch (error) {
    fail(error, log);
  }
}

function tell({ notices }: LoadedConfig, log: Logger): void {
  for (const { level, message } of notices) log[level]({}, message);
}

/** The first lines on a terminal answer what one asks first; elsewhere the same is one line of JSON. */
function introduce(running: RunningServer, config: QuollConfig, log: Logger, terminal: boolean): void {
  const { host } = config.clientAddress;
  const anyAddress = host === "0.0.0.0" || host === "::";
  const listening = `${host.includes(":") ? `[${host}]` : host}:${running.clientPort}`;
  const connect = anyAddress ? `localhost:${running.clientPort}` : listening;
  if (!terminal) {
    log.info({ listening, dataDir: config.dataDir, dataLogDir: config.dataLogDir }, `serving clients on ${listening}`);
    return;
  }
  const logDir = config.dataLogDir === config.dataDir ? "" : `, txn logs in ${config.dataLogDir}`;
  process.stdout.write(
    `\n  Quoll serves clients on ${listening}${anyAddress ? "" : " (this address only)"}\n` +
      `  Data    ${config.dataDir}${logDir}\n` +
      `  Connect zkCli.sh -server ${connect}\n` +
      "  Stop    Ctrl-C\n\n",
  );
}

function endOnSignal(running: RunningServer, log: Logger): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      // Whoever asks twice does not want to wait. The log on disk is good for that: it is a crash, no more.
      log.warn({ signal }, `${signal} again: exiting at once`);
      process.exit(ExitCode.unexpectedError);
    }
    stopping = true;
    log.info({ signal }, `${signal}: stopping`);
    running.stop().then(
      () => {
        log.info({}, "stopped");
        process.exit(ExitCode.executionFinished);
      },
      (error: unknown) => fail(error, log),
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  process.on("SIGHUP", onSignal);
  if (process.env[ENDS_WITH_PARENT] !== undefined) process.once("disconnect", () => onSignal("SIGTERM"));
}

/** After a failed write, or a bug, nothing may be served any more: the process ends, and says why. */
function endOnFailure(running: RunningServer, log: Logger): void {
  running.failure.then((error) => fail(error, log));
  process.on("uncaughtException", (error) => fail(error, log));
  process.on("unhandledRejection", (error) => fail(error, log));
}

function fail(error: unknown, log: Logger | null): never {
  const exitCode = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  // An operator's mistake is a sentence; anything else needs its stack to be found.
  const fields = exitCode === ExitCode.unexpectedError ? { exitCode, err: error } : { exitCode };
  if (log === null) process.stderr.write(`${message}\n`);
  else log.fatal(fields, message);
  if (exitCode === ExitCode.invalidInvocation) process.stderr.write("Invalid config, exiting abnormally\n");
  if (exitCode === ExitCode.unableToAccessDatadir)
    process.stderr.write("Unable to access datadir, exiting abnormally\n");
  process.exit(exitCode);
}
