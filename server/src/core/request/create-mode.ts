/** The flags of a create request, as ZooKeeper's `CreateMode` numbers them. */
export const CreateFlag = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentWithTtl: 5,
  persistentSequentialWithTtl: 6,
} as const;

export function isKnownFlag(flag: number): boolean {
  return flag >= 0 && flag <= 6;
}

export function isEphemeralFlag(flag: number): boolean {
  return flag === CreateFlag.ephemeral || flag === CreateFlag.ephemeralSequential;
}

export function isSequentialFlag(flag: number): boolean {
  return (
    flag === CreateFlag.persistentSequential ||
    flag === CreateFlag.ephemeralSequential ||
    flag === CreateFlag.persistentSequentialWithTtl
  );
}

export function isTtlFlag(flag: number): boolean {
  return flag === CreateFlag.persistentWithTtl || flag === CreateFlag.persistentSequentialWithTtl;
}

const DIGITS = 10;

/**
 * Writes the suffix of a sequential znode, Java's `%010d` of the parent's stored cversion: ten digits, the sign of a
 * wrapped counter included.
 * @returns the offset behind it; at most 11 bytes are written
 */
export function writeSequence(sequence: number, into: Uint8Array, at: number): number {
  const digits = String(Math.abs(sequence)).padStart(sequence < 0 ? DIGITS - 1 : DIGITS, "0");
  if (sequence < 0) into[at++] = 0x2d;
  for (let i = 0; i < digits.length; i++) into[at++] = digits.charCodeAt(i);
  return at;
}
