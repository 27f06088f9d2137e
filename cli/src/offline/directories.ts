import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type Directories, parseProperties, VERSION_DIRECTORY } from "@quoll/server/storage";
import { ToolError, ToolExit } from "./tool-error.js";

/** Where a database is: `version-2` of its snapshots and of its logs, and the dataDir around the former. */
export interface Database extends Directories {
  readonly dataDir: string;
}

/**
 * Finds a database by what an operator has at hand: dataDir, its `version-2`, or `zoo.cfg`, which names both directories.
 * @param logDir - dataLogDir or its `version-2`, when it is another one and no `zoo.cfg` tells
 * @throws ToolError when there is no such directory, or no database in it
 */
export function findDatabase(place: string, logDir?: string): Database {
  const path = resolve(place);
  if (!existsSync(path)) throw missing(path);
  if (!statSync(path).isDirectory()) return readZooCfg(path);
  const snapDirectory = versionDirectory(path);
  const logDirectory = logDir === undefined ? snapDirectory : versionDirectory(resolve(logDir));
  return { snapDirectory, logDirectory, dataDir: dataDirOf(snapDirectory) };
}

/** The dataDir and dataLogDir of a `zoo.cfg`, or null for a directory: for tools that take both as ZooKeeper's do. */
export function directoriesOfZooCfg(place: string): { dataDir: string; dataLogDir: string } | null {
  const path = resolve(place);
  if (!existsSync(path) || statSync(path).isDirectory()) return null;
  // The file is not checked as a server would: a tool must work when something else in it is wrong.
  const properties = new Map(
    parseProperties(readFileSync(path, "latin1"), path).map(({ key, value }) => [key.trim(), value.trim()]),
  );
  const dataDir = properties.get("dataDir");
  if (dataDir === undefined) {
    throw new ToolError(
      ToolExit.invocation,
      `${path}: this is neither a directory nor a zoo.cfg: it has no line dataDir=. ` +
        "Name the data directory, its version-2, or the server's zoo.cfg.",
    );
  }
  return { dataDir: resolve(dataDir), dataLogDir: resolve(properties.get("dataLogDir") ?? dataDir) };
}

function readZooCfg(path: string): Database {
  const { dataDir, dataLogDir } = directoriesOfZooCfg(path)!;
  for (const directory of [dataDir, dataLogDir]) if (!existsSync(directory)) throw missing(directory);
  return { dataDir, snapDirectory: versionDirectory(dataDir), logDirectory: versionDirectory(dataLogDir) };
}

/** `version-2` below a data directory, or the directory itself if it is one. */
function versionDirectory(path: string): string {
  if (!existsSync(path)) throw missing(path);
  const below = join(path, VERSION_DIRECTORY);
  if (existsSync(below)) return below;
  if (basename(path) === VERSION_DIRECTORY || readdirSync(path).some(isDataFile)) return path;
  throw new ToolError(
    ToolExit.directory,
    `${path}: there is no database here: no ${VERSION_DIRECTORY} and no snapshot or log. ` +
      "Name dataDir as in zoo.cfg, or zoo.cfg itself.",
  );
}

function isDataFile(name: string): boolean {
  return /^(?:snapshot|log)\.[0-9a-f]+/.test(name);
}

function dataDirOf(snapDirectory: string): string {
  return basename(snapDirectory) === VERSION_DIRECTORY ? dirname(snapDirectory) : snapDirectory;
}

function missing(path: string): ToolError {
  return new ToolError(ToolExit.directory, `${path}: there is no such file or directory. Check the path.`);
}
