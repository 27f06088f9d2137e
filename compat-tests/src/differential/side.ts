import { Long, Reader, Writer } from "@quoll/jute";
import { OpCode } from "./op-code.js";
import { RawConnection } from "./raw-connection.js";
import { describeReply, javaPassword, normalizeConnectResponse, normalizeReply, Translation } from "./reply.js";
import { bytesOf, type Connect, encodeRequest, ROOT, type Send, type Step } from "./script.js";

const ANSWER_TIMEOUT_MS = 20_000;
const CLOSE_TIMEOUT_MS = 1_500;
const NOTIFICATION_XID = -1;

/** What one connection showed since it was last looked at, normalized: two servers must show the same. */
export interface Shown {
  readonly frames: readonly Uint8Array[];
  /** In words, in the same order. Made only when there is a difference to explain. */
  readonly describe: () => string[];
}

interface Slot {
  raw: RawConnection;
  /** Types of the requests whose replies have not been looked at, oldest first. */
  pending: number[];
  pings: number;
  nextXid: number;
  /** Frames looked at, not yet compared. */
  shown: { bytes: Uint8Array; type: number | null; isConnect: boolean }[];
  isCloseShown: boolean;
}

/** One of the two servers: carries out the steps of scripts on it and keeps what it answers. */
export class Side {
  private slots = new Map<number, Slot>();
  /** The session that a connection number had last. */
  private readonly sessions = new Map<number, Long>();
  private readonly translation = new Translation();
  private readonly unorderedZxids = new Set<number>();
  private zxid = 0;
  private root = "/";

  constructor(
    private readonly host: string,
    private readonly port: number,
  ) {}

  /** Starts a script on fresh connections, under a root of its own. */
  async begin(root: string): Promise<void> {
    await this.closeAll();
    this.root = root;
  }

  /**
   * Carries out a step and waits until the server has answered all of it.
   * @returns the numbers of the connections that are settled: nothing more comes for them from what happened so far
   */
  async run(step: Step): Promise<number[]> {
    switch (step.do) {
      case "connect":
        await this.connect(step);
        return [step.connection];
      case "send":
        await this.send(step);
        return [step.connection];
      case "together":
        for (const send of step.sends) await this.openSlot(send.connection);
        await Promise.all(step.sends.map((send) => this.send(send)));
        return step.sends.map((send) => send.connection);
      case "greet":
        await this.greet(step.connection, bytesOf(step.bytes));
        return [step.connection];
      case "bytes": {
        const slot = await this.openSlot(step.connection);
        await this.settle(slot);
        slot.raw.send(bytesOf(step.bytes));
        await this.awaitClose(slot);
        return [step.connection];
      }
      case "drop": {
        const slot = this.slots.get(step.connection);
        if (slot === undefined || slot.raw.isClosed) return [];
        await this.settle(slot);
        this.look(slot);
        slot.isCloseShown = true;
        await slot.raw.close();
        return [step.connection];
      }
      case "expire": {
        const slot = await this.openSlot(step.connection);
        await this.settle(slot);
        this.look(slot);
        this.unorderedZxids.add(this.zxid + 1);
        await slot.raw.until(() => slot.raw.isClosed, ANSWER_TIMEOUT_MS);
        this.zxid++;
        return [step.connection];
      }
      case "vanish":
        await this.vanish(step.connection, step.path);
        return [step.connection];
    }
  }

  /** Makes sure that every open connection has all that was meant for it. */
  async settleAll(): Promise<number[]> {
    await Promise.all([...this.slots.values()].map((slot) => this.settle(slot)));
    return [...this.slots.keys()];
  }

  /** What the connection showed since the last call. */
  shown(connection: number): Shown {
    const slot = this.slots.get(connection);
    if (slot === undefined) return { frames: [], describe: () => [] };
    this.look(slot);
    const frames = this.sortUnordered(slot.shown);
    slot.shown = [];
    const isCloseNew = slot.raw.isClosed && !slot.isCloseShown;
    if (isCloseNew) slot.isCloseShown = true;
    const bytes = frames.map((frame) => frame.bytes);
    if (isCloseNew) bytes.push(bytesOf("closed"));
    return {
      frames: bytes,
      describe: () => [
        ...frames.map((frame) =>
          frame.isConnect ? describeConnect(frame.bytes) : describeReply(frame.bytes, frame.type),
        ),
        ...(isCloseNew ? ["the server closed the connection"] : []),
      ],
    };
  }

  /** The frames that the connection got since they were last compared, without taking them. */
  peek(connection: number): Uint8Array[] {
    const slot = this.slots.get(connection);
    if (slot === undefined) return [];
    this.look(slot);
    return slot.shown.filter((frame) => !isPing(frame.bytes)).map((frame) => frame.bytes);
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.slots.values()].map((slot) => slot.raw.close()));
    this.slots = new Map();
  }

  private async connect(step: Connect): Promise<void> {
    const before = this.slots.get(step.connection);
    if (before !== undefined && !before.raw.isClosed) {
      await this.settle(before);
      this.look(before);
      // Taking over one's own session: the server itself must close the connection that had it.
      if (step.sessionOf !== step.connection) await before.raw.close();
    }
    const id = step.sessionOf === undefined ? Long.ZERO : (this.sessions.get(step.sessionOf) ?? Long.ZERO);
    const slot = await this.openWith(step.connection, encodeConnect(step, id, this.zxid), id.isZero);
    if (before !== undefined) {
      if (step.sessionOf === step.connection) await before.raw.until(() => before.raw.isClosed, CLOSE_TIMEOUT_MS);
      await before.raw.close();
      slot.shown.unshift(...before.shown);
    }
    this.slots.set(step.connection, slot);
  }

  private async greet(connection: number, bytes: Uint8Array): Promise<void> {
    const before = this.slots.get(connection);
    if (before !== undefined) {
      await this.settle(before);
      this.look(before);
      await before.raw.close();
    }
    const slot = await this.openWith(connection, bytes, true);
    slot.shown.unshift(...(before?.shown ?? []));
    this.slots.set(connection, slot);
  }

  /** A new connection that begins with these bytes, and what the server says to them. */
  private async openWith(connection: number, bytes: Uint8Array, isNew: boolean): Promise<Slot> {
    const raw = await RawConnection.open(this.host, this.port);
    const slot: Slot = { raw, pending: [], pings: 0, nextXid: 1, shown: [], isCloseShown: false };
    raw.send(bytes);
    await raw.until(() => raw.frames.length > 0 || raw.isClosed, ANSWER_TIMEOUT_MS);
    const [response] = raw.frames.splice(0, 1);
    if (response === undefined) return slot;
    if (response.length >= 16 && new Reader(response, 4).int() > 0) {
      const given = new Reader(response, 8).bits();
      this.translation.addSession(given);
      this.sessions.set(connection, given);
      if (isNew) this.zxid++;
    } else {
      await this.awaitClose(slot);
    }
    slot.shown.push({
      bytes: normalizeConnectResponse(response, this.translation, isNew),
      type: null,
      isConnect: true,
    });
    return slot;
  }

  /** The connection of that number; a new one with a new session when it is closed. */
  private async openSlot(connection: number): Promise<Slot> {
    const slot = this.slots.get(connection);
    if (slot === undefined || slot.raw.isClosed) {
      await this.connect({ do: "connect", connection, timeoutMs: 3_600_000, readOnly: false, zxidBack: 0 });
    }
    return this.slots.get(connection)!;
  }

  private async send(step: Send): Promise<void> {
    const slot = await this.openSlot(step.connection);
    if (step.closes) await this.settle(slot);
    this.look(slot);
    const frames: Uint8Array[] = [];
    for (const request of step.requests) {
      const xid = request.xid ?? slot.nextXid++;
      frames.push(encodeRequest(request, xid, { root: this.root, zxid: this.zxid }));
      if (request.type === OpCode.ping) slot.pings++;
      slot.pending.push(request.type);
    }
    const bytes = Buffer.concat(frames);
    if (step.pieceBytes === undefined) {
      slot.raw.send(bytes);
    } else {
      for (let at = 0; at < bytes.length; at += step.pieceBytes) {
        slot.raw.send(bytes.subarray(at, at + step.pieceBytes));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    if (!step.closes) return this.settle(slot);
    await this.awaitClose(slot);
    this.look(slot);
  }

  private async vanish(connection: number, path: string): Promise<void> {
    const deadline = Date.now() + ANSWER_TIMEOUT_MS;
    const real = path.replaceAll(ROOT, this.root);
    const exists = encodeRequest(
      {
        type: OpCode.exists,
        fields: [
          { kind: "text", value: real },
          { kind: "bool", value: false },
        ],
      },
      1_000_000,
      { root: this.root, zxid: 0 },
    );
    const slot = await this.openSlot(connection);
    this.unorderedZxids.add(this.zxid + 1);
    this.look(slot);
    const before = slot.shown.length;
    while (Date.now() < deadline) {
      await this.settle(slot);
      this.look(slot);
      // How often we asked says nothing about the server.
      slot.shown = slot.shown.filter((frame, index) => index < before || !isPing(frame.bytes));
      slot.raw.send(exists);
      const isReply = (frame: Uint8Array) => new Reader(frame).int() === 1_000_000;
      await slot.raw.until(() => slot.raw.frames.some(isReply) || slot.raw.isClosed, ANSWER_TIMEOUT_MS);
      const reply = slot.raw.frames.find(isReply);
      slot.raw.frames = slot.raw.frames.filter((frame) => frame !== reply);
      this.look(slot);
      if (reply === undefined || new Reader(reply, 12).int() !== 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Sends a ping and waits for its answer, behind which nothing of what was asked before can come any more. */
  private async settle(slot: Slot): Promise<void> {
    if (slot.raw.isClosed) return;
    slot.raw.send(PING);
    slot.pings++;
    slot.pending.push(OpCode.ping);
    let seen = 0;
    let pings = 0;
    const isAnswered = () => {
      const { frames } = slot.raw;
      for (; seen < frames.length; seen++) {
        if (isPing(frames[seen])) pings++;
      }
      return pings >= slot.pings || slot.raw.isClosed;
    };
    if (!(await slot.raw.until(isAnswered, ANSWER_TIMEOUT_MS))) await slot.raw.close();
  }

  private async awaitClose(slot: Slot): Promise<void> {
    await slot.raw.until(() => slot.raw.isClosed, CLOSE_TIMEOUT_MS);
    if (!slot.raw.isClosed) await this.settle(slot);
  }

  /** Takes the frames that have come: finds which request each answers, and normalizes it. */
  private look(slot: Slot): void {
    for (const frame of slot.raw.take()) {
      if (frame.length < 16) {
        slot.shown.push({ bytes: frame, type: null, isConnect: false });
        continue;
      }
      const reader = new Reader(frame);
      const xid = reader.int();
      const zxid = reader.long();
      if (isPing(frame)) slot.pings--;
      const type = xid === NOTIFICATION_XID && frame.length > 16 ? null : (slot.pending.shift() ?? null);
      if (zxid > this.zxid) this.zxid = zxid;
      if (type === OpCode.closeSession) this.unorderedZxids.add(zxid);
      slot.shown.push({ bytes: normalizeReply(frame, type, this.translation), type, isConnect: false });
    }
  }

  /** A session's ephemeral znodes go in the order of a hash table, so events of such a transaction are sorted. */
  private sortUnordered(shown: Slot["shown"]): Slot["shown"] {
    const sorted: Slot["shown"] = [];
    let from = 0;
    while (from < shown.length) {
      const zxid = this.unorderedEvent(shown[from]);
      let to = from + 1;
      if (zxid !== null) while (to < shown.length && this.unorderedEvent(shown[to]) === zxid) to++;
      sorted.push(...shown.slice(from, to).sort((a, b) => (to - from > 1 ? Buffer.compare(a.bytes, b.bytes) : 0)));
      from = to;
    }
    return sorted;
  }

  private unorderedEvent(frame: Slot["shown"][number]): number | null {
    if (frame.type !== null || frame.isConnect || frame.bytes.length < 16) return null;
    const zxid = new Reader(frame.bytes, 4).long();
    return this.unorderedZxids.has(zxid) ? zxid : null;
  }
}

const PING = encodeRequest({ type: OpCode.ping, fields: [] }, -2, { root: "", zxid: 0 });

function isPing(frame: Uint8Array): boolean {
  return frame.length === 16 && frame[0] === 0xff && frame[1] === 0xff && frame[2] === 0xff && frame[3] === 0xfe;
}

function encodeConnect(step: Connect, id: Long, zxid: number): Uint8Array {
  const writer = new Writer();
  writer.int(0);
  writer.int(0);
  writer.long(zxid - step.zxidBack);
  writer.int(step.timeoutMs);
  writer.bits(id);
  const password = id.isZero ? new Uint8Array(16) : javaPassword(id);
  if (step.password === "wrong") password[3] ^= 1;
  if (step.password === "null") writer.int(-1);
  else writer.buffer(step.password === "short" ? password.subarray(0, 5) : password);
  if (step.readOnly !== undefined) writer.bool(step.readOnly);
  writer.patchInt(0, writer.at - 4);
  return writer.take();
}

function describeConnect(frame: Uint8Array): string {
  const reader = new Reader(frame);
  const text = `CONNECTED protocol ${reader.int()} timeout ${reader.int()} session ${reader.bits()}`;
  const isNext = reader.bool() ? "" : ", an id that does not follow the one before";
  const isJavas = new Reader(frame, reader.at).int() === -2;
  const rest = Buffer.from(frame.subarray(reader.at + (isJavas ? 4 : 0))).toString("hex");
  return `${text}${isNext}, password ${isJavas ? "as Java's" : "of another kind"}, then ${rest}`;
}
