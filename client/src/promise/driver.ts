import type { ServerAddress } from "../core/connect-string.js";
import { AbortedError, ClosedError, KeeperError } from "../core/errors.js";
import type { Request } from "../core/request.js";
import type { SessionConfig, SessionCredentials } from "../core/session-config.js";
import { SessionCore, type SessionEffects } from "../core/session-core.js";
import { isConnected, type SessionState } from "../core/session-state.js";
import type { AddWatchMode, WatchEvent, WatchListener } from "../core/watch-event.js";
import type { ClientOptions, OperationOptions, SaslExchange, SaslMechanism } from "./options.js";
import type { Connection, Platform } from "./platform.js";
import { probeReadWrite } from "./probe.js";
import type { Session } from "./session.js";
import type { StateChange, StateListener } from "./zookeeper.js";

const RESOLVED = Promise.resolve();

/**
 * Runs a {@link SessionCore} on a {@link Platform}: gives it the events of the connection and the clock, and carries its
 * effects out. What the core sends within one turn is one write.
 *
 * What users are called with (listeners, signals) is called from a microtask each, in order: after the continuations
 * of promises that were settled before, and never from within the core.
 */
export class Driver implements SessionEffects {
  readonly core: SessionCore;
  readonly stateListeners = new Set<StateListener>();
  session: DriverSession | null = null;

  private connection: Connection | null = null;
  private stopTimer: (() => void) | null = null;
  private armedAtMs = Number.POSITIVE_INFINITY;
  private isFlushDue = false;
  private turnMs = 0;
  private readonly flushTurn = () => this.flush();
  private readonly sasl: SaslMechanism | null;
  private exchange: SaslExchange | null = null;
  private readonly logMessage: (message: string) => void;
  private readonly drainWaiters: { readonly max: number; readonly resolve: () => void }[] = [];

  constructor(
    private readonly platform: Platform,
    config: SessionConfig,
    options: ClientOptions,
  ) {
    this.sasl = options.sasl ?? null;
    this.logMessage = options.log ?? IGNORE;
    this.core = new SessionCore(config, () => platform.random(), this);
  }

  start(): void {
    this.core.start(this.platform.now());
    this.changed();
  }

  submit(request: Request, timeoutMs: number): void {
    // Within a turn, one look at the clock will do.
    if (!this.isFlushDue) this.turnMs = this.platform.now();
    if (timeoutMs > 0) request.deadlineMs = this.turnMs + timeoutMs;
    this.core.submit(request, timeoutMs !== this.core.config.operationTimeoutMs, this.turnMs);
    if (this.core.wakeAtMs < this.armedAtMs) this.arm();
  }

  abandon(request: Request, error: Error): void {
    this.core.abandon(request, error);
  }

  /** To be called after anything that may have changed when the core wants to be woken. */
  changed(): void {
    if (this.core.wakeAtMs < this.armedAtMs) this.arm();
    else if (this.core.wakeAtMs === Number.POSITIVE_INFINITY) this.disarm();
    if (this.drainWaiters.length > 0) this.resolveDrained();
  }

  private arm(): void {
    this.stopTimer?.();
    this.armedAtMs = this.core.wakeAtMs;
    const delayMs = Math.max(0, this.armedAtMs - this.platform.now());
    this.stopTimer = this.platform.setTimer(delayMs, () => {
      this.stopTimer = null;
      this.armedAtMs = Number.POSITIVE_INFINITY;
      this.core.tick(this.platform.now());
      this.changed();
    });
  }

  // ---------------------------------------------------------------------------------------- effects of the core

  connect(server: ServerAddress): void {
    const { core, platform } = this;
    const connection: Connection = platform.connect(server, {
      opened: () => {
        if (this.connection !== connection) return;
        core.opened(platform.now());
        this.changed();
      },
      received: (bytes) => {
        if (this.connection !== connection) return;
        core.received(bytes, platform.now());
        this.changed();
      },
      drained: () => {
        if (this.connection !== connection) return;
        core.drained(platform.now());
      },
      closed: (reason) => {
        if (this.connection !== connection) return;
        this.connection = null;
        core.closed(reason, platform.now());
        this.changed();
      },
    });
    this.connection = connection;
  }

  disconnect(): void {
    this.connection?.close();
    this.connection = null;
    this.exchange = null;
  }

  outputReady(): void {
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    this.turnMs = this.platform.now();
    this.platform.defer(this.flushTurn);
  }

  private flush(): void {
    this.isFlushDue = false;
    const { connection } = this;
    if (connection === null) return;
    const bytes = this.core.takeOutput(this.platform.now());
    if (bytes !== null && !connection.write(bytes)) this.core.blocked();
  }

  stateChanged(state: SessionState, previous: SessionState, reason: string): void {
    this.logMessage(`${previous} -> ${state}: ${reason}`);

    if (isConnected(state)) this.establish();
    const sessionId = this.session?.id ?? 0n;
    const change: StateChange = { state, previous, sessionId, reason };
    if (state === "expired" || state === "authFailed" || state === "closed") {
      if (this.session !== null) this.end(this.session, endOf(state, reason));
    }
    this.later(() => {
      for (const listener of [...this.stateListeners]) this.call(() => listener(change));
    });
  }

  /** A session that another one follows is another object: what belongs to the old one ends with it. */
  private establish(): void {
    const { core, session } = this;
    const id = core.sessionId.toBigInt();
    if (session === null || session.id !== id || session.hasEnded) {
      this.session = new DriverSession(core, id);
      // The session of a server without a quorum is not one of the ensemble's.
      if (session !== null && !session.hasEnded) this.end(session, sessionError("SessionExpired", "read-only session"));
    }
    this.session?.update();
  }

  private end(session: DriverSession, error: Error): void {
    session.freeze();
    this.later(() => session.end(error));
  }

  private disarm(): void {
    this.stopTimer?.();
    this.stopTimer = null;
    this.armedAtMs = Number.POSITIVE_INFINITY;
  }

  deliver(listener: WatchListener, event: WatchEvent): void {
    this.later(() => listener(event));
  }

  saslStep(challenge: Uint8Array | null): void {
    const { core, platform, sasl } = this;
    if (sasl === null) return;
    this.exchange ??= sasl.start();
    const { exchange } = this;
    RESOLVED.then(() => exchange.step(challenge)).then(
      (token) => {
        if (this.exchange !== exchange) return;
        core.saslToken(token, platform.now());
        this.changed();
      },
      (error: unknown) => {
        if (this.exchange !== exchange) return;
        core.saslFailed(String(error));
        this.changed();
      },
    );
  }

  probe(server: ServerAddress): void {
    probeReadWrite(this.platform, server, (isReadWrite) => {
      this.core.probed(server, isReadWrite, this.platform.now());
      this.changed();
    });
  }

  log(message: string): void {
    this.logMessage(message);
  }

  // --------------------------------------------------------------------------------------------------- waiting

  connected(options: OperationOptions): Promise<Session> {
    const { core, platform } = this;
    const { signal, timeoutMs = 0 } = options;
    return new Promise((resolve, reject) => {
      let stopTimer: (() => void) | null = null;
      const abort = () => finish(new AbortedError("connect", null, "notSent", signal?.reason));
      const finish = (error: Error | null) => {
        stopTimer?.();
        signal?.removeEventListener("abort", abort);
        this.stateListeners.delete(look);
        if (error === null) resolve(this.session as Session);
        else reject(error);
      };
      const look = (change: Pick<StateChange, "reason">) => {
        if (isConnected(core.state)) finish(null);
        else if (core.state === "closed") finish(new ClosedError("connect", null, "notSent"));
        else if (core.state === "authFailed") finish(connectError("AuthFailed", change.reason));
        else if (core.state === "expired" && !core.config.renewSession) {
          finish(connectError("SessionExpired", change.reason));
        }
      };
      if (signal?.aborted) {
        abort();
        return;
      }
      this.stateListeners.add(look);
      signal?.addEventListener("abort", abort);
      if (timeoutMs > 0) {
        stopTimer = platform.setTimer(timeoutMs, () => {
          const why = core.lastFailure === "" ? "no server has answered" : core.lastFailure;
          finish(connectError("OperationTimeout", `no session within ${timeoutMs} ms: ${why}`));
        });
      }
      look({ reason: "" });
    });
  }

  drained(max: number): Promise<void> {
    if (this.core.pending <= max) return RESOLVED;
    return new Promise((resolve) => this.drainWaiters.push({ max, resolve }));
  }

  private resolveDrained(): void {
    const { pending } = this.core;
    for (let i = this.drainWaiters.length - 1; i >= 0; i--) {
      if (pending > this.drainWaiters[i].max) continue;
      this.drainWaiters[i].resolve();
      this.drainWaiters.splice(i, 1);
    }
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (isFinal(this.core)) {
        resolve();
        return;
      }
      const look = () => {
        if (!isFinal(this.core)) return;
        this.stateListeners.delete(look);
        resolve();
      };
      this.stateListeners.add(look);
    });
    this.core.close(this.platform.now());
    this.changed();
    return closed;
  }

  detach(): void {
    this.core.detach();
    this.changed();
  }

  /** Takes a listener of a persistent watch away; whether the server may forget the watch. */
  removeListener(mode: AddWatchMode, path: string, listener: WatchListener): boolean {
    return this.core.watches.removeListener(mode, path, listener);
  }

  private later(task: () => void): void {
    void RESOLVED.then(() => this.call(task));
  }

  /** A listener that throws must neither harm this client nor go unseen: it is thrown where the platform reports it. */
  private call(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.platform.defer(() => {
        throw error;
      });
    }
  }
}

class DriverSession implements Session {
  timeoutMs = 0;
  hasEnded = false;
  private readonly controller = new AbortController();
  private password: Uint8Array = new Uint8Array(16);

  constructor(
    private readonly core: SessionCore,
    readonly id: bigint,
  ) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get credentials(): SessionCredentials {
    return { id: this.id, password: this.password.slice() };
  }

  get aliveUntilMs(): number {
    return this.hasEnded ? Number.NEGATIVE_INFINITY : this.core.confirmedMs + this.timeoutMs;
  }

  update(): void {
    this.timeoutMs = this.core.sessionTimeoutMs;
    this.password = this.core.password;
  }

  freeze(): void {
    this.hasEnded = true;
  }

  end(error: Error): void {
    this.controller.abort(error);
  }
}

function isFinal({ state, config }: SessionCore): boolean {
  return state === "closed" || state === "authFailed" || (state === "expired" && !config.renewSession);
}

function endOf(state: "expired" | "authFailed" | "closed", reason: string): Error {
  if (state === "closed") return new ClosedError("session", null, "notSent");
  return sessionError(state === "expired" ? "SessionExpired" : "AuthFailed", reason);
}

function sessionError(code: "AuthFailed" | "SessionExpired", reason: string): KeeperError {
  return new KeeperError(code, "session", null, "refused", reason);
}

function connectError(code: "AuthFailed" | "SessionExpired" | "OperationTimeout", reason: string): KeeperError {
  return new KeeperError(code, "connect", null, "notSent", reason);
}

function IGNORE(): void {}
