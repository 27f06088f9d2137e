/** What the pure core is given from outside, so that one seed decides everything in the simulator. */
export interface Random {
  /** The next 32 random bits, as a signed int32. */
  int32(): number;
}

/** Hashes that the core needs and the machine computes. */
export interface Hashes {
  /** @param algorithm - `SHA1` (ZooKeeper's default), `SHA-256`, … as `DigestAuthenticationProvider.digestAlg` names it */
  digest(algorithm: string, bytes: Uint8Array): Uint8Array;
}

/** Log lines of the core. `fields` never hold secrets. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
