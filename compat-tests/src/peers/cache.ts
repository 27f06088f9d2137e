import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of this repository, wherever it was cloned to. */
export const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/** The folder of that name under `.cache/` (not in git), made if it is missing. What the registries gave us is kept there. */
export function cacheFolder(...names: string[]): string {
  const folder = join(REPOSITORY, ".cache", ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A program that is not ours could not be fetched or does not run here: a failed run in CI, a skip elsewhere. */
export class PeerUnavailableError extends Error {}

/**
 * What a command does about a peer that cannot be had: in CI (`CI` is set) the run fails; elsewhere it says so and ends
 * as skipped.
 */
export function skipUnlessCi(error: unknown): never {
  if (!(error instanceof PeerUnavailableError)) throw error;
  console.error(error.message);
  const isCi = process.env["CI"] !== undefined;
  console.log(isCi ? "0 passed, 1 failed" : "0 passed, 0 failed, 1 skipped");
  process.exit(isCi ? 1 : 0);
}
