import { OpCode } from "./op-code.js";
import { digestId, type Profile, SUPER_AUTH } from "./profile.js";
import { Random } from "./random.js";
import {
  type Acl,
  type Connect,
  encodeRequest,
  type Field,
  type Request,
  ROOT,
  type Script,
  type Send,
  type Step,
} from "./script.js";

const LONG_TIMEOUT_MS = 3_600_000;
const SHORT_TIMEOUT_MS = 1_500;
const CONNECTIONS = 4;
/** As long as every root is. */
const ANY_ROOT = "/e00000";
/** Not used by the random part: authenticated as super, it makes the quota nodes and dumps the tree at the end. */
export const SUPER_CONNECTION = 9;

/** A request, and whether it must be alone in what is sent at once because Java's answer to its neighbours depends on timing. */
interface Draft {
  readonly request: Request;
  readonly isAlone: boolean;
  readonly isRead: boolean;
}

/**
 * Makes one script of about `operations` operations. The same arguments give the same script.
 * @param isTame - only what a sound client may send: no broken frames, paths, lists
 */
export function generate(seed: number, profile: Profile, operations: number, isTame = false): Script {
  return new Generator(new Random(seed), profile, isTame).script(operations);
}

class Generator {
  private readonly steps: Step[] = [];
  private readonly open = new Set<number>();
  private readonly hadSession = new Set<number>();
  private count = 0;

  constructor(
    private readonly random: Random,
    private readonly profile: Profile,
    private readonly isTame: boolean,
  ) {}

  script(operations: number): Script {
    this.prologue();
    while (this.count < operations) this.step();
    return this.steps;
  }

  private add(step: Step, operations: number): void {
    this.steps.push(step);
    this.count += operations;
  }

  private prologue(): void {
    const create = (path: string, data: string | null = "") => createRequest(OpCode.create, path, data, [OPEN], 0);
    const superAuth = { type: OpCode.auth, xid: -4, fields: authFields("digest", SUPER_AUTH) };
    this.add(
      { do: "connect", connection: SUPER_CONNECTION, timeoutMs: LONG_TIMEOUT_MS, readOnly: false, zxidBack: 0 },
      1,
    );
    this.add({ do: "send", connection: SUPER_CONNECTION, requests: [superAuth] }, 1);
    const requests = ["", "/a", "/b", "/a/a", "/q", "/q/a"].map((path) => create(`${ROOT}${path}`));
    const quota = `/zookeeper/quota${ROOT}`;
    const limits = this.random.pick([
      "count=4,bytes=60",
      "count=4,bytes=60=;byteHardLimit=100;countHardLimit=5",
      LIMITS[0],
    ]);
    requests.push(create(quota), create(`${quota}/q`));
    requests.push(create(`${quota}/q/zookeeper_limits`, limits));
    requests.push(create(`${quota}/q/zookeeper_stats`, "count=-1,bytes=-1"));
    for (const request of requests) this.add({ do: "send", connection: SUPER_CONNECTION, requests: [request] }, 1);
  }

  private step(): void {
    const connection = this.random.below(CONNECTIONS);
    if (!this.open.has(connection)) {
      this.connect(connection);
      return;
    }
    this.random.weighted<() => void>([
      [800, () => this.burst(connection)],
      [60, () => this.together()],
      [30, () => this.auth(connection)],
      [15, () => this.closeSession(connection)],
      [12, () => this.drop(connection)],
      [8, () => this.takeOver(connection)],
      [10, () => this.refusedOpcode(connection)],
      [this.isTame ? 0 : 10, () => this.badFrame(connection)],
      [this.isTame ? 0 : 3, () => this.badSasl(connection)],
      [this.isTame ? 0 : 6, () => this.greet(connection)],
      [this.profile.hasClockSteps ? 8 : 0, () => this.expire()],
      [this.profile.hasClockSteps ? 8 : 0, () => this.vanish(connection)],
    ])();
  }

  private connect(connection: number): void {
    const { random } = this;
    const sessionOf = this.hadSession.has(connection) && random.chance(60) ? connection : undefined;
    const step: Connect = {
      do: "connect",
      connection,
      timeoutMs: random.pick([LONG_TIMEOUT_MS, LONG_TIMEOUT_MS, 0x7fffffff]),
      zxidBack: random.pick([0, 0, 0, 3, 1000]),
      ...(random.chance(80) ? { readOnly: random.chance(20) } : {}),
    };
    if (sessionOf !== undefined && random.chance(15)) {
      this.add({ ...step, sessionOf, password: random.pick(["wrong", "short", "null"]) }, 1);
      return;
    }
    if (random.chance(4)) {
      this.add({ ...step, zxidBack: -random.pick([1, 100]) }, 1);
      return;
    }
    this.add(sessionOf === undefined ? step : { ...step, sessionOf }, 1);
    this.open.add(connection);
    this.hadSession.add(connection);
  }

  private burst(connection: number): void {
    const { random } = this;
    const size = random.weighted([
      [3, 1],
      [3, 6],
      [3, 20],
      [2, 50],
    ]);
    let requests: Request[] = [];
    const flush = () => {
      if (requests.length === 0) return;
      const pieces = random.chance(2) ? { pieceBytes: random.pick([1, 3, 7, 50]) } : {};
      this.add({ do: "send", connection, requests, ...pieces }, requests.length);
      requests = [];
    };
    for (let i = 0; i < size; i++) {
      const draft = this.draft();
      const isTooLong = this.isTooLong(draft.request);
      const isAlone = isTooLong || draft.isAlone || (this.profile.enforcesQuota === true && !draft.isRead);
      if (isAlone) flush();
      if (isTooLong) {
        this.closing(connection, draft.request);
        return;
      }
      requests.push(draft.request);
      if (isAlone) flush();
    }
    flush();
  }

  /** The server refuses the frame as soon as it has read its length, ahead of what came before it. */
  private isTooLong(request: Request): boolean {
    const { bufferMax } = this.profile;
    return bufferMax !== undefined && encodeRequest(request, 1, { root: ANY_ROOT, zxid: 0 }).length - 4 > bufferMax;
  }

  private together(): void {
    const connections = [...this.open];
    if (connections.length < 2) return;
    const sends: Send[] = connections.map((connection) => ({
      do: "send",
      connection,
      requests: Array.from({ length: 1 + this.random.below(12) }, () => this.read(false)),
    }));
    this.add(
      { do: "together", sends },
      sends.reduce((sum, send) => sum + send.requests.length, 0),
    );
  }

  private auth(connection: number): void {
    const { random } = this;
    const [scheme, id] = random.pick(CREDENTIALS);
    this.add({ do: "send", connection, requests: [{ type: OpCode.auth, xid: -4, fields: authFields(scheme, id) }] }, 1);
    if (!random.chance(15)) return;
    const fields = authFields(random.pick(["nonsense", "", "DIGEST", null, "sasl", "x509", "super"]), "u1:p1");
    this.closing(connection, { type: OpCode.auth, xid: -4, fields });
  }

  private closeSession(connection: number): void {
    const requests = Array.from({ length: this.random.below(4) }, () => this.read(true));
    requests.push({ type: OpCode.closeSession, fields: [] });
    this.add({ do: "send", connection, requests, closes: true }, requests.length);
    this.open.delete(connection);
    if (this.random.chance(50)) this.hadSession.delete(connection);
  }

  private drop(connection: number): void {
    this.add({ do: "drop", connection }, 1);
    this.open.delete(connection);
  }

  /** A session moves to another connection, or is asked for with a wrong password, while its own connection is open. */
  private takeOver(connection: number): void {
    const isRight = this.random.chance(70);
    const password = isRight ? "right" : this.random.pick(["wrong", "null"] as const);
    const step: Connect = {
      do: "connect",
      connection,
      sessionOf: connection,
      password,
      timeoutMs: LONG_TIMEOUT_MS,
      readOnly: false,
      zxidBack: 0,
    };
    this.add(step, 1);
    if (!isRight) this.open.delete(connection);
  }

  private closing(connection: number, request: Request): void {
    this.add({ do: "send", connection, requests: [request], closes: true }, 1);
    this.open.delete(connection);
  }

  private refusedOpcode(connection: number): void {
    const { random } = this;
    const type = random.pick([
      OpCode.check,
      OpCode.notification,
      -1,
      10,
      23,
      71,
      99,
      108,
      500,
      998,
      0x7fffffff,
      -12,
      -2,
    ]);
    const fields: Field[] = random.chance(50) ? [] : [this.path(), { kind: "int", value: random.below(3) }];
    this.closing(connection, { type, fields });
  }

  private badFrame(connection: number): void {
    const { random } = this;
    const frames: string[] = [
      "\0\0\0\0",
      "\0\0\0\x01\0",
      "\0\0\0\x07\0\0\0\x01\0\0\0",
      "\xff\xff\xff\xff",
      "\x80\0\0\0",
      "\x7f\xff\xff\xff",
      `${int32((this.profile.bufferMax ?? 0xfffff) + 1)}abc`,
      // A second connect request is read as a request: xid 0, type 0.
      `\0\0\0\x2d${"\0".repeat(45)}`,
      "GET / HTTP/1.1\r\n\r\n",
      "ruok",
      "mntr",
    ];
    this.add({ do: "bytes", connection, bytes: random.pick(frames) }, 1);
    this.open.delete(connection);
  }

  /** Connect requests that are short, long, or lie. None may be granted a session shorter than the run. */
  private greet(connection: number): void {
    const { random } = this;
    const timeout = int32(LONG_TIMEOUT_MS);
    const zeros = "\0".repeat(16);
    const session = random.pick(["\0".repeat(8), "\x01\0\0\0\0\0\x12\x34", "\xff".repeat(8)]);
    const protocol = int32(random.pick([0, 0, 1, -1, 10, 42]));
    const password = random.pick([
      `\0\0\0\x10${zeros}`,
      "\xff\xff\xff\xff",
      "\0\0\0\0",
      `\0\0\0\x11${zeros}\0`,
      `\0\0\0\x08${"\0".repeat(8)}`,
    ]);
    const tail = random.pick(["", "\0", "\x01", "\x02", "\0extra", "\x01\0"]);
    const seen = random.pick(["\0".repeat(8), "\0".repeat(8), "\xff".repeat(8), "\x7f\0\0\0\0\0\0\0"]);
    const sound = `${protocol}${seen}${timeout}${session}${password}${tail}`;
    const body = random.weighted([
      [6, sound],
      [2, sound.slice(0, random.below(40))],
      [
        1,
        `${protocol}${seen}${timeout}${session}${random.pick(["\x7f\xff\xff\xff", "\0\0\xff\xff", "\xff\xff\xff\xfe"])}${zeros}\0`,
      ],
      [1, "\0\0\0\x01\0\0\0\x04\0\0\0\x01/\0"],
    ]);
    this.add({ do: "greet", connection, bytes: int32(body.length) + body }, 1);
    this.open.delete(connection);
    this.hadSession.delete(connection);
  }

  private badSasl(connection: number): void {
    this.closing(connection, { type: OpCode.sasl, fields: [text(this.random.pick(["", "abc", null]))] });
  }

  /** A session with ephemerals of its own expires while others watch. */
  private expire(): void {
    const connection = CONNECTIONS;
    this.add({ do: "connect", connection, timeoutMs: SHORT_TIMEOUT_MS, readOnly: false, zxidBack: 0 }, 1);
    const requests = Array.from({ length: 1 + this.random.below(4) }, () =>
      createRequest(OpCode.create, `${ROOT}/${this.name()}`, "x", [OPEN], this.random.pick([1, 3])),
    );
    this.add({ do: "send", connection, requests }, requests.length);
    this.add({ do: "expire", connection }, 1);
    if (!this.random.chance(50)) return;
    const again = {
      do: "connect",
      sessionOf: connection,
      timeoutMs: LONG_TIMEOUT_MS,
      readOnly: false,
      zxidBack: 0,
    } as const;
    this.add({ ...again, connection }, 1);
  }

  /** A container loses its last child, or a TTL node its time, and the server removes it. */
  private vanish(connection: number): void {
    const path = `${ROOT}/gone${this.count}`;
    const requests = this.random.chance(50)
      ? [
          createRequest(OpCode.createContainer, path, "c", [OPEN], 4),
          createRequest(OpCode.create, `${path}/child`, "", [OPEN], 0),
          { type: OpCode.delete, fields: [text(`${path}/child`), int(-1)] },
        ]
      : [createTtlRequest(path, "t", [OPEN], 5, String(1 + this.random.below(300)))];
    this.add({ do: "send", connection, requests }, requests.length);
    this.add({ do: "vanish", connection, path }, 1);
  }

  private draft(): Draft {
    const { random } = this;
    const isRead = random.chance(50);
    const request = isRead ? this.read(true) : this.write();
    if (this.isTame || !random.chance(4)) return { request, isRead, isAlone: !isRead && isHazard(request) };
    return { request: this.damage(request), isRead, isAlone: true };
  }

  /** The bytes of the body are cut, lengthened or changed. */
  private damage(request: Request): Request {
    const { random } = this;
    if (request.fields.some((field) => field.kind === "text" && field.value !== null && QUOTA_NODE.test(field.value)))
      return request;
    switch (random.below(4)) {
      case 0:
        return { ...request, cut: 1 + random.below(20) };
      case 1:
        return { ...request, extra: random.bytes(1 + random.below(12)) };
      case 2:
        return { ...request, poke: { at: random.below(4), byte: random.pick([0, 1, 0x7f, 0x80, 0xff]) } };
      default:
        return { ...request, poke: { at: random.below(40), byte: random.below(256) } };
    }
  }

  private write(): Request {
    const { random } = this;
    const make = random.weighted<() => Request>([
      [12, () => this.create(OpCode.create)],
      [8, () => this.create(OpCode.create2)],
      [3, () => this.create(OpCode.createContainer)],
      [3, () => this.createTtl()],
      [10, () => ({ type: OpCode.delete, fields: [this.path(), this.version()] })],
      [12, () => this.setData()],
      [5, () => ({ type: OpCode.setACL, fields: [this.path(), acls(this.acl()), this.version()] })],
      [8, () => this.multi()],
      [1, () => this.reconfig()],
    ]);
    return make();
  }

  private create(type: number, flags = this.flags(type)): Request {
    const path = this.pathText(true);
    return createRequest(type, path, this.dataFor(path), this.acl(), flags);
  }

  private flags(type: number): number {
    if (type === OpCode.createContainer) return this.random.pick([4, 4, 4, 0, 1]);
    return this.random.weighted([
      [6, 0],
      [4, 1],
      [3, 2],
      [3, 3],
      [1, 4],
      [1, this.random.pick([5, 6, 7, -1, 100])],
    ]);
  }

  private createTtl(flags = this.random.pick([5, 5, 5, 6, 6, 6, 0, 1, 7])): Request {
    // With the flags of another mode Java does not check the time to live, and one out of bounds then ends its process.
    const ttl = flags === 5 || flags === 6 ? this.ttl() : TTL;
    const path = this.pathText(true);
    return createTtlRequest(path, this.dataFor(path), this.acl(), flags, ttl);
  }

  private multi(): Request {
    const { random } = this;
    const fields: Field[] = [];
    const count = random.weighted([
      [1, 0],
      [4, 1],
      [4, 3],
      [2, 8],
    ]);
    for (let i = 0; i < count; i++) {
      const part = random.weighted<() => Request>([
        [7, () => this.create(random.pick([OpCode.create, OpCode.create2]))],
        [1, () => this.create(OpCode.createContainer, 4)],
        [2, () => this.createTtl(5)],
        [5, () => ({ type: OpCode.delete, fields: [this.path(), this.version()] })],
        [6, () => this.setData()],
        [6, () => ({ type: OpCode.check, fields: [this.path(), this.version()] })],
      ])();
      fields.push(...multiHeader(part.type), ...part.fields);
    }
    if (!this.isTame && random.chance(3)) {
      const type = random.pick([OpCode.getData, OpCode.exists, OpCode.setACL, OpCode.deleteContainer, 99]);
      fields.push(...multiHeader(type), this.path(), int(0));
    }
    fields.push(...MULTI_END);
    return { type: OpCode.multi, fields };
  }

  private reconfig(): Request {
    const { random } = this;
    const member = () => text(random.pick([null, "", "server.2=127.0.0.1:2:3:participant;4", "2"]));
    return { type: OpCode.reconfig, fields: [member(), member(), member(), { kind: "long", value: "-1" }] };
  }

  /** @param maySetWatches - watches are left out where several connections read at once */
  private read(maySetWatches: boolean): Request {
    const { random } = this;
    const watched = (type: number): Request => ({
      type,
      fields: [this.path(), { kind: "bool", value: maySetWatches && random.chance(40) }],
    });
    const only = (type: number): Request => ({ type, fields: [this.path()] });
    const choices: [number, () => Request][] = [
      [12, () => watched(OpCode.exists)],
      [12, () => watched(OpCode.getData)],
      [6, () => only(OpCode.getACL)],
      [8, () => watched(OpCode.getChildren)],
      [8, () => watched(OpCode.getChildren2)],
      [2, () => only(OpCode.getAllChildrenNumber)],
      [2, () => this.getEphemerals()],
      [4, () => this.multiRead()],
      [2, () => ({ type: OpCode.whoAmI, fields: [] })],
      [3, () => only(OpCode.sync)],
      [1, () => ({ type: OpCode.ping, xid: -2, fields: [] })],
      [4, () => ({ type: OpCode.checkWatches, fields: [this.path(), this.watcherType()] })],
    ];
    if (maySetWatches) {
      choices.push(
        [
          5,
          () => ({
            type: OpCode.addWatch,
            fields: [text(this.pathText(false) ?? ""), int(random.pick([0, 0, 1, 1, 1, 2, -1]))],
          }),
        ],
        [4, () => ({ type: OpCode.removeWatches, fields: [this.path(), this.watcherType()] })],
        [2, () => this.setWatches(OpCode.setWatches, 3)],
        [2, () => this.setWatches(OpCode.setWatches2, 5)],
      );
    }
    return random.weighted(choices)();
  }

  private getEphemerals(): Request {
    const prefix = this.random.pick([null, "", "/", " ", ROOT, `${ROOT}/a`, `${ROOT}/a/`, "/zoo", "nonsense"]);
    return { type: OpCode.getEphemerals, fields: [text(prefix)] };
  }

  private multiRead(): Request {
    const fields: Field[] = [];
    for (let i = this.random.below(6); i > 0; i--) {
      const type = this.random.pick([OpCode.getData, OpCode.getChildren]);
      fields.push(...multiHeader(type), this.path(), { kind: "bool", value: false });
    }
    if (!this.isTame && this.random.chance(4)) {
      fields.push(...multiHeader(this.random.pick([OpCode.setData, OpCode.exists])), this.path(), int(0), int(0));
    }
    fields.push(...MULTI_END);
    return { type: OpCode.multiRead, fields };
  }

  private setWatches(type: number, lists: number): Request {
    const fields: Field[] = [{ kind: "zxid", back: this.random.pick([0, 1, 5, 20, 100, -5]) }];
    for (let i = 0; i < lists; i++) {
      const values = Array.from({ length: this.random.below(4) }, () => this.pathText(false) ?? "");
      fields.push({ kind: "texts", values: !this.isTame && this.random.chance(3) ? null : values });
    }
    return { type, xid: -8, fields };
  }

  private watcherType(): Field {
    return int(this.random.pick([1, 2, 3, 3, 4, 5, 0, 6, -1]));
  }

  private version(): Field {
    const { random } = this;
    return int(
      random.weighted([
        [12, -1],
        [4, 0],
        [3, 1],
        [2, 2],
        [1, random.pick([3, -2, 0x7fffffff, -0x80000000])],
      ]),
    );
  }

  private ttl(): string {
    return this.random.chance(70) ? TTL : this.random.pick(ODD_TTLS);
  }

  private setData(): Request {
    const path = this.pathText(false);
    return { type: OpCode.setData, fields: [text(path), text(this.dataFor(path)), this.version()] };
  }

  private dataFor(path: string | null): string | null {
    const { random, profile } = this;
    // Java parses what stands in quota nodes whenever it applies a write below, and anything else ends its process.
    if (path !== null && QUOTA_NODE.test(path)) return random.pick(LIMITS);
    const large = profile.bufferMax === undefined ? 3000 : profile.bufferMax - 150 + random.below(150);
    return random.weighted<() => string | null>([
      [2, () => null],
      [3, () => ""],
      [8, () => `d${random.below(1000)}`],
      [3, () => random.bytes(random.below(60))],
      [1, () => "x".repeat(large)],
    ])();
  }

  private acl(): readonly Acl[] | null {
    return this.random.chance(65) ? [OPEN] : this.random.pick(this.isTame ? SOUND_ACLS : ACLS);
  }

  private name(): string {
    const { random } = this;
    if (random.chance(88)) return random.pick(this.profile.enforcesQuota ? ["a", "b", "q", "q"] : ["a", "b", "c"]);
    return random.pick([
      "q",
      "s",
      `s${String(random.below(6)).padStart(10, "0")}`,
      `000000000${random.below(6)}`,
      "\xc3\xa9",
      "zookeeper",
    ]);
  }

  private path(): Field {
    return text(this.pathText(false));
  }

  private pathText(isCreate: boolean): string | null {
    const { random } = this;
    let path = ROOT;
    for (let depth = random.pick([1, 1, 2, 2, 2, 3, 4]); depth > 0; depth--) path += `/${this.name()}`;
    if (random.chance(92) || this.isTame) return path;
    if (random.chance(30)) return ROOT;
    if (random.chance(25)) return random.pick(SYSTEM_PATHS);
    if (isCreate && random.chance(40)) return `${path}/`;
    const bad = random.pick(BAD_PARTS);
    return random.pick([
      null,
      "",
      "a",
      "/",
      `${ROOT}/`,
      `${path}/`,
      `/${path}`,
      `${path}//a`,
      ...Array(12).fill(path + bad),
      `${ROOT}/${bad}/a`,
    ]);
  }
}

/**
 * Writes whose neighbours Java answers depending on how far its pipeline is: those that fail halfway by an exception of
 * Java's own, those to the root and to system nodes ("" and "/" are two names of one node to it), and creates whose flags
 * say something else than the opcode (until they are applied the flags count, then the opcode), and setACL (checks of
 * permissions see it once it is applied).
 */
function isHazard(request: Request): boolean {
  if (request.type === OpCode.reconfig || request.type === OpCode.setACL || request.fields.some(isHazardField))
    return true;
  const flags = request.fields[3]?.kind === "int" ? request.fields[3].value : 0;
  if (request.type === OpCode.createTTL) return flags !== 5 && flags !== 6;
  return request.type === OpCode.createContainer && flags !== 4;
}

function isHazardField(field: Field): boolean {
  if (field.kind === "text") return field.value === null || /^\/(zookeeper.*)?$|[^\x20-\x7e]/.test(field.value);
  return (
    field.kind === "acls" &&
    (field.values === null || field.values.some(({ scheme, id }) => scheme === null || id === null))
  );
}

const OPEN: Acl = { perms: 31, scheme: "world", id: "anyone" };

const CREDENTIALS: readonly (readonly [string, string | null])[] = [
  ["digest", "u1:p1"],
  ["digest", "u1:p1"],
  ["digest", "u2:p2"],
  ["digest", "u1:wrong"],
  ["digest", SUPER_AUTH],
  ["digest", "super:wrong"],
  ["digest", "nocolon"],
  ["digest", ""],
  ["digest", "u\xc3\xa9:p"],
  ["digest", "u:p:q"],
  ["ip", "127.0.0.1"],
  ["ip", ""],
];

const acl = (perms: number, scheme: string | null, id: string | null): Acl => ({ perms, scheme, id });

const ACLS: readonly (readonly Acl[] | null)[] = [
  null,
  [],
  [acl(1, "world", "anyone")],
  [acl(15, "world", "anyone")],
  [acl(16, "world", "anyone")],
  [acl(31, "auth", "")],
  [acl(31, "auth", "ignored")],
  [acl(31, "auth", null)],
  [acl(31, "digest", digestId("u1:p1"))],
  [acl(31, "digest", digestId("u2:p2")), acl(1, "world", "anyone")],
  [acl(1, "world", "anyone"), acl(31, "auth", ""), acl(30, "digest", digestId("u1:p1"))],
  [OPEN, OPEN, acl(1, "world", "anyone"), OPEN],
  [acl(31, "digest", "nocolon")],
  [acl(31, "digest", "a:b:c")],
  [acl(31, "digest", ":")],
  [acl(31, "digest", "")],
  [acl(31, "digest", null)],
  [acl(31, "ip", "127.0.0.1")],
  [acl(31, "ip", "127.0.0.0/8"), acl(1, "ip", "10.0.0.0/8")],
  [acl(31, "ip", "10.1.2.3")],
  [acl(31, "ip", "127.0.0.1/0")],
  [acl(31, "ip", "127.0.0.1/33")],
  [acl(31, "ip", "127.0.0.1/-1")],
  [acl(31, "ip", "127.0.0.1/8/8")],
  [acl(31, "ip", "127.0.0.1/x")],
  [acl(31, "ip", "1.2.3")],
  [acl(31, "ip", "1.2.3.256")],
  [acl(31, "ip", "::1")],
  [acl(31, "ip", "")],
  [acl(31, "ip", null)],
  [acl(31, "world", "someone")],
  [acl(31, "world", null)],
  [acl(31, "nonsense", "x")],
  [acl(31, null, "x")],
  [acl(31, "", "")],
  [acl(31, "super", "x")],
  [acl(31, "sasl", "x")],
  [acl(31, "x509", "CN=x")],
  [acl(0, "world", "anyone")],
  [acl(-1, "world", "anyone")],
  [acl(32, "world", "anyone")],
  [acl(31, "world", "anyone"), acl(31, "nonsense", "x")],
];

const TTL = "1000000";
const ODD_TTLS = ["1099511627775", "1099511627776", "0", "-1", "9223372036854775807", "-9223372036854775808"];

const SOUND_ACLS = ACLS.filter((acls) => acls?.every(({ scheme, id }) => scheme !== null && id !== null));

const LIMITS = [
  "count=-1,bytes=-1",
  "count=3,bytes=20",
  "count=2,bytes=-1=;byteHardLimit=50;countHardLimit=3",
  "count=1,bytes=1=;byteHardLimit=-1;countHardLimit=-1",
];

const QUOTA_NODE = /zookeeper_(limits|stats)/;

const SYSTEM_PATHS = [
  "/",
  "/zookeeper",
  "/zookeeper/quota",
  "/zookeeper/config",
  "/zookeeper/nope",
  `/zookeeper/quota${ROOT}`,
  `/zookeeper/quota${ROOT}/q`,
  `/zookeeper/quota${ROOT}/q/zookeeper_limits`,
  `/zookeeper/quota${ROOT}/q/zookeeper_stats`,
];

/** Ends or middles of paths, most of them against the rules; bytes of UTF-8, valid and not. */
const BAD_PARTS = [
  "/.",
  "/..",
  "/./a",
  "/../a",
  "/.a",
  "/a.",
  "/...",
  "/\0",
  "\0",
  "/\x01",
  "/\x1f",
  "/\x7f",
  "/ ",
  "/\xc2\x80",
  "/\xc2\x9f",
  "/\xc2\xa0",
  "/\xed\x9f\xbf",
  "/\xed\xa0\x80",
  "/\xed\xa0\xbd\xed\xb8\x80",
  "/\xee\x80\x80",
  "/\xef\xa3\xbf",
  "/\xef\xa4\x80",
  "/\xef\xbf\xaf",
  "/\xef\xbf\xb0",
  "/\xef\xbf\xbd",
  "/\xef\xbf\xbf",
  "/\xf0\x9f\x98\x80",
  "/\xff",
  "/\xc3",
  "/\xc3\x28",
  "/\xc0\x80",
  "/\xe2\x82",
  "/\xf0\x9f\x98",
  "/\xf8\x88\x80\x80\x80",
  "/\xe6\x97\xa5\xe6\x9c\xac",
  `/${"n".repeat(1500)}`,
];

const text = (value: string | null): Field => ({ kind: "text", value });
const int = (value: number): Field => ({ kind: "int", value });
const acls = (values: readonly Acl[] | null): Field => ({ kind: "acls", values });

function createRequest(
  type: number,
  path: string | null,
  data: string | null,
  acl: readonly Acl[] | null,
  flags: number,
): Request {
  return { type, fields: [text(path), text(data), acls(acl), int(flags)] };
}

function createTtlRequest(
  path: string | null,
  data: string | null,
  acl: readonly Acl[] | null,
  flags: number,
  ttl: string,
): Request {
  const fields = [text(path), text(data), acls(acl), int(flags), { kind: "long", value: ttl } as const];
  return { type: OpCode.createTTL, fields };
}

function authFields(scheme: string | null, credentials: string | null): Field[] {
  return [int(0), text(scheme), text(credentials)];
}

function multiHeader(type: number): Field[] {
  return [int(type), { kind: "bool", value: false }, int(-1)];
}

const MULTI_END: readonly Field[] = [int(-1), { kind: "bool", value: true }, int(-1)];

function int32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** Reads all that a script left behind: the whole tree under its root, the system nodes, watches and sessions. */
export function dumpRequests(paths: readonly string[]): Request[] {
  const requests: Request[] = [];
  for (const path of paths) {
    requests.push({ type: OpCode.getData, fields: [text(path), { kind: "bool", value: false }] });
    requests.push({ type: OpCode.getChildren2, fields: [text(path), { kind: "bool", value: false }] });
    requests.push({ type: OpCode.getACL, fields: [text(path)] });
  }
  return requests;
}
