import { NO_PROGRESS, type Terminal } from "../../src/offline/terminal.js";
import { exitCodeOfTool } from "../../src/offline/tool-error.js";

/** What a tool printed, and how it ended. */
export interface Captured {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a tool as its command would. */
export async function capture(tool: (terminal: Terminal) => number | Promise<number>): Promise<Captured> {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    out: {
      write(text) {
        out += text;
      },
      flush() {},
    },
    err: {
      write(text) {
        err += text;
      },
    },
    progress: NO_PROGRESS,
  };
  try {
    return { code: await tool(terminal), out, err };
  } catch (error) {
    return { code: exitCodeOfTool(error), out, err: `${err}${(error as Error).message}\n` };
  }
}

/** The objects of JSON lines. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
