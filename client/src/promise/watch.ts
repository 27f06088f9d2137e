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
    const type = WATCHER_TYPES[mode];
    await new Promise<unknown>((resolve) => {
      const request = new Request(OpCode.removeWatches, serverPath, null, null, type, 0, false, null, null);
      request.resolve = resolve;
      request.reject = resolve;
      driver.submit(request, driver.core.config.operationTimeoutMs);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
