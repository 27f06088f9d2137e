import { type Member, verifierOf } from "@quoll/zab";
import { ClientChecker } from "../checker/client-checker.js";
import { EnsembleModel, NodeModel } from "../checker/ensemble-model.js";
import { NaiveTree } from "../checker/naive-tree.js";
import { Violation, violated } from "../checker/violation.js";
import { SimDisk } from "../disk/sim-disk.js";
import { Kernel } from "../kernel/kernel.js";
import { RandomStream } from "../kernel/random.js";
import { Network } from "../network/network.js";
import {
  CLIENT_PORT,
  ELECTION_PORT,
  type NodeClock,
  type ProcessHost,
  QUORUM_PORT,
  ServerProcess,
} from "../process/server-process.js";
import { SimClient } from "../workload/sim-client.js";
import type { Fault } from "./faults.js";
import type { WorldOptions } from "./world-options.js";

/** A machine of the ensemble: its disk and clock outlast the processes. */
interface Node {
  readonly sid: number;
  readonly name: string;
  disk: SimDisk;
  readonly clock: NodeClock;
  readonly model: NodeModel;
  process: ServerProcess | null;
  /** How often it was started. */
  lives: number;
}

/** What became of a seed. */
export interface Outcome {
  readonly violation: Violation | null;
  readonly hash: number;
  readonly events: number;
  readonly simulatedMs: number;
  readonly operations: number;
  readonly committed: number;
  readonly counters: ReadonlyMap<string, number>;
}

/** How long after its start a failed server comes back. */
const RESTART_MS = 300;
/** A world in which nothing but this happens for a ms of its time is not one that ends. */
const EVENTS_MAX = 20_000_000;

/** One run of a seed: servers, clients and what goes wrong for them. */
export class World {
  readonly kernel: Kernel;
  private readonly network: Network;
  private readonly model = new EnsembleModel();
  private readonly tree = new NaiveTree();
  private readonly checker = new ClientChecker(this.tree);
  private readonly nodes: Node[] = [];
  private readonly clients: SimClient[] = [];
  private readonly counters = new Map<string, number>();
  private readonly host: ProcessHost;
  private isHealing = false;
  private hasRotten = false;

  constructor(
    private readonly seed: number,
    private readonly options: WorldOptions,
    private readonly faults: readonly Fault[],
  ) {
    this.kernel = new Kernel(new RandomStream(seed, "order"));
    this.network = new Network(this.kernel, new RandomStream(seed, "network"), options.network);
    this.model.onCommitted = (txn) => this.tree.apply(txn);
    const { voters, observers } = options;
    const members: Member[] = [];
    for (let sid = 1; sid <= voters + observers; sid++) {
      const host = `s${sid}`;
      members.push({
        sid,
        quorumAddresses: [{ host, port: QUORUM_PORT }],
        electionAddresses: [{ host, port: ELECTION_PORT }],
        clientAddress: { host, port: CLIENT_PORT },
        type: sid <= voters ? "participant" : "observer",
      });
    }
    const verifier = verifierOf({ version: 0, members, groups: new Map(), weights: new Map() });
    this.host = {
      kernel: this.kernel,
      network: this.network,
      model: this.model,
      settings: options.settings,
      verifier,
      counters: this.counters,
      ended: (process, how) => this.processEnded(process, how),
    };
    for (const { sid, type } of members) this.addNode(sid, type === "participant");
    this.addClients();
  }

  private addNode(sid: number, isVoter: boolean): void {
    const random = new RandomStream(this.seed, `node ${sid}`);
    const model = new NodeModel(sid, isVoter);
    this.model.nodes.set(sid, model);
    this.nodes.push({
      sid,
      name: `s${sid}`,
      disk: this.newDisk(sid, 0),
      clock: {
        drift: random.chance(0.5) ? 1 : 0.9 + random.fraction() * 0.2,
        wallOffsetMs: random.between(-5000, 5000),
      },
      model,
      process: null,
      lives: 0,
    });
  }

  private newDisk(sid: number, generation: number): SimDisk {
    return new SimDisk(new RandomStream(this.seed, `disk ${sid} ${generation}`), this.options.disk);
  }

  private addClients(): void {
    const servers = this.nodes.map(({ name }) => `${name}:${CLIENT_PORT}`);
    for (let i = 1; i <= this.options.clients; i++) {
      const random = new RandomStream(this.seed, `client ${i}`);
      this.clients.push(
        new SimClient(`c${i}`, this.kernel, this.network, random, servers, this.options.client, this.checker),
      );
    }
  }

  // --- the run

  run(): Outcome {
    let violation: Violation | null = null;
    try {
      this.safety();
      this.liveness();
    } catch (error) {
      violation = error instanceof Violation ? error : new Violation("Simulator", String((error as Error).stack));
    }
    for (const [what, count] of this.checker.counts) this.counters.set(what, count);
    const { kernel, checker, model, counters } = this;
    return {
      violation,
      hash: kernel.hash >>> 0,
      events: kernel.events,
      simulatedMs: kernel.nowMs,
      operations: checker.operations,
      committed: model.committed.length,
      counters,
    };
  }

  private safety(): void {
    const { kernel, options } = this;
    for (const node of this.nodes) {
      // They are seldom all started at once.
      const random = new RandomStream(this.seed, `start ${node.sid}`);
      kernel.after(random.fraction() * 300, `${node.name} starts`, () => this.start(node));
    }
    for (const client of this.clients) client.start();
    for (const fault of this.faults) {
      kernel.after(fault.atMs, `fault ${fault.kind}`, () => this.inject(fault));
    }
    kernel.run(options.safetyMs, () => this.isTooMuch());
    if (this.isTooMuch())
      violated("Progress", `${kernel.events} events in ${kernel.nowMs} ms: something goes round in circles`);
  }

  private isTooMuch(): boolean {
    return this.kernel.events > EVENTS_MAX;
  }

  /** All faults end; the ensemble has to serve again, and all servers have to agree. */
  private liveness(): void {
    const { kernel, network, options } = this;
    this.isHealing = true;
    kernel.note("all faults end");
    network.heal();
    for (const node of this.nodes) {
      node.disk.stallMs = 0;
      node.process?.setStopped(false);
      if (node.process === null) this.restart(node, 100);
    }
    for (const client of this.clients) client.isQuiet = true;
    const answered = this.checker.operations;
    const probe = (): void => {
      for (const client of this.clients) client.probe();
      kernel.after(500, "probe", probe);
    };
    probe();
    const before = this.checker.newestAnsweredZxid;
    const isDone = kernel.run(
      options.livenessMs,
      () =>
        this.isTooMuch() ||
        (this.isWhole() && this.checker.newestAnsweredZxid > before && this.checker.operations > answered),
    );
    if (!isDone || this.isTooMuch())
      violated("Progress", `not whole ${options.livenessMs} ms after all faults ended: ${this.describe()}`);
    kernel.run(2000);
    kernel.run(options.livenessMs, () => this.isWhole() && this.isEqual());
    if (!this.isEqual()) violated("Convergence", `the servers differ after all: ${this.describe()}`);
  }

  private isWhole(): boolean {
    return this.nodes.every(({ process }) => process?.member.isServing && !process.member.replica.isDamaged);
  }

  private isEqual(): boolean {
    const last = this.model.lastCommitted;
    return this.nodes.every(
      ({ process, model }) => model.last === last && process?.member.replica.tree.lastProcessedZxid === last?.zxid,
    );
  }

  private describe(): string {
    return this.nodes
      .map(({ name, process }) => {
        if (process === null) return `${name} is down`;
        const { peer, replica, isServing } = process.member;
        return `${name} ${peer.state} ${peer.phase} of ${peer.leaderSid} epoch ${peer.epoch} serves ${isServing} damaged ${peer.isDamaged} logged 0x${replica.lastLoggedZxid.toString(16)} applied 0x${replica.lastCommittedZxid.toString(16)}`;
      })
      .join("; ");
  }

  // --- processes

  private start(node: Node): void {
    if (node.process !== null) return;
    const random = new RandomStream(this.seed, `process ${node.sid} ${node.lives++}`);
    this.network.powerIsBack(node.name);
    node.process = new ServerProcess(this.host, node.sid, node.disk, random, node.clock, node.model);
    node.process.start();
  }

  private restart(node: Node, delayMs: number): void {
    this.kernel.after(this.isHealing ? Math.min(delayMs, RESTART_MS) : delayMs, `${node.name} restarts`, () =>
      this.start(node),
    );
  }

  private processEnded(process: ServerProcess, how: "failed" | "lost power"): void {
    const node = this.nodes[process.sid - 1]!;
    this.kernel.note(`${node.name} ${how}`);
    node.process = null;
    this.restart(node, RESTART_MS);
  }

  private down(node: Node, isPowerLost: boolean, durationMs: number): void {
    const { process } = node;
    if (process === null) return;
    node.process = null;
    if (isPowerLost) process.losePower();
    else process.kill();
    this.restart(node, durationMs);
  }

  // --- faults

  private inject(fault: Fault): void {
    const random = new RandomStream(fault.dice, "fault");
    const node = this.target(fault, random);
    const { kernel, network } = this;
    const other = random.pick(this.nodes);
    kernel.note(`FAULT ${fault.kind} at ${node.name}, ${other.name}, for ${fault.durationMs.toFixed(0)} ms`);
    if (!this.apply(fault, node, other, random)) return;
    this.counters.set(`fault ${fault.kind}`, (this.counters.get(`fault ${fault.kind}`) ?? 0) + 1);
    const later = (what: string, run: () => void): void => {
      kernel.after(fault.durationMs, what, run);
    };
    switch (fault.kind) {
      case "pause":
        later(`${node.name} goes on`, () => node.process?.setStopped(false));
        break;
      case "cut-one-way":
        later("mended", () => network.mend(node.name, other.name));
        break;
      case "cut-both":
      case "isolate":
        later("mended", () => {
          for (const each of fault.kind === "isolate" ? this.nodes : [other]) {
            network.mend(node.name, each.name);
            network.mend(each.name, node.name);
          }
        });
        break;
      case "stall":
        later("the disk is quick again", () => {
          node.disk.stallMs = 0;
        });
        break;
    }
  }

  private target(fault: Fault, random: RandomStream): Node {
    const any = random.pick(this.nodes);
    if (fault.target === "any") return any;
    return this.nodes.find(({ process }) => process?.member?.peer.leading?.isEstablished) ?? any;
  }

  /** @returns whether it could be done */
  private apply(fault: Fault, node: Node, other: Node, random: RandomStream): boolean {
    const { network } = this;
    const { durationMs } = fault;
    switch (fault.kind) {
      case "kill":
      case "power":
        if (node.process === null) return false;
        this.down(node, fault.kind === "power", durationMs);
        return true;
      case "power-all":
        for (const each of this.nodes) this.down(each, true, durationMs * random.fraction());
        return true;
      case "rolling":
        this.nodes.forEach((each, i) => {
          this.kernel.after(i * durationMs, `${each.name} is rolled`, () =>
            this.down(each, random.chance(0.3), durationMs / 2),
          );
        });
        return true;
      case "crash-in-call":
        node.disk.failSoon(30, random.pick(["crash-before", "crash-after"]));
        return true;
      case "EIO":
      case "ENOSPC":
      case "short-write":
        node.disk.failSoon(30, fault.kind);
        return true;
      case "pause":
        node.process?.setStopped(true);
        return node.process !== null;
      case "cut-one-way":
        network.cut(node.name, other.name);
        return node !== other;
      case "cut-both":
        network.cut(node.name, other.name);
        network.cut(other.name, node.name);
        return node !== other;
      case "isolate":
        for (const each of this.nodes) {
          if (each === node) continue;
          network.cut(node.name, each.name);
          network.cut(each.name, node.name);
        }
        return true;
      case "reset":
        network.resetBetween(node.name, other.name);
        return node !== other;
      case "stall":
        node.disk.stallMs = random.pick([20, 200, durationMs]);
        return true;
      case "wall-jump":
        node.clock.wallOffsetMs += random.between(-100_000, 100_000);
        return true;
      case "wipe":
        return this.wipe(node);
      case "rot":
        return this.rot(node, random);
    }
  }

  /**
   * A server loses its disk, with all that it has promised: only when every voter has everything, as no ensemble could stand
   * more.
   */
  private wipe(node: Node): boolean {
    const last = this.model.lastCommitted;
    if (last === null || this.hasRotten || this.options.voters < 3) return false;
    for (const { model } of this.nodes) {
      if (!model.isVoter) continue;
      const { durable, isExcused, acceptedEpoch } = model;
      if (isExcused || durable !== last || model.last !== last || acceptedEpoch < node.model.acceptedEpoch)
        return false;
    }
    this.down(node, true, 200);
    node.disk = this.newDisk(node.sid, node.lives);
    const { model } = node;
    model.last = model.durable = null;
    model.replacement = null;
    model.acceptedEpoch = model.joinedEpoch = 0;
    return true;
  }

  /** Bits change on the disk of one server: it must see that, and take its data from the others. */
  private rot(node: Node, random: RandomStream): boolean {
    if (this.options.voters < 3 || (this.hasRotten && !node.disk.isRotten)) return false;
    if (node.process === null) return false;
    const directory = random.chance(0.8) ? "/log/version-2" : "/data/version-2";
    const names = node.disk.list(directory).filter((name) => /^(log|snapshot)\.[0-9a-f]+$/.test(name));
    if (names.length === 0) return false;
    this.hasRotten = true;
    this.down(node, false, 200);
    node.model.isExcused = true;
    return node.disk.rot(`${directory}/${random.pick(names)}`);
  }
}
