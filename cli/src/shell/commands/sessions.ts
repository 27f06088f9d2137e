import { parseConnectString } from "@quoll/client";
import { ask } from "../../ask.js";
import type { Command, CommandContext } from "../command.js";
import { type ConnectionLine, ephemeralsOfDump, sessionsOfCons } from "../text/connections.js";
import { hex, isoDate } from "../text/stat.js";
import { durationText } from "../text/units.js";
import { walk } from "../walk.js";

const ANSWER_TIMEOUT_MS = 3000;

interface SessionRow {
  readonly session: string;
  server: string | null;
  connection: ConnectionLine | null;
  ephemerals: number;
}

export const sessions: Command = {
  name: "sessions",
  usage: "[-e]",
  specs: { options: [{ name: "e", help: "count ephemerals by walking the tree, also where the servers tell" }] },
  isZkCli: false,
  wordsMin: 1,
  summary: "list the sessions: from where, since when, how many ephemerals",
  details:
    "Asks each server of the connect string for cons and dump, if its 4lw.commands.whitelist allows. Where none does, the tree is walked: then only sessions with ephemerals are seen. find -owner lists their paths.",
  examples: [["sessions", ""]],
  json: "a line for each: session, server, client, timeoutMs, since, ephemerals",
  async run(context, args) {
    const { io, shell, client } = context;
    const rows = new Map<string, SessionRow>();
    const rowOf = (session: string) => {
      let row = rows.get(session);
      if (row === undefined) rows.set(session, (row = { session, server: null, connection: null, ephemerals: 0 }));
      return row;
    };
    let isTold = false;
    let ephemeralsTold = false;
    for (const { host, port } of parseConnectString(shell.servers).servers) {
      const cons = await answerOf("cons", host, port);
      if (cons === null) continue;
      isTold = true;
      for (const connection of sessionsOfCons(cons)) {
        const row = rowOf(connection.session);
        row.server = `${host}:${port}`;
        row.connection = connection;
      }
      const dump = await answerOf("dump", host, port);
      if (dump === null || !dump.includes("Sessions with Ephemerals")) continue;
      ephemeralsTold = true;
      for (const [session, paths] of ephemeralsOfDump(dump)) {
        const row = rowOf(session);
        row.ephemerals = Math.max(row.ephemerals, paths.length);
      }
    }
    if (!ephemeralsTold || args.has("e")) {
      for (const row of rows.values()) row.ephemerals = 0;
      await countEphemerals(context, (session) => {
        rowOf(session).ephemerals++;
      });
    }
    if (!isTold) {
      io.err("No server answers cons (4lw.commands.whitelist): only sessions with ephemerals are listed\n");
    }
    const own = client.session === null ? null : hex(client.session.id);
    for (const row of [...rows.values()].sort((a, b) => (a.session < b.session ? -1 : 1))) {
      const { session, server, connection, ephemerals } = row;
      const since = connection === null || Number.isNaN(connection.sinceMs) ? null : isoDate(connection.sinceMs);
      const value = {
        session,
        server,
        client: connection?.client ?? null,
        timeoutMs: connection?.timeoutMs ?? null,
        since,
        ephemerals,
        isOwn: session === own,
      };
      await io.answerSlowly(value, () => {
        const from =
          connection === null
            ? "not connected to a server that was asked"
            : `from ${connection.client} on ${server}, timeout ${connection.timeoutMs} ms, for ${durationText(Date.now() - connection.sinceMs)}`;
        const mark = session === own ? " (this shell)" : "";
        return `${io.style.paint("cyan", session)}  ${ephemerals} ephemerals  ${from}${mark}\n`;
      });
    }
  },
};

/** Null when the server does not answer, or may not. */
async function answerOf(word: string, host: string, port: number): Promise<string | null> {
  try {
    const answer = await ask(word, host, port, ANSWER_TIMEOUT_MS);
    return answer === "" || answer.includes("is not in the whitelist") || answer.includes("is not executed")
      ? null
      : answer;
  } catch {
    return null;
  }
}

async function countEphemerals({ client, signal }: CommandContext, count: (session: string) => void): Promise<void> {
  for await (const { stat } of walk(client, "/", { signal })) if (stat.isEphemeral) count(hex(stat.ephemeralOwner));
}
