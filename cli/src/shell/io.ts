import type { Writable } from "node:stream";
import { Style } from "./style.js";

export type OutputFormat = "text" | "json";

/** Where commands print. Text has zkCli's form; JSON is one document per line. */
export class ShellIo {
  readonly style: Style;
  readonly errorStyle: Style;

  constructor(
    private readonly stdout: Writable,
    private readonly stderr: Writable,
    readonly format: OutputFormat,
    /** A person looks at it: what helps to read may be added. Never true for JSON. */
    readonly isTerminal: boolean,
    /** Whether standard error is a terminal: progress is shown there. */
    readonly hasProgress: boolean,
    hasColor: boolean,
  ) {
    this.style = new Style(hasColor && isTerminal);
    this.errorStyle = new Style(hasColor && hasProgress);
  }

  /** The same streams with another format. */
  withFormat(format: OutputFormat): ShellIo {
    if (format === this.format) return this;
    const isTerminal = this.isTerminal && format === "text";
    return new ShellIo(this.stdout, this.stderr, format, isTerminal, this.hasProgress, this.errorStyle.isOn);
  }

  out(text: string): void {
    this.stdout.write(text);
  }

  err(text: string): void {
    this.stderr.write(text);
  }

  /** Writes text whatever the format, and resolves once the reader keeps up. */
  write(text: string): Promise<void> {
    return writeTo(this.stdout, text);
  }

  /** The answer of a command: `value` in JSON, else `text`. */
  answer(value: unknown, text: () => string): void {
    this.out(this.format === "json" ? `${JSON.stringify(value)}\n` : text());
  }

  /** As {@link answer}, for commands that print much: resolves once the reader keeps up, so that nothing piles up here. */
  answerSlowly(value: unknown, text: () => string): Promise<void> {
    return this.write(this.format === "json" ? `${JSON.stringify(value)}\n` : text());
  }
}

/** Writes to a stream, and resolves once it can take more, or never will. */
export function writeTo(stream: Writable, text: string): Promise<void> {
  if (stream.write(text) || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      for (const event of ["drain", "close", "error"]) stream.off(event, end);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) stream.on(event, end);
  });
}
