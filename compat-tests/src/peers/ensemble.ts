import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fourLetterWord, freePort, type RunningServer, type ServerKind, startServer } from "./server.js";

/** What a member of an ensemble runs. */
export type MemberKind = "quoll" | "java-3.9.5" | "java-3.8.6";

export interface EnsembleOptions {
  /** Holds a folder for each member. */
  readonly dir: string;
  /** By sid, from 1 on. */
  readonly kinds: readonly MemberKind[];
  /** The sids of observers; the others vote. */
  readonly observers?: readonly number[];
  readonly tickTimeMs?: number;
  /** Further lines of every zoo.cfg. */
  readonly cfg?: Readonly<Record<string, string | number>>;
  /** Lines of one member's zoo.cfg. */
  readonly memberCfg?: (sid: number) => Readonly<Record<string, string | number>>;
}

const HOST = "127.0.0.1";

/** One member: a directory and ports, and at times a process. */
export class Member {
  server: RunningServer | null = null;

  constructor(
    readonly sid: number,
    public kind: MemberKind,
    readonly dir: string,
    readonly clientPort: number,
    readonly quorumPort: number,
    readonly electionPort: number,
    readonly isObserver: boolean,
  ) {}

  get address(): string {
    return `${HOST}:${this.clientPort}`;
  }

  /** What it says of itself: leader, follower, observer, …, or null while it does not serve. */
  async mode(): Promise<string | null> {
    const text = await fourLetterWord(HOST, this.clientPort, "srvr", 500).catch(() => "");
    return /^Mode: (\S+)/m.exec(text)?.[1] ?? null;
  }

  /** A line of `mntr`, or null. */
  async metric(name: string): Promise<string | null> {
    const text = await fourLetterWord(HOST, this.clientPort, "mntr", 2000).catch(() => "");
    return new RegExp(`^zk_${name}\\t(.*)$`, "m").exec(text)?.[1] ?? null;
  }
}

/** Servers of one ensemble, of any kinds, each a process of its own on the loopback. */
export class Ensemble {
  private constructor(
    readonly members: readonly Member[],
    private readonly options: EnsembleOptions,
  ) {}

  /** Prepares the folders; nothing runs yet. */
  static async prepare(options: EnsembleOptions): Promise<Ensemble> {
    const members: Member[] = [];
    for (const [i, kind] of options.kinds.entries()) {
      const sid = i + 1;
      const dir = join(options.dir, `server-${sid}`);
      mkdirSync(join(dir, "data"), { recursive: true });
      writeFileSync(join(dir, "data", "myid"), `${sid}\n`);
      const ports = [await freePort(), await freePort(), await freePort()] as const;
      members.push(new Member(sid, kind, dir, ...ports, options.observers?.includes(sid) ?? false));
    }
    return new Ensemble(members, options);
  }

  /** For clients: all members. */
  get connectString(): string {
    return this.members.map((member) => member.address).join(",");
  }

  member(sid: number): Member {
    return this.members[sid - 1]!;
  }

  /** Starts all members and waits until each serves. */
  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => this.startMember(member.sid)));
  }

  /** Starts one member, as what it is or as another kind, on the data that it has. */
  async startMember(sid: number, kind: MemberKind = this.member(sid).kind): Promise<void> {
    const member = this.member(sid);
    member.kind = kind;
    const [serverKind, javaVersion] = kind === "quoll" ? ["quoll"] : ["java", kind.slice("java-".length)];
    const lines = this.members.map(({ sid: id, quorumPort, electionPort, clientPort, isObserver }) => [
      `server.${id}`,
      `${HOST}:${quorumPort}:${electionPort}:${isObserver ? "observer" : "participant"};${HOST}:${clientPort}`,
    ]);
    const cfg: Record<string, string | number> = {
      tickTime: this.options.tickTimeMs ?? 500,
      initLimit: 20,
      syncLimit: 6,
      "4lw.commands.whitelist": "*",
      ...(member.isObserver ? { peerType: "observer" } : {}),
      ...this.options.cfg,
      ...this.options.memberCfg?.(sid),
      ...Object.fromEntries(lines),
      clientPort: member.clientPort,
    };
    member.server = await startServer({
      kind: serverKind as ServerKind,
      dir: member.dir,
      cfg,
      startTimeoutMs: 60_000,
      ...(javaVersion === undefined ? {} : { javaVersion }),
    });
  }

  async stopMember(sid: number, how: "stop" | "kill" = "stop"): Promise<void> {
    const { server } = this.member(sid);
    this.member(sid).server = null;
    await server?.[how]();
  }

  /** The member that leads, once there is one. */
  async leader(timeoutMs = 30_000): Promise<Member> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      for (const member of this.members) {
        if (member.server !== null && (await member.mode()) === "leader") return member;
      }
      if (Date.now() > deadline) throw new Error(`no member leads after ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => this.stopMember(member.sid)));
  }

  /** Removes all folders. */
  remove(): void {
    rmSync(this.options.dir, { recursive: true, force: true });
  }
}
