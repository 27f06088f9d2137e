// One of several processes that contend for a recipe: `peer.js SERVERS NAME HOLD_MS SESSION_MS`. On standard input it gets
// `start SCENARIO PATH LEDGER` and `stop`, and answers `started` and `stopped`. What it does stands in the ledger, one line per
// step; see ledger.ts.
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type ZooKeeper } from "@quoll/client";
import {
  type Acquirable,
  type Held,
  LeaderLatch,
  LeaderSelector,
  LockingQueue,
  Mutex,
  Queue,
  ReadWriteLock,
  Semaphore,
  textSerializer,
} from "@quoll/recipes";

const [servers, name, holdMs, sessionMs] = process.argv.slice(2) as [string, string, string, string];
const LEASES = 3;

class Peer {
  private readonly stopping = new AbortController();

  constructor(
    readonly client: ZooKeeper,
    private readonly path: string,
    private readonly ledger: string,
  ) {
    client.onStateChange(({ state }) => {
      if (state === "expired") this.write("lost");
    });
  }

  stop(): void {
    this.stopping.abort(new Error("stopped"));
  }

  run(scenario: string): Promise<void> {
    switch (scenario) {
      case "mutex": {
        const mutex = new Mutex(this.client, this.path, { data: name });
        return this.contend(() => ["W", mutex]);
      }
      case "read-write": {
        const lock = new ReadWriteLock(this.client, this.path, { data: name });
        return this.contend(() => (Math.random() < 1 / 3 ? ["W", lock.write] : ["R", lock.read]));
      }
      case "semaphore": {
        const semaphore = new Semaphore(this.client, this.path, LEASES, { data: name });
        return this.contend(() => ["L", semaphore]);
      }
      case "selector":
        return this.select();
      case "latch":
        return this.latch();
      case "produce":
        return this.produce(this.queue());
      case "consume":
        return this.consume();
      case "produce-kazoo":
        return this.produce(new LockingQueue(this.client, this.path));
      case "consume-kazoo":
        return this.consumeKazoo();
      default:
        throw new Error(`there is no scenario ${scenario}`);
    }
  }

  /** Acquires again and again; now and then it gives a wait up, by its timeout or by a signal. */
  private async contend(next: () => ["W" | "R" | "L", Acquirable]): Promise<void> {
    while (!this.isStopping) {
      const [kind, lock] = next();
      this.write("try");
      const signal = Math.random() < 0.2 ? AbortSignal.timeout(Math.floor(Math.random() * 1000)) : undefined;
      try {
        await using held = await lock.acquire({ timeoutMs: 6000, signal });
        await this.hold(kind, held);
      } catch (error) {
        this.write(`failed ${(error as Error).name}`);
      }
    }
  }

  private async select(): Promise<void> {
    const selector = new LeaderSelector(
      this.client,
      this.path,
      async (leadership) => {
        this.write("try");
        await this.hold("W", leadership);
      },
      { id: name },
    ).start();
    await this.stopped();
    await selector.close();
  }

  private async latch(): Promise<void> {
    while (!this.isStopping) {
      this.write("try");
      await using latch = new LeaderLatch(this.client, this.path, { id: name }).start();
      try {
        await this.hold("W", await latch.waitForLeadership({ timeoutMs: 4000 }));
      } catch (error) {
        this.write(`failed ${(error as Error).name}`);
      }
    }
  }

  private queue(): Queue<string> {
    return new Queue(this.client, `${this.path}/items`, {
      serializer: textSerializer,
      lockPath: `${this.path}/locks`,
    });
  }

  private async produce(queue: { put(item: string): Promise<void> }): Promise<void> {
    for (let i = 0; !this.isStopping; i++) {
      const item = `${name}:${i}`;
      this.write(`offer ${item}`);
      try {
        await queue.put(item);
        this.write(`put ${item}`);
      } catch (error) {
        this.write(`failed ${(error as Error).name}`);
      }
      await sleep(Number(holdMs));
    }
  }

  private async consume(): Promise<void> {
    const consumer = this.queue().consume(async (item) => {
      this.write(`got ${item}`);
      await sleep(Math.random() * Number(holdMs));
    });
    await this.stopped();
    await consumer.close();
  }

  private async consumeKazoo(): Promise<void> {
    const queue = new LockingQueue(this.client, this.path);
    while (!this.isStopping) {
      try {
        await using entry = await queue.take({ timeoutMs: 500 });
        this.write(`got ${new TextDecoder().decode(entry.data)}`);
        await sleep(Math.random() * Number(holdMs));
        await entry.consume();
      } catch (error) {
        if ((error as { code?: string }).code !== "WAIT_TIMEOUT") this.write(`failed ${(error as Error).name}`);
      }
    }
  }

  private async hold(kind: string, held: Held): Promise<void> {
    const begin = `begin ${kind} ${held.fencingToken}`;
    if (!held.isHeld) return;
    this.write(begin);
    const value = this.counter(`${name} ${begin}`);
    await sleep(Math.random() * Number(holdMs));
    if (!held.isHeld) return this.write("lost");
    this.write(`end ${kind} ${held.fencingToken} ${value + 1}`);
  }

  /** The highest that an end before this beginning says. */
  private counter(begin: string): number {
    let value = 0;
    for (const line of readFileSync(this.ledger, "utf8").split("\n")) {
      if (line === begin) break;
      const words = line.split(" ");
      if (words.length === 5 && words[1] === "end" && words[2] === "W") value = Math.max(value, Number(words[4]));
    }
    return value;
  }

  private get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private stopped(): Promise<void> {
    return new Promise((resolve) => this.stopping.signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  private write(step: string): void {
    appendFileSync(this.ledger, `${name} ${step}\n`);
  }
}

let peer: Peer | null = null;
let running: Promise<void> = Promise.resolve();
for await (const line of createInterface({ input: process.stdin })) {
  const [command, scenario, path, ledger] = line.split(" ") as [string, string, string, string];
  if (command === "start") {
    peer = new Peer(await connect(servers, { sessionTimeoutMs: Number(sessionMs) }), path, ledger);
    running = peer.run(scenario);
    console.log("started");
  } else if (peer !== null) {
    peer.stop();
    await running;
    await peer.client.close();
    console.log("stopped");
  }
}
process.exit(0);
