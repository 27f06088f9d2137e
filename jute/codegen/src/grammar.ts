import { CstParser, EOF, type IParserErrorMessageProvider, type TokenType, tokenLabel } from "chevrotain";
import {
  Class,
  Comma,
  Dot,
  describeToken,
  FileName,
  Greater,
  Identifier,
  Include,
  LeftBrace,
  Less,
  MapOf,
  Module,
  primitives,
  RightBrace,
  Semicolon,
  Vector,
  vocabulary,
} from "./lexer.js";

/**
 * The Jute definition language:
 * ```
 * file      = ( include | module )*
 * include   = "include" FileName
 * module    = "module" qualified "{" class* "}"
 * class     = "class" Identifier "{" field* "}"
 * field     = type Identifier ";"
 * type      = primitive | vector | map | qualified
 * vector    = "vector" "<" type ">"
 * map       = "map" "<" type "," type ">"
 * qualified = Identifier ( "." Identifier )*
 * ```
 * None of the three may be empty; the parser's user checks that, because asking for it here would make the errors behind
 * an empty one worse. The parser carries on behind an error, so that one run finds several. That is also why names have
 * rules of their own: a rule that fails is given up as a whole.
 */
class JuteParser extends CstParser {
  constructor() {
    super([...vocabulary], { recoveryEnabled: true, errorMessageProvider: messages });
    this.performSelfAnalysis();
  }

  readonly file = this.RULE("file", () => {
    this.MANY(() => {
      this.OR([
        { ALT: () => this.SUBRULE(this.includeFile, { LABEL: "include" }) },
        { ALT: () => this.SUBRULE(this.moduleBody, { LABEL: "module" }) },
      ]);
    });
    this.CONSUME(EOF);
  });

  private readonly includeFile = this.RULE("include", () => {
    this.CONSUME(Include);
    this.CONSUME(FileName);
  });

  private readonly moduleBody = this.RULE("module", () => {
    this.CONSUME(Module);
    this.SUBRULE(this.qualified, { LABEL: "name" });
    this.CONSUME(LeftBrace);
    this.MANY(() => this.SUBRULE(this.classBody, { LABEL: "class" }));
    this.CONSUME(RightBrace);
  });

  private readonly classBody = this.RULE("class", () => {
    this.CONSUME(Class);
    this.SUBRULE(this.className, { LABEL: "name" });
    this.CONSUME(LeftBrace);
    this.MANY(() => this.SUBRULE(this.field));
    this.CONSUME(RightBrace);
  });

  private readonly className = this.RULE("className", () => {
    this.CONSUME(Identifier, { LABEL: "part" });
  });

  private readonly field = this.RULE("field", () => {
    this.SUBRULE(this.type);
    this.SUBRULE(this.fieldName, { LABEL: "name" });
    this.CONSUME(Semicolon);
  });

  private readonly fieldName = this.RULE("fieldName", () => {
    this.CONSUME(Identifier, { LABEL: "part" });
  });

  private readonly type = this.RULE("type", () => {
    this.OR([
      ...primitives.map((token, i) => ({ ALT: () => this.consume(i, token, { LABEL: "primitive" }) })),
      { ALT: () => this.SUBRULE(this.vector) },
      { ALT: () => this.SUBRULE(this.map) },
      { ALT: () => this.SUBRULE(this.qualified) },
    ]);
  });

  private readonly vector = this.RULE("vector", () => {
    this.CONSUME(Vector);
    this.CONSUME(Less);
    this.SUBRULE(this.type, { LABEL: "element" });
    this.CONSUME(Greater);
  });

  private readonly map = this.RULE("map", () => {
    this.CONSUME(MapOf);
    this.CONSUME(Less);
    this.SUBRULE1(this.type, { LABEL: "key" });
    this.CONSUME(Comma);
    this.SUBRULE2(this.type, { LABEL: "value" });
    this.CONSUME(Greater);
  });

  private readonly qualified = this.RULE("qualified", () => {
    this.AT_LEAST_ONE_SEP({ SEP: Dot, DEF: () => this.CONSUME(Identifier, { LABEL: "part" }) });
  });
}

/** What each rule looks for, where a token's own name would say too little. */
export const expectations: Readonly<Record<string, string>> = {
  file: '"module" or "include"',
  module: 'a class ("class Name { ... }")',
  class: "a field (type, name and semicolon)",
  className: "a class name",
  fieldName: "a field name",
  type: "a type",
  qualified: "a name",
};

function expected(token: TokenType, rule: string): string {
  if (token === Identifier || token === EOF) return expectations[rule];
  // Where a body may end, it may also go on.
  return token === RightBrace ? `${expectations[rule]} or "}"` : tokenLabel(token);
}

const messages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: (o) => `expected ${expected(o.expected, o.ruleName)}, got ${describeToken(o.actual)}`,
  buildNotAllInputParsedMessage: (o) => `expected ${expectations["file"]}, got ${describeToken(o.firstRedundant)}`,
  buildNoViableAltMessage: (o) => `expected ${expectations[o.ruleName]}, got ${describeToken(o.actual[0])}`,
  buildEarlyExitMessage: (o) => `expected ${expectations[o.ruleName]}, got ${describeToken(o.actual[0])}`,
};

/** One parser serves all files: `input` resets it. Its use is in `parser.ts`. */
export const parser = new JuteParser();
