import type { ACL } from "@quoll/client";
import { aclFromJson, aclJson } from "../text/acl.js";
import { dataFromJson, dataJson } from "../text/data.js";

/**
 * One znode of a subtree, as it is copied and exported. All become persistent ones: servers do not tell clients whether a
 * znode is a container or has a TTL.
 */
export interface NodeRecord {
  /** Below the root of the subtree: "" for the root itself, else it begins with a slash. */
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[];
}

/** The first line of an export. */
export interface ExportHead {
  /** Of the format. */
  readonly version: number;
  /** The root's path where it was exported. */
  readonly root: string;
}

/** The last line: without it the export is not whole. */
export interface ExportEnd {
  readonly znodes: number;
  /** SHA-256 of all lines before, line ends included, in hexadecimal. */
  readonly sha256: string;
}

export const EXPORT_VERSION = 1;

export function headLine(root: string): string {
  return `${JSON.stringify({ quollExport: EXPORT_VERSION, root })}\n`;
}

export function recordLine({ path, data, acl }: NodeRecord): string {
  return `${JSON.stringify({ path, ...dataJson(data), acl: aclJson(acl) })}\n`;
}

export function endLine({ znodes, sha256 }: ExportEnd): string {
  return `${JSON.stringify({ end: true, znodes, sha256 })}\n`;
}

export type ExportLine =
  | { readonly type: "head"; readonly head: ExportHead }
  | { readonly type: "record"; readonly record: NodeRecord }
  | { readonly type: "end"; readonly end: ExportEnd };

/** Reads a line of an export; null if it is not one, or not whole. */
export function parseExportLine(line: string): ExportLine | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const fields = value as Record<string, unknown>;
  if ("quollExport" in fields) return headOf(fields);
  if ("end" in fields) return endOf(fields);
  return recordOf(fields);
}

function headOf({ quollExport: version, root }: Record<string, unknown>): ExportLine | null {
  return typeof version === "number" && typeof root === "string" ? { type: "head", head: { version, root } } : null;
}

function endOf({ znodes, sha256 }: Record<string, unknown>): ExportLine | null {
  return typeof znodes === "number" && typeof sha256 === "string" ? { type: "end", end: { znodes, sha256 } } : null;
}

function recordOf(fields: Record<string, unknown>): ExportLine | null {
  const { path } = fields;
  const data = dataFromJson(fields["data"], fields["encoding"]);
  const acl = aclFromJson(fields["acl"]);
  if (typeof path !== "string" || (path !== "" && !path.startsWith("/"))) return null;
  return data === undefined || acl === null ? null : { type: "record", record: { path, data, acl } };
}
