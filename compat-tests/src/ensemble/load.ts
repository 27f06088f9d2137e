import { connect, isKeeperError, type ZooKeeper } from "@quoll/client";

/** A register that one writer counts up, and what the writer knows of it. */
class Register {
  /** The last value that was acknowledged, and the last one that was sent. */
  acked = 0;
  sent = 0;

  constructor(readonly path: string) {}
}

/**
 * Clients that write all the time, each its own registers, so that afterwards it is known what must be there: at least
 * what was acknowledged, at most what was sent. Each also holds an ephemeral znode by its session.
 */
export class Load {
  writes = 0;
  unknown = 0;
  expired = 0;
  private readonly registers: Register[] = [];
  private readonly clients: ZooKeeper[] = [];
  private readonly loops: Promise<void>[] = [];
  private stopping = false;
  /** The longest time between two acknowledged writes of one client. */
  longestGapMs = 0;

  /** Connects the clients and begins. */
  static async start(connectString: string, clients: number, root: string): Promise<Load> {
    const load = new Load();
    for (let i = 0; i < clients; i++) {
      const zk = await connect(connectString, { sessionTimeoutMs: 10_000, operationTimeoutMs: 15_000 });
      load.clients.push(zk);
      if (i === 0) await zk.create(root, "");
      zk.onStateChange(({ state }) => {
        if (state === "expired") load.expired++;
      });
      const register = new Register(`${root}/register-${i}`);
      load.registers.push(register);
      await zk.create(register.path, "0");
      await zk.create(`${root}/ephemeral-${i}`, "", { mode: "ephemeral" });
      load.loops.push(load.run(zk, register, `${root}/made-${i}`));
    }
    return load;
  }

  /** Writes to the register in turn with creating and deleting a znode. */
  private async run(zk: ZooKeeper, register: Register, made: string): Promise<void> {
    let lastMs = performance.now();
    for (let n = 1; !this.stopping; n++) {
      try {
        if (n % 4 === 0) {
          await this.toggle(zk, made);
        } else {
          const value = ++register.sent;
          await zk.setData(register.path, String(value));
          register.acked = value;
        }
        this.writes++;
        const nowMs = performance.now();
        this.longestGapMs = Math.max(this.longestGapMs, nowMs - lastMs);
        lastMs = nowMs;
      } catch (error) {
        if (!isKeeperError(error, "ConnectionLoss", "OperationTimeout", "SessionExpired")) throw error;
        this.unknown++;
      }
    }
  }

  private async toggle(zk: ZooKeeper, path: string): Promise<void> {
    if ((await zk.exists(path)) === null) await zk.create(path, "x").catch(unless("NodeExists"));
    else await zk.delete(path).catch(unless("NoNode"));
  }

  /** Ends the writing, and gives up the sessions if `close`. */
  async stop(close = true): Promise<void> {
    this.stopping = true;
    await Promise.all(this.loops);
    if (close) await Promise.all(this.clients.map((zk) => zk.close()));
  }

  /** @throws Error naming each register that lacks an acknowledged write, or has one that nobody sent */
  async check(zk: ZooKeeper): Promise<void> {
    await zk.sync();
    const problems: string[] = [];
    for (const { path, acked, sent } of this.registers) {
      const value = Number((await zk.getData(path)).text());
      if (value < acked || value > sent) problems.push(`${path} is ${value}; acknowledged ${acked}, sent ${sent}`);
    }
    if (problems.length > 0) throw new Error(problems.join("\n"));
  }
}

/** An earlier attempt, whose answer was lost, may have been carried out. */
function unless(code: "NodeExists" | "NoNode"): (error: unknown) => void {
  return (error) => {
    if (!isKeeperError(error, code)) throw error;
  };
}
