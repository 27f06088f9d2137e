/** A session as a server's `cons` shows it. */
export interface ConnectionLine {
  readonly session: string;
  /** The client's address and port. */
  readonly client: string;
  readonly timeoutMs: number;
  /** When the connection began, ms since 1970. */
  readonly sinceMs: number;
}

/** The sessions in the answer to `cons`; connections without one (such as that of the question itself) are left out. */
export function sessionsOfCons(text: string): ConnectionLine[] {
  const sessions: ConnectionLine[] = [];
  for (const line of text.split("\n")) {
    const [, client, fields] = /^\s*\/?(\S+)\[\d+\]\((.*)\)\s*$/.exec(line) ?? [];
    if (client === undefined || fields === undefined) continue;
    const values = new Map(fields.split(",").map((field) => field.split("=", 2) as [string, string]));
    const session = values.get("sid");
    if (session === undefined) continue;
    const number = (name: string) => Number(values.get(name) ?? Number.NaN);
    sessions.push({ session, client, timeoutMs: number("to"), sinceMs: number("est") });
  }
  return sessions;
}

/** The paths of ephemerals by session, from the answer to `dump`. */
export function ephemeralsOfDump(text: string): Map<string, string[]> {
  const bySession = new Map<string, string[]>();
  const [, ephemerals = ""] = text.split(/^Sessions with Ephemerals .*$/m);
  let paths: string[] | null = null;
  for (const line of ephemerals.split("\n")) {
    const [, session] = /^(0x[0-9a-f]+):\s*$/.exec(line) ?? [];
    if (session !== undefined) {
      paths = [];
      bySession.set(session, paths);
    } else if (/^\s+\//.test(line)) paths?.push(line.trimStart());
    else if (line.trim() !== "") paths = null;
  }
  return bySession;
}
