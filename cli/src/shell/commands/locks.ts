import { isKeeperError, type NodeData } from "@quoll/client";
import type { Command, CommandContext } from "../command.js";
import { type Contender, type LockState, lockStateOf } from "../lock-names.js";
import { checkPath, childOf } from "../path.js";
import { dataBrief } from "../text/data.js";
import { hex, isoDate } from "../text/stat.js";
import { durationText } from "../text/units.js";
import { inOrder, walk } from "../walk.js";

const DATA_LENGTH_MAX = 60;

interface Found {
  readonly path: string;
  readonly state: LockState;
}

export const locks: Command = {
  name: "locks",
  usage: "[-w] [path]",
  specs: { options: [{ name: "w", help: "only those for which somebody waits" }] },
  isZkCli: false,
  wordsMin: 1,
  summary: "show who holds locks and who waits, by session",
  details:
    "Knows the names of Curator (locks, read-write locks, leader latches, semaphores of the second version), kazoo (locks, read and write locks, elections), go-zk, and Quoll's recipes, which use the same. Times are by this machine's clock.",
  examples: [
    ["locks", "all there are"],
    ["locks -w /services", "where somebody waits"],
  ],
  json: "a line for each lock: path, kind, family, holders and waiters (name, session, since, data)",
  async run(context, args) {
    const { io, client, signal } = context;
    const root = args.words[1] ?? "/";
    checkPath(root);
    const found = async function* (): AsyncGenerator<Found> {
      for await (const { path, children } of walk(client, root, { signal })) {
        const state = lockStateOf(children);
        if (state !== null && (!args.has("w") || state.waiters.length > 0)) yield { path, state };
      }
    };
    let count = 0;
    for await (const { path, state } of found()) {
      const holders = await detailsOf(context, path, state.holders);
      const waiters = await detailsOf(context, path, state.waiters);
      // All may have gone since the list was read.
      if (holders.length + waiters.length === 0) continue;
      count++;
      const { kind, family } = state.holders[0]!;
      await io.answerSlowly({ path, kind, family, holders: holders.map(jsonOf), waiters: waiters.map(jsonOf) }, () => {
        const lines = [
          `${io.style.paint("cyan", path)}  ${kind}, ${family}`,
          ...holders.map((who) => `  ${io.style.paint("green", "holds")} ${lineOf(who)}`),
          ...waiters.map((who) => `  ${io.style.paint("yellow", "waits")} ${lineOf(who)}`),
        ];
        return `${lines.join("\n")}\n`;
      });
    }
    if (count === 0 && io.isTerminal) io.out("no locks\n");
  },
};

interface Details {
  readonly contender: Contender;
  readonly node: NodeData;
}

async function detailsOf({ client, signal }: CommandContext, parent: string, contenders: readonly Contender[]) {
  const read = async (contender: Contender): Promise<Details | null> => {
    try {
      return { contender, node: await client.getData(childOf(parent, contender.name), { signal }) };
    } catch (error) {
      if (isKeeperError(error, "NoNode", "NoAuth")) return null;
      throw error;
    }
  };
  const details: Details[] = [];
  for await (const found of inOrder(contenders, read)) if (found !== null) details.push(found);
  return details;
}

function jsonOf({ contender, node }: Details): Record<string, unknown> {
  const { name, kind } = contender;
  const session = node.stat.ephemeralOwner === 0n ? null : hex(node.stat.ephemeralOwner);
  return {
    name,
    kind,
    session,
    since: isoDate(node.stat.ctime),
    fencingToken: hex(node.stat.czxid),
    data: node.text(),
  };
}

function lineOf({ contender, node }: Details): string {
  const { stat } = node;
  const session = stat.ephemeralOwner === 0n ? "no session: a persistent znode" : `session ${hex(stat.ephemeralOwner)}`;
  const age = durationText(Date.now() - stat.ctime);
  const data = dataBrief(node.data, DATA_LENGTH_MAX);
  return `${session} for ${age}  ${contender.name}${data === "" ? "" : `  ${data}`}`;
}
