/** Random numbers; the machine's or a seeded stream. */
export interface Random {
  /** Any int32, evenly. */
  int32(): number;
}

/** The log for people. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
