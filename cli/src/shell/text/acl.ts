import { type ACL, Perms } from "@quoll/client";

const LETTERS: ReadonlyArray<readonly [letter: string, perm: number]> = [
  ["c", Perms.CREATE],
  ["d", Perms.DELETE],
  ["r", Perms.READ],
  ["w", Perms.WRITE],
  ["a", Perms.ADMIN],
];

export interface ParsedAcl {
  readonly acl: ACL[];
  /** What could not be understood and was left out, in zkCli's words, one line each. */
  readonly problems: string[];
}

/** Reads `scheme:id:perms[,…]`; the id may hold colons. */
export function parseAcl(text: string): ParsedAcl {
  const acl: ACL[] = [];
  const problems: string[] = [];
  const entries = text.split(",");
  // Java's split drops empty pieces at the end.
  while (entries.length > 1 && entries.at(-1) === "") entries.pop();
  for (const entry of entries) {
    const first = entry.indexOf(":");
    const last = entry.lastIndexOf(":");
    if (first === last) {
      problems.push(`${entry} does not have the form scheme:id:perm`);
      continue;
    }
    let perms = 0;
    for (const letter of entry.slice(last + 1)) {
      const perm = LETTERS.find(([name]) => name === letter)?.[1];
      if (perm === undefined) problems.push(`Unknown perm type: ${letter}`);
      else perms |= perm;
    }
    acl.push({ scheme: entry.slice(0, first), id: entry.slice(first + 1, last), perms });
  }
  return { acl, problems };
}

export function permsText(perms: number): string {
  return LETTERS.map(([letter, perm]) => ((perms & perm) !== 0 ? letter : "")).join("");
}

/** The lines of `getAcl`. */
export function aclText(acl: readonly ACL[]): string {
  return acl.map(({ scheme, id, perms }) => `'${scheme},'${id}\n: ${permsText(perms)}\n`).join("");
}

/** An ACL in JSON: `[{"scheme":"world","id":"anyone","perms":"cdrwa"}]`. */
export function aclJson(acl: readonly ACL[]): Array<Record<string, string>> {
  return acl.map(({ scheme, id, perms }) => ({ scheme, id, perms: permsText(perms) }));
}

/** What {@link aclJson} wrote; null if it is something else. */
export function aclFromJson(value: unknown): ACL[] | null {
  if (!Array.isArray(value)) return null;
  const acl: ACL[] = [];
  for (const entry of value as unknown[]) {
    if (typeof entry !== "object" || entry === null) return null;
    const { scheme, id, perms } = entry as Record<string, unknown>;
    if (typeof scheme !== "string" || typeof id !== "string" || typeof perms !== "string") return null;
    const parsed = parseAcl(`x:x:${perms}`);
    if (parsed.problems.length > 0) return null;
    acl.push({ scheme, id, perms: parsed.acl[0]!.perms });
  }
  return acl;
}
