import { OpCode } from "../differential/op-code.js";
import { fourLetterWord, type RunningServer, type ServerKind, startServer } from "../peers/server.js";
import { Client, readRequests } from "./client.js";
import { BrokenHistoryError, countDigestMismatches } from "./history.js";
import { type Operation, requestOf } from "./operation.js";

const PARENT = "/a-session-with-very-many-ephemerals";
const EPHEMERALS = 60_000;
const PER_MULTI = 3_000;
const OPEN = { perms: 31, scheme: "world", id: "anyone" };

/**
 * A session whose ephemeral znodes have more bytes of paths than any reader of the log takes in one txn ends, and its
 * server is killed. Whoever reads that log next, Quoll and then ZooKeeper, must find the session and its znodes gone and
 * all else there. (ZooKeeper itself logs the whole list, and does not start any more.)
 */
export async function endLargeSession(dir: string): Promise<void> {
  await onServer("quoll", dir, async (server) => {
    const owner = await connect(server);
    await done(owner, create(PARENT, 0));
    for (let first = 0; first < EPHEMERALS; first += PER_MULTI) {
      const parts = Array.from({ length: PER_MULTI }, (_, i) => create(`${PARENT}/${first + i}`, 1));
      await done(owner, { type: OpCode.multi, parts });
    }
    const witness = await connect(server);
    await expectChildren(witness, EPHEMERALS);
    await done(owner, { type: OpCode.closeSession });
    await expectChildren(witness, 0);
    await done(witness, create("/after", 0));
  });
  for (const kind of ["quoll", "java", "quoll"] as const) {
    await onServer(kind, dir, async (server) => {
      const client = await connect(server);
      await expectChildren(client, 0);
      const [after] = await client.call(readRequests("/after").slice(0, 1));
      if (after.err !== 0) throw new BrokenHistoryError(`${kind} has lost a write: error ${after.err}`);
      const dump = await fourLetterWord(server.host, server.port, "dump");
      if (!/^Sessions with Ephemerals \(0\)/m.test(dump))
        throw new BrokenHistoryError(`${kind} has ephemerals: ${dump}`);
      const mismatches = await countDigestMismatches(server);
      if (mismatches !== 0) throw new BrokenHistoryError(`${kind} counts ${mismatches} digest mismatches`);
    });
  }
}

/** Every server is killed in the end, so that the next one reads the log. */
async function onServer(kind: ServerKind, dir: string, body: (server: RunningServer) => Promise<void>): Promise<void> {
  const cfg = { tickTime: 1000, maxSessionTimeout: 3_600_000, preAllocSize: 64, "4lw.commands.whitelist": "*" };
  const server = await startServer({ kind, dir, cfg });
  try {
    await body(server);
  } finally {
    await server.kill();
  }
}

async function connect(server: RunningServer): Promise<Client> {
  const client = await Client.connect(server.host, server.port, null);
  if (client === null) throw new BrokenHistoryError("no new session was granted");
  return client;
}

function create(path: string, flags: number): Operation {
  return { type: OpCode.create, path, data: "", acl: [OPEN], flags, ttl: 0 };
}

async function done(client: Client, operation: Operation): Promise<void> {
  const [{ err }] = await client.call([requestOf(operation)]);
  if (err !== 0) throw new BrokenHistoryError(`error ${err} for a request of type ${operation.type}`);
}

async function expectChildren(client: Client, expected: number): Promise<void> {
  const children = (await client.call(readRequests(PARENT)))[2];
  const count = children.err === 0 ? children.body.int() : -1;
  if (count !== expected) throw new BrokenHistoryError(`${PARENT} has ${count} children, and must have ${expected}`);
}
