import { ParseError, UsageError } from "./errors.js";

/** An option of a command: one dash, then its name, which is a letter or a word. */
export interface OptionSpec {
  readonly name: string;
  /** It takes an argument, called so in the help. */
  readonly argument?: string;
  readonly help: string;
}

export interface OptionSpecs {
  readonly options: readonly OptionSpec[];
  /** Of these options only one may be given. */
  readonly group?: { readonly names: readonly string[]; readonly isRequired: boolean };
}

/** The words of a command after its options have been taken out; `words[0]` is the command itself. */
export class ParsedCommand {
  constructor(
    readonly words: readonly string[],
    private readonly given: ReadonlyMap<string, string | null>,
    /** All of it, as it was entered. */
    readonly entered: readonly string[],
  ) {}

  has(name: string): boolean {
    return this.given.has(name);
  }

  /** The argument of an option (its first, if it was given more than once); undefined without the option. */
  value(name: string): string | undefined {
    return this.given.get(name) ?? undefined;
  }

  /** The argument of an option that is a whole number within a range. */
  integer(name: string, fallback: number, min: number, max: number): number {
    const text = this.value(name);
    if (text === undefined) return fallback;
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new UsageError(`-${name} must be a whole number from ${min} to ${max}, not ${text}`);
  }
}

/**
 * Separates options from words by the rules of Commons CLI 1.5, which zkCli uses: options stand anywhere, letters can be
 * run together (`-sw`), an argument follows as the next word, at once (`-v2`) or after an equals sign (`-v=2`), and
 * nothing behind `--` is an option.
 * @throws {@link ParseError} in Commons CLI's words
 */
export function parseOptions(specs: OptionSpecs, args: readonly string[]): ParsedCommand {
  return new OptionParser(specs).parse(args);
}

class OptionParser {
  private readonly byName: ReadonlyMap<string, OptionSpec>;
  private readonly words: string[] = [];
  private readonly given = new Map<string, string | null>();
  /** The option that waits for its argument. */
  private open: OptionSpec | null = null;
  private selected: string | null = null;

  constructor(private readonly specs: OptionSpecs) {
    this.byName = new Map(specs.options.map((option) => [option.name, option]));
  }

  parse(args: readonly string[]): ParsedCommand {
    let isOver = false;
    for (const token of args) {
      if (isOver) this.words.push(token);
      else if (token === "--") isOver = true;
      else if (this.open !== null && this.isArgument(token)) this.close(withoutQuotes(token));
      else if (token.startsWith("--")) this.word(token);
      else if (token.startsWith("-") && token !== "-") this.option(token);
      else this.word(token);
    }
    this.checkArgument();
    const { group } = this.specs;
    if (group?.isRequired && this.selected === null) {
      throw new ParseError("MissingOptionException", `Missing required option: ${this.groupText(group.names)}`);
    }
    return new ParsedCommand(this.words, this.given, args);
  }

  private isArgument(token: string): boolean {
    if (!token.startsWith("-") || token.length === 1 || isNegativeNumber(token)) return true;
    const name = token.slice(1).split("=", 1)[0]!;
    // `--s` is no option, but too like one to be an argument.
    return !this.byName.has(name.replace(/^--?/, "")) && !(name !== "" && this.byName.has(name[0]!));
  }

  private word(token: string): void {
    if (token.startsWith("-") && token.length > 1) {
      throw new ParseError("UnrecognizedOptionException", `Unrecognized option: ${token}`);
    }
    this.words.push(token);
  }

  private option(token: string): void {
    const text = token.slice(1);
    const equals = text.indexOf("=");
    if (equals === -1) {
      const whole = this.byName.get(text);
      if (whole !== undefined) this.begin(whole);
      else if (text.length === 1) this.word(token);
      else this.letters(token);
      return;
    }
    const option = equals === 1 ? this.byName.get(text[0]!) : undefined;
    if (option?.argument === undefined) {
      // `-=x` has no name at all, and Commons CLI keeps it as a word of its own kind: an error too.
      this.word(token);
      return;
    }
    this.begin(option);
    this.close(text.slice(equals + 1));
  }

  /** `-sw`, and `-sv2` where `v` takes an argument. */
  private letters(token: string): void {
    for (let i = 1; i < token.length; i++) {
      const option = this.byName.get(token[i]!);
      if (option === undefined) {
        this.word(token);
        return;
      }
      this.begin(option);
      if (this.open !== null && i + 1 < token.length) {
        this.close(token.slice(i + 1));
        return;
      }
    }
  }

  private begin(option: OptionSpec): void {
    this.checkArgument();
    const { group } = this.specs;
    if (group?.names.includes(option.name)) {
      if (this.selected !== null && this.selected !== option.name) {
        throw new ParseError(
          "AlreadySelectedException",
          `The option '${option.name}' was specified but an option from this group has already been selected: '${this.selected}'`,
        );
      }
      this.selected = option.name;
    }
    if (!this.given.has(option.name)) this.given.set(option.name, null);
    this.open = option.argument === undefined ? null : option;
  }

  private close(argument: string): void {
    const { name } = this.open!;
    if (this.given.get(name) === null) this.given.set(name, argument);
    this.open = null;
  }

  private checkArgument(): void {
    if (this.open === null) return;
    throw new ParseError("MissingArgumentException", `Missing argument for option: ${this.open.name}`);
  }

  private groupText(names: readonly string[]): string {
    return `[${names.map((name) => `-${name} ${this.byName.get(name)!.help}`).join(", ")}]`;
  }
}

/** Java's Double.parseDouble, with its suffixes and hexadecimal floats. */
function isNegativeNumber(token: string): boolean {
  return /^-(?:NaN|Infinity|(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0[xX](?:[\da-fA-F]+\.?|[\da-fA-F]*\.[\da-fA-F]+)[pP][+-]?\d+)[fFdD]?)$/.test(
    token,
  );
}

function withoutQuotes(token: string): string {
  return /^"[^"]*"$/.test(token) ? token.slice(1, -1) : token;
}
