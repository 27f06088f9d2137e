import { type Command, Option } from "commander";
import type { Terminal } from "./terminal.js";

/**
 * Adds the offline tools to the `quoll` command. Nothing of them is loaded before one is called: the others start no slower.
 */
export function addOfflineCommands(quoll: Command): void {
  // An option behind a subcommand is the subcommand's.
  quoll.enablePositionalOptions();
  addTxnLog(quoll);
  addSnapshot(quoll);
  addVerify(quoll);
  addCleanup(quoll);
  addBackup(quoll);
  addRestore(quoll);
  addHistory(quoll);
  addDiff(quoll);
}

/** ZooKeeper's SnapshotFormatter has a long option with one dash. */
export function withLongOptions(argv: readonly string[]): string[] {
  return argv[2] === "snapshot" ? argv.map((word) => (word === "-json" ? "--json" : word)) : [...argv];
}

function addTxnLog(quoll: Command): void {
  const command = quoll
    .command("txnlog")
    .description("show, follow, check, chop or repair txn logs (zkTxnLogToolkit.sh)")
    .argument("<place>", "a log file; or dataDir, dataLogDir or zoo.cfg for all logs there")
    .option("-d, --dump", "print all entries (this is what it does without any option)")
    .option("-r, --recover", "write FILE.fixed with right checksums, asking at each wrong one")
    .option("-v, --verbose", "with -r: print all entries, not just those with wrong checksums")
    .option("-y, --yes", "with -r: repair all without asking")
    .option("-c, --chop", "write FILE.choppedZXID with the txns up to -z")
    .option("-z, --zxid <zxid>", "with -c: the last txn that stays")
    .option("-f, --follow", "go on printing what a running server appends")
    .option("--verify", "read from the first to the last byte and say what is wrong")
    .option("--path <path>", "only txns that change this znode")
    .option("--subtree <path>", "only txns that change this znode or one below it")
    .option("--session <id>", "only txns of this session")
    .option("--from <zxid>", "only txns from this one on")
    .option("--to <zxid>", "only txns up to this one")
    .option("--since <time>", "only txns since then: ISO 8601, ms since 1970, or how long ago as in 2h")
    .option("--until <time>", "only txns until then")
    .option("--type <names>", "only these, as in create,setData")
    .addHelpText("after", TXNLOG_HELP);
  withOutput(command).action((place: string, options) =>
    run(async (terminal) => (await import("./txnlog.js")).txnlog(place, options, terminal)),
  );
}

const TXNLOG_HELP = `
Text is what ZooKeeper's TxnLogToolkit prints. zxids may be written 0x1a or 26.

Exit codes
  0   done; with --verify: the logs are sound
  1   the file is missing, its last txn partial, or nothing was chopped
  2   the command line is wrong
  19  --verify: the last log ends in a txn that was not written completely, as after a crash
  20  a txn is damaged, or some are missing
  22  not a txn log, or of another version

Examples
  quoll txnlog /var/lib/zookeeper/version-2/log.1a
  quoll txnlog zoo.cfg --subtree /app --since 2h
  quoll txnlog zoo.cfg -f --type create,delete -o json
  quoll txnlog --session 0x1000060a0b0001 /var/lib/zookeeper
  quoll txnlog --verify /var/lib/zookeeper
  quoll txnlog -c -z 0x1f log.1a              # writes log.1a.chopped31
  quoll txnlog -r -y log.1a                   # writes log.1a.fixed`;

function addSnapshot(quoll: Command): void {
  const place = "a snapshot file; or dataDir or zoo.cfg for the newest valid one";
  const command = quoll
    .command("snapshot")
    .description("show, measure or compare snapshots (zkSnapShotToolkit.sh and its sisters)")
    .argument("<place>", place)
    .option("-d, --data", "print the data of each znode, in base64")
    .option("--json", "print sizes for ncdu; -json will do, too")
    .enablePositionalOptions()
    .addHelpText("after", SNAPSHOT_HELP);
  withOutput(command).action((file: string, options) =>
    run(async (terminal) => (await import("./snapshot.js")).snapshot(file, options, terminal)),
  );

  const compare = command
    .command("compare")
    .description("which subtrees of two snapshots differ in size (zkSnapshotComparer.sh)")
    .requiredOption("-l, --left <file>", "the one snapshot")
    .requiredOption("-r, --right <file>", "the other one")
    .requiredOption("-b, --bytes <count>", "tell of a znode whose subtree differs by more bytes than this")
    .requiredOption("-n, --nodes <count>", "tell of a znode whose subtree differs by more znodes than this")
    .option("-d, --debug", "tell every step")
    .option("-i, --interactive", "choose depths and subtrees at a prompt");
  withOutput(compare).action((options) =>
    run(async (terminal) => {
      const [{ compareSnapshots }, { parseCount }, { readLine }] = await Promise.all([
        import("./snapshot-compare.js"),
        import("./arguments.js"),
        import("./read-line.js"),
      ]);
      const bytes = parseCount("bytes", options.bytes, 0);
      const nodes = parseCount("nodes", options.nodes, 0);
      return compareSnapshots({ ...options, bytes, nodes }, terminal, readLine);
    }),
  );

  const summary = command
    .command("summary")
    .description("count and size of what is below each znode (zkSnapshotRecursiveSummaryToolkit.sh)")
    .argument("<place>", place)
    .argument("<path>", "where it begins")
    .argument("<depth>", "levels that are shown; 0 for all");
  withOutput(summary).action((file: string, path: string, depth: string, options) =>
    run(async (terminal) => {
      const [{ snapshotSummary }, { parseCount }] = await Promise.all([
        import("./snapshot-summary.js"),
        import("./arguments.js"),
      ]);
      return snapshotSummary(file, path, parseCount("depth", depth, 0), options, terminal);
    }),
  );

  const sizes = command
    .command("sizes")
    .description("the largest subtrees")
    .argument("<place>", place)
    .option("--path <path>", "look only below this znode", "/")
    .option("--depth <levels>", "how deep to look", "2")
    .option("--top <count>", "how many to show", "20");
  withOutput(sizes).action((file: string, options) =>
    run(async (terminal) => {
      const [{ snapshotSizes }, { parseCount }] = await Promise.all([
        import("./snapshot-summary.js"),
        import("./arguments.js"),
      ]);
      const depth = parseCount("depth", options.depth, 0);
      const top = parseCount("top", options.top, 1);
      return snapshotSizes(file, { ...options, depth, top }, terminal);
    }),
  );
}

const SNAPSHOT_HELP = `
Snapshots may be plain, .gz or .snappy. Text is what ZooKeeper's tools print.

Exit codes
  0   done
  1   there is no such znode, or no valid snapshot
  2   the command line is wrong, or there is no such file
  20  the snapshot is damaged or not complete
  22  not a snapshot, or of another version

Examples
  quoll snapshot /var/lib/zookeeper/version-2/snapshot.1a
  quoll snapshot zoo.cfg -o json | jq -r 'select(.kind == "znode") | .path'
  quoll snapshot sizes zoo.cfg --depth 3 --top 10
  quoll snapshot summary snapshot.1a / 2
  quoll snapshot compare -l snapshot.1a -r snapshot.2b -b 1000 -n 10`;

function addVerify(quoll: Command): void {
  const command = quoll
    .command("verify")
    .description("check every file of a data directory, and say what a start would do; changes nothing")
    .argument("<place>", "dataDir or zoo.cfg")
    .option("--log-dir <dir>", "dataLogDir, if it is another directory")
    .option("--trust-empty", "logs without a snapshot are all right, as with snapshot.trust.empty")
    .addHelpText("after", VERIFY_HELP);
  withOutput(command).action((place: string, options) =>
    run(async (terminal) => (await import("./verify.js")).verify(place, options, terminal)),
  );
}

const VERIFY_HELP = `
Reads every snapshot and log from its first to its last byte, then runs recovery without letting it change anything:
checksums, continuity of the txns, the tree's digest, the sync mark, the epochs. Needs as much memory as a server.

Exit codes
  0   sound
  2   the command line is wrong
  3   there is no such directory, or no database in it
  19  nothing acknowledged is lost, but a start would cut off a torn end, or a file that it does not need is bad
  20  acknowledged data is damaged: a server does not start
  22  a file is of another version

Examples
  quoll verify zoo.cfg
  quoll verify /var/lib/zookeeper --log-dir /var/log/zookeeper
  quoll verify zoo.cfg -o json | jq 'select(.state != "ok")'`;

function addCleanup(quoll: Command): void {
  const command = quoll
    .command("cleanup")
    .description("remove old snapshots and logs (zkCleanup.sh)")
    .argument("[directories...]", "dataLogDir [snapDir], or zoo.cfg")
    .option("-n <count>", "how many snapshots to keep, at least 3")
    .option("--dry-run", "only say what would be removed")
    .addHelpText("after", CLEANUP_HELP);
  withOutput(command).action((places: string[], options) =>
    run(async (terminal) => {
      const { n: count, ...rest } = options;
      return (await import("./cleanup.js")).cleanup(
        places,
        { ...rest, ...(count === undefined ? {} : { count }) },
        terminal,
      );
    }),
  );
}

const CLEANUP_HELP = `
Only snapshots that verify wholly count, and nothing is removed when the logs behind the oldest of them have a gap.
It may run beside a server.

Exit codes
  0   done, or nothing to do
  1   the command line is wrong, or nothing was removed because too few snapshots are valid

Examples
  quoll cleanup zoo.cfg -n 3
  quoll cleanup /var/log/zookeeper /var/lib/zookeeper -n 5
  quoll cleanup zoo.cfg -n 3 --dry-run`;

function addBackup(quoll: Command): void {
  const command = quoll
    .command("backup")
    .description("copy a database, of a running or stopped server, with checksums")
    .argument("<place>", "dataDir or zoo.cfg, of Quoll or ZooKeeper")
    .argument("<target>", "the directory to make; it must not exist")
    .option("--log-dir <dir>", "dataLogDir, if it is another directory")
    .option("--latest", "only the newest snapshot and the logs behind it; by default all that can be restored")
    .addHelpText("after", BACKUP_HELP);
  withOutput(command).action((place: string, target: string, options) =>
    run(async (terminal) => (await import("./backup.js")).backup(place, target, options, terminal)),
  );
}

const BACKUP_HELP = `
Files are only read, so that it is safe beside a running server, its purge and its snapshots. The copy holds all that was
acknowledged when the command began. The target appears complete or not at all; manifest.json has the SHA-256 of each file
and the range of zxids that can be restored. It is a data directory, too.

Exit codes
  0   done
  2   the command line is wrong, or the target exists
  3   there is no such directory, or no database in it
  20  acknowledged data is damaged: quoll verify says where
  21  a read or write failed

Examples
  quoll backup zoo.cfg /backup/zk-2026-03-01
  quoll backup /var/lib/zookeeper --log-dir /var/log/zookeeper /backup/zk
  quoll backup zoo.cfg /backup/zk --latest -o json`;

function addRestore(quoll: Command): void {
  const command = quoll
    .command("restore")
    .description("bring a database back from a backup, up to any zxid or time that its logs cover")
    .argument("<source>", "a backup; or the dataDir or zoo.cfg of a stopped server")
    .argument("[place]", "dataDir, made if it is missing, or zoo.cfg")
    .option("--log-dir <dir>", "dataLogDir, if it is to be another directory")
    .option("--zxid <zxid>", "the last txn that comes back")
    .option("--time <time>", "the last moment that comes back: ISO 8601, ms since 1970, or how long ago as in 2h")
    .option("--replace", "if there is a database, move it aside to version-2.replaced-TIME")
    .option("--list", "only say what can be restored")
    .addHelpText("after", RESTORE_HELP);
  withOutput(command).action((source: string, place: string | undefined, options) =>
    run(async (terminal) => (await import("./restore.js")).restore(source, place, options, terminal)),
  );
}

const RESTORE_HELP = `
Checks every checksum, writes beside the target, starts from the copy as a server would, and renames it only when that
went well: there is never half a database. Without --zxid and --time all of the backup comes back.
In an ensemble, stop all servers, restore one and empty version-2 of the others; or restore all from the same backup.

Exit codes
  0   done
  1   the zxid or time is not covered
  2   the command line is wrong
  3   there is a database already, or a server uses the directory
  20  the backup is damaged
  21  a read or write failed

Examples
  quoll restore --list /backup/zk-2026-03-01
  quoll restore /backup/zk-2026-03-01 /var/lib/zookeeper
  quoll restore /backup/zk-2026-03-01 zoo.cfg --replace --zxid 0x1a2b
  quoll restore /backup/zk-2026-03-01 /tmp/look --time 2026-03-01T12:30:00Z`;

function addHistory(quoll: Command): void {
  const command = quoll
    .command("history")
    .description("every change to a znode that the logs still hold")
    .argument("<path>", "the znode")
    .argument("<place>", "dataDir, zoo.cfg or a backup")
    .option("--log-dir <dir>", "dataLogDir, if it is another directory")
    .option("-r, --recursive", "with all that is below it")
    .option("--since <time>", "only changes since then")
    .option("--until <time>", "only changes until then")
    .addHelpText("after", HISTORY_HELP);
  withOutput(command).action((path: string, place: string, options) =>
    run(async (terminal) => (await import("./history.js")).history(path, place, options, terminal)),
  );
}

const HISTORY_HELP = `
Says of each change when it was made, its zxid and session, and the value before and after. Before the first snapshot that
is still there, old values may be unknown.

Exit codes
  0   done
  1   the logs hold no change to this znode
  2   the command line is wrong
  3   there is no such directory, or no database in it
  22  a file is of another version

Examples
  quoll history /app/config zoo.cfg
  quoll history /app -r /var/lib/zookeeper --since 1d -o json`;

function addDiff(quoll: Command): void {
  const command = quoll
    .command("diff")
    .description("znodes added, removed and changed between two zxids")
    .argument("<from>", "a zxid")
    .argument("<to>", "a later zxid, or now")
    .argument("<place>", "dataDir, zoo.cfg or a backup")
    .option("--log-dir <dir>", "dataLogDir, if it is another directory")
    .option("--path <path>", "only this znode and what is below it", "/")
    .option("--times", "from and to are times: ISO 8601, ms since 1970, or how long ago as in 2h")
    .addHelpText("after", DIFF_HELP);
  withOutput(command).action((from: string, to: string, place: string, options) =>
    run(async (terminal) => (await import("./diff.js")).diff(from, to, place, options, terminal)),
  );
}

const DIFF_HELP = `
Compares data, ACL and owner; versions and children follow from them. Needs as much memory as a server.

Exit codes
  0   the same
  1   there are differences
  2   the command line is wrong
  3   there is no such directory, no database in it, or the zxids are not covered
  20  acknowledged data is damaged

Examples
  quoll diff 0x1a2b 0x1c3d zoo.cfg
  quoll diff --times 2h now zoo.cfg --path /app
  quoll diff 0x1a2b now /backup/zk -o json`;

function withOutput(command: Command): Command {
  return command.addOption(new Option("-o, --output <format>", "text, or json: one object per line").default("text"));
}

async function run(body: (terminal: Terminal) => number | Promise<number>): Promise<void> {
  const [{ openTerminal }, { exitCodeOfTool }] = await Promise.all([
    import("./terminal.js"),
    import("./tool-error.js"),
  ]);
  const terminal = openTerminal();
  try {
    process.exitCode = await body(terminal);
  } catch (error) {
    terminal.progress.clear();
    terminal.out.flush();
    const exitCode = exitCodeOfTool(error);
    const isKnown = typeof (error as { code?: unknown } | null)?.code === "string";
    const text = isKnown || !(error instanceof Error) ? String((error as Error)?.message ?? error) : error.stack;
    terminal.err.write(`${text}\n`);
    process.exitCode = exitCode;
  } finally {
    terminal.out.flush();
  }
}
