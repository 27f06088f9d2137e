import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ToolError, ToolExit } from "./tool-error.js";

/** The file beside a backup's `version-2`. */
export const MANIFEST_NAME = "manifest.json";
const FORMAT = "quoll-backup";
const VERSION = 1;

/** What a backup holds. */
export interface Manifest {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** When it was begun: all that was acknowledged then is in it. ISO 8601. */
  readonly createdAt: string;
  readonly host: string;
  readonly dataDir: string;
  readonly lastZxid: string;
  /** Of the last txn, or null when there is none. */
  readonly lastTime: string | null;
  /** States that can be brought back. */
  readonly ranges: readonly { readonly from: string; readonly to: string; readonly toTime: string | null }[];
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** Below the backup's `version-2`. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export function manifestText(contents: Omit<Manifest, "format" | "version">): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...contents }, null, 2)}\n`;
}

/** @returns null for a directory that is no backup */
export function readManifest(directory: string): Manifest | null {
  const path = join(directory, MANIFEST_NAME);
  if (!existsSync(path)) return null;
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ToolError(ToolExit.damaged, `${path}: not JSON (${(error as Error).message}). Take another backup.`);
  }
  const isNamed = Array.isArray(manifest.files) && manifest.files.every(({ name }) => /^[\w.]+$/.test(name));
  if (manifest.format === FORMAT && manifest.version === VERSION && isNamed) return manifest;
  throw new ToolError(
    ToolExit.format,
    `${path}: expected format ${FORMAT}, version ${VERSION}, got ${manifest.format}, version ${manifest.version}. ` +
      "Use the version of quoll that made this backup.",
  );
}
