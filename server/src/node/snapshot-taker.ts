import type { Log } from "../core/capabilities.js";
import type { ServerCore } from "../core/server-core.js";
import type { Directories } from "../core/storage/data-directory.js";
import type { QuollConfig } from "./config/quoll-config.js";
import { snapshotOptions } from "./database.js";
import { purgeInWorker, writeSnapshotInWorker } from "./disk/snapshot-job.js";

/** Takes snapshots when they are due, one at a time, and removes old ones. */
export class SnapshotTaker {
  private runs = false;

  constructor(
    private readonly config: QuollConfig,
    private readonly directories: Directories,
    private readonly log: Log,
  ) {}

  /** Begins a snapshot of the state of this moment. */
  take(core: ServerCore): void {
    const { config, directories, log } = this;
    core.effects.snapshotDue = false;
    if (this.runs) {
      log.warn({}, "the last snapshot is still being written; this one is left out");
      return;
    }
    this.runs = true;
    const startedAtMs = performance.now();
    const { tree } = core;
    const frozen = tree.freeze();
    writeSnapshotInWorker({ kind: "write", frozen, directory: directories.snapDirectory, ...snapshotOptions(config) })
      .then(
        ({ path, size }) => {
          const ms = Math.round(performance.now() - startedAtMs);
          core.stats.snapshotTime.add(ms);
          log.info({ file: path, size, ms }, "snapshot written");
        },
        (error: Error) => {
          core.stats.snapshotErrorCount++;
          log.error({ error: error.message }, "snapshot failed; the txn log goes on and keeps everything");
        },
      )
      .finally(() => {
        tree.release();
        this.runs = false;
      });
  }

  /** Removes the snapshots and logs that nobody needs any more. */
  purge(): void {
    const { logDirectory, snapDirectory } = this.directories;
    purgeInWorker({ logDirectory, snapDirectory }, this.config.autopurge.snapRetainCount).then(
      (purged) => this.log.info({ ...purged }, "purged old snapshots and logs"),
      (error: Error) => this.log.error({ error: error.message }, "purge failed"),
    );
  }
}
