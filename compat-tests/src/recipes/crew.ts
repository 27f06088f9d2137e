import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../differential/random.js";
import { parseLedger } from "./ledger.js";
import { type Language, PeerProcess } from "./peer-process.js";

const HOLD_MS = 30;
const SESSION_MS = 3000;
/** Long enough for the session to expire, even if it begins to count anew because its server was started again meanwhile. */
const PAUSE_MS = SESSION_MS + 4000;

/** Who takes part in a scenario. */
export interface Part {
  readonly language: Language;
  readonly count: number;
  readonly scenario: string;
}

/** The processes of a scenario. Those that are killed are replaced. */
export class Crew {
  /** Those that take part, and may be disturbed. */
  private readonly peers: { process: PeerProcess; part: Part }[] = [];
  private readonly all: PeerProcess[] = [];
  private readonly counts = { killed: 0, paused: 0, held: 0 };
  private made = 0;

  constructor(
    private readonly servers: string,
    private readonly path: string,
    private readonly ledger: string,
    private readonly random: Random,
  ) {}

  get told(): string {
    return `${this.counts.killed} killed, ${this.counts.paused} paused, ${this.counts.held} more while they held`;
  }

  async start(parts: readonly Part[]): Promise<void> {
    await Promise.all(parts.flatMap((part) => Array.from({ length: part.count }, () => this.add(part))));
  }

  /** Kills and pauses now and then; a pause may be longer than a session lives. */
  async disturb(forMs: number): Promise<void> {
    const endMs = Date.now() + forMs;
    const pauses: Promise<void>[] = [];
    while (Date.now() < endMs) {
      await sleep(500 + this.random.below(1000));
      const at = this.random.below(this.peers.length);
      const { process, part } = this.peers[at]!;
      if (this.random.chance(35)) {
        this.counts.killed++;
        this.peers.splice(at, 1);
        this.write(process, "killed");
        await process.kill();
        pauses.push(this.add(part));
      } else if (this.random.chance(50)) {
        pauses.push(this.pauseHolder());
      } else {
        pauses.push(this.pause(process, this.random.chance(50) ? PAUSE_MS : 300));
      }
    }
    await Promise.all(pauses);
  }

  async stop(): Promise<void> {
    await Promise.all(this.peers.map(({ process }) => process.stop()));
  }

  async end(): Promise<void> {
    await Promise.all(this.all.map((process) => process.kill()));
  }

  private async add(part: Part): Promise<void> {
    const name = `${part.language}-${++this.made}`;
    const process = new PeerProcess(part.language, name, this.servers, HOLD_MS, SESSION_MS);
    this.all.push(process);
    await process.start(part.scenario, this.path, this.ledger);
    this.peers.push({ process, part });
  }

  private async pause(process: PeerProcess, ms: number): Promise<void> {
    this.counts.paused++;
    this.write(process, "paused");
    process.pause();
    await sleep(ms);
    process.resume();
    this.write(process, "resumed");
  }

  /** Pauses a process in the middle of its section until its session has expired, so that somebody else goes on. */
  private async pauseHolder(): Promise<void> {
    for (let tries = 0; tries < 20; tries++) {
      const holder = this.peers.find(({ process }) => process.name === this.lastHolder())?.process;
      if (holder !== undefined) {
        this.write(holder, "paused");
        holder.pause();
        const isHolding = this.lastHolder() === holder.name;
        if (isHolding) await sleep(PAUSE_MS);
        holder.resume();
        this.write(holder, "resumed");
        if (isHolding) {
          this.counts.held++;
          return;
        }
      }
      await sleep(10);
    }
  }

  /** Who has begun a section last and not ended it yet; null if that has come to its end. */
  private lastHolder(): string | null {
    const steps = parseLedger(readFileSync(this.ledger, "utf8")).filter(
      ({ step }) => step === "begin" || step === "end",
    );
    const last = steps.at(-1);
    return last?.step === "begin" ? last.who : null;
  }

  private write(process: PeerProcess, step: string): void {
    appendFileSync(this.ledger, `${process.name} ${step}\n`);
  }
}
