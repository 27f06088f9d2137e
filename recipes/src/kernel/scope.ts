import type { ZooKeeper } from "@quoll/client";
import { WaitTimeoutError } from "./errors.js";

/** How long a recipe may wait. */
export interface WaitOptions {
  /** Gives up when it fires; the wait fails with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * After how long to give up, ms; without it, never. 0: do not wait for others at all. The wait fails with a
   * {@link WaitTimeoutError}.
   */
  readonly timeoutMs?: number | undefined;
}

/** Timers take no more than 31 bits, 25 days: who wants to wait longer, waits without end. */
const TIMER_MAX_MS = 0x7fffffff;

/** Within this time servers have to answer those who do not want to wait for others. */
const IMMEDIATE_MS = 30_000;

/** One wait: it ends by itself, by its timeout on the client's clock, or by its caller's signal. */
export class Scope {
  /** Whether nobody is to be waited for but the servers. */
  readonly isImmediate: boolean;
  private readonly controller = new AbortController();
  private readonly cancelTimer: () => void;
  private readonly outer: AbortSignal | undefined;
  private readonly onOuter = () => this.controller.abort(this.outer?.reason);

  constructor(
    client: ZooKeeper,
    readonly path: string,
    { signal, timeoutMs }: WaitOptions = {},
  ) {
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new RangeError(`timeoutMs is ${timeoutMs}; it must be 0 or more, or left out to wait without end`);
    }
    this.isImmediate = timeoutMs === 0;
    this.outer = signal;
    const limitMs = timeoutMs === 0 ? IMMEDIATE_MS : timeoutMs;
    this.cancelTimer =
      limitMs === undefined || limitMs > TIMER_MAX_MS
        ? () => {}
        : client.platform.setTimer(limitMs, () => this.controller.abort(new WaitTimeoutError(path, limitMs)));
    if (signal?.aborted) this.onOuter();
    else signal?.addEventListener("abort", this.onOuter, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isOver(): boolean {
    return this.controller.signal.aborted;
  }

  /** The end of a wait that must not wait for others. */
  throwIfImmediate(): void {
    if (this.isImmediate) throw new WaitTimeoutError(this.path, 0);
  }

  /** Waits for `promise`, or fails with the scope's reason. The promise goes on; its failure is not lost on anybody. */
  race<T>(promise: Promise<T>): Promise<T> {
    return raceAbort(promise, this.controller.signal);
  }

  /** To be called when the wait is over, whatever its end. */
  end(): void {
    this.cancelTimer();
    this.outer?.removeEventListener("abort", this.onOuter);
  }
}

/** Waits for `promise`, or fails with the signal's reason as soon as that fires. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener("abort", abort);
        resolve(value);
      },
      (error) => {
        signal.removeEventListener("abort", abort);
        reject(error);
      },
    );
  });
}

/** Runs a wait in a scope of its own. */
export async function inScope<T>(
  client: ZooKeeper,
  path: string,
  options: WaitOptions | undefined,
  body: (scope: Scope) => Promise<T>,
): Promise<T> {
  const scope = new Scope(client, path, options);
  try {
    return await body(scope);
  } finally {
    scope.end();
  }
}

/** Waits `delayMs` on the client's clock. */
export function delay(client: ZooKeeper, delayMs: number, signal: AbortSignal): Promise<void> {
  let cancel = () => {};
  const passed = new Promise<void>((resolve) => {
    cancel = client.platform.setTimer(delayMs, resolve);
  });
  return raceAbort(passed, signal).finally(() => cancel());
}
