import { existsSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { ProtocolError } from "@quoll/jute";
import {
  type DataTree,
  type Disk,
  type LoadedSnapshot,
  listSnapshots,
  parseSnapshotName,
  type SnapshotName,
} from "@quoll/server/storage";
import { findDatabase } from "./directories.js";
import type { Terminal } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { loadSnapshot } from "./tree.js";

/** A snapshot's place, and what its name says. */
export interface SnapshotFile {
  readonly directory: string;
  readonly name: SnapshotName;
}

/** What a command line names: a snapshot file, or a database, whose newest valid snapshot is then taken. */
export function openSnapshot(disk: Disk, place: string, terminal: Terminal): OpenedSnapshot {
  const path = resolve(place);
  if (!existsSync(path)) {
    throw new ToolError(ToolExit.invocation, `File '${path}' does not exist.`);
  }
  if (!statSync(path).isDirectory() && !path.endsWith(".cfg")) return load(disk, snapshotFile(path), terminal);
  const { snapDirectory } = findDatabase(place);
  for (const name of listSnapshots(disk, snapDirectory)) {
    try {
      return load(disk, { directory: snapDirectory, name }, terminal);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      terminal.err.write(`${error.message} Trying the one before.\n`);
    }
  }
  throw new ToolError(ToolExit.failed, `${snapDirectory}: there is no valid snapshot here. Name a snapshot file.`);
}

export interface OpenedSnapshot extends LoadedSnapshot<DataTree> {
  readonly file: SnapshotFile;
}

function load(disk: Disk, file: SnapshotFile, { progress }: Terminal): OpenedSnapshot {
  try {
    return { file, ...loadSnapshot(disk, file.directory, file.name, progress) };
  } catch (error) {
    progress.clear();
    if (!(error instanceof ProtocolError)) throw error;
    throw new ToolError(
      ToolExit.damaged,
      `${file.directory}/${file.name.name}: the snapshot is damaged or not complete: ${error.message}.`,
    );
  }
}

/** Any name will do, as for ZooKeeper's tool; what is compressed says so at its end. */
function snapshotFile(path: string): SnapshotFile {
  const name = basename(path);
  const compression = name.endsWith(".gz") ? "gz" : name.endsWith(".snappy") ? "snappy" : "";
  return { directory: dirname(path), name: parseSnapshotName(name) ?? { name, zxid: -1, compression } };
}
