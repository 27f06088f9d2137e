import { type AddWatchMode, isKeeperError, type WatchEvent, type ZooKeeper } from "@quoll/client";
import { inBackground } from "../kernel/cleanup.js";
import { NotRunningError } from "../kernel/errors.js";
import { anyAborted, type BackgroundOptions, Listeners, runLoop } from "../kernel/run-loop.js";
import { raceAbort } from "../kernel/scope.js";
import { Wake } from "../kernel/wake.js";
import { checkPath } from "../names/paths.js";

/** What a {@link Watcher} can be told. */
export interface WatcherOptions extends BackgroundOptions {
  /** `persistentRecursive` by default: everything at and below the path. */
  readonly mode?: AddWatchMode | undefined;
}

/**
 * Watches a path for good, over reconnects and over sessions. Curator's `PersistentWatcher`. Needs servers of 3.6 or newer.
 * It has no znodes of its own.
 *
 * A `Gap` event says that events may have been missed: at the start of every session and after every reconnect.
 */
export class Watcher implements AsyncDisposable {
  private readonly mode: AddWatchMode;
  private readonly onError: ((error: unknown) => void) | undefined;
  private readonly events = new Listeners<WatchEvent>();
  private readonly closed = new AbortController();
  private readonly refused = new Wake();
  private refusal: unknown = null;
  private running: Promise<void> | null = null;

  constructor(
    private readonly client: ZooKeeper,
    /** What is followed. */
    readonly path: string,
    { mode = "persistentRecursive", onError }: WatcherOptions = {},
  ) {
    checkPath(path);
    this.mode = mode;
    this.onError = onError;
  }

  /** Watches until `close`. The first event is a Gap, as soon as the watch is set. */
  start(): this {
    this.running ??= runLoop(this.client, this.closed.signal, this.report, () => this.watchSession());
    return this;
  }

  /**
   * Calls `listener` with every event, in order.
   * @returns a function that ends it
   */
  onEvent(listener: (event: WatchEvent) => void): () => void {
    return this.events.add(listener);
  }

  /** @internal Resolves when the server does not know persistent watches. */
  async unsupported(): Promise<void> {
    while (!isKeeperError(this.refusal, "Unimplemented")) await this.refused.wait();
  }

  /** Takes the watch back. */
  async close(): Promise<void> {
    this.closed.abort(new NotRunningError(`the watcher of ${this.path}`));
    this.events.clear();
    await this.running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private readonly report = (error: unknown) => {
    this.refusal = error;
    this.refused.set();
    this.onError?.(error);
  };

  private async watchSession(): Promise<void> {
    const stop = this.closed.signal;
    const session = await raceAbort(this.client.connected({ signal: stop, timeoutMs: 0 }), stop);
    const options = { session, timeoutMs: 0, signal: stop };
    let isOpen = true;
    const tell = (event: WatchEvent) => {
      if (isOpen && event.type !== "SessionEnded") this.events.tell(event);
    };
    const watch = await this.client.addWatch(this.path, this.mode, tell, options);
    try {
      this.events.tell({ type: "Gap", path: this.path, zxid: -1n });
      await anyAborted(session.signal, stop);
    } finally {
      isOpen = false;
      if (!session.signal.aborted) inBackground(this.client, watch.close());
    }
  }
}
