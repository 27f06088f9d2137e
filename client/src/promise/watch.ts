import { isKeeperError } from "../core/errors.js";
import { OpCode } from "../core/op-code.js";
import { Request } from "../core/request.js";
import type { AddWatchMode, WatchListener } from "../core/watch-event.js";
import { WATCHER_TYPES } from "../core/watch-table.js";
import type { Driver } from "./driver.js";

/** A persistent watch that one listener has set. */
export class Watch implements AsyncDisposable {
  /** @internal */
  constructor(
    private readonly driver: Driver,
    private readonly serverPath: string,
    /** What is watched. */
    readonly path: string,
    /** How. */
    readonly mode: AddWatchMode,
    private readonly listener: WatchListener,
  ) {}

  /**
   * Ends it for its listener, at once. When it was the last one, the server forgets the watch; should that fail, events
   * that still come find no listener.
   */
  async close(): Promise<void> {
    const { driver, listener, mode, serverPath } = this;
    if (!driver.removeListener(mode, serverPath, listener)) return;
    const error = await this.remove(WATCHER_TYPES[mode]);
    // Servers before 3.9 know persistent watches only as any.
    const isOld = isKeeperError(error) && error.outcome === "refused" && error.code !== "NoWatcher";
    if (isOld && !driver.core.watches.hasAny(serverPath)) await this.remove(WATCHER_TYPES.any);
  }

  /** What the server says: undefined, or why it didn't. */
  private remove(type: number): Promise<unknown> {
    return new Promise((resolve) => {
      const request = new Request(OpCode.removeWatches, this.serverPath, null, null, type, 0, false, null, null);
      request.resolve = resolve;
      request.reject = resolve;
      this.driver.submit(request, this.driver.core.config.operationTimeoutMs);
    });
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
