import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../differential/random.js";
import { type Language, PeerProcess } from "./peer-process.js";

const HOLD_MS = 20;
const SESSION_MS = 4000;

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
  private readonly counts = { killed: 0, paused: 0 };
  private made = 0;

  constructor(
    private readonly servers: string,
    private readonly path: string,
    private readonly ledger: string,
    private readonly random: Random,
  ) {}

  get told(): string {
    return `${this.counts.killed} killed, ${this.counts.paused} paused`;
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
      } else {
        this.counts.paused++;
        pauses.push(this.pause(process, this.random.chance(50) ? SESSION_MS + 2000 : 300));
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
    this.write(process, "paused");
    process.pause();
    await sleep(ms);
    process.resume();
    this.write(process, "resumed");
  }

  private write(process: PeerProcess, step: string): void {
    appendFileSync(this.ledger, `${process.name} ${step}\n`);
  }
}
