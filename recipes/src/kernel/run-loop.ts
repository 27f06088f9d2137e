import { ClosedError, type ZooKeeper } from "@quoll/client";
import { delay } from "./scope.js";

/** What recipes that run in the background can be told. */
export interface BackgroundOptions {
  /**
   * Told what goes wrong, NoAuth for instance. The recipe tries again after a while, as long as it is not closed. Without
   * it, errors are not shown.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

const RETRY_MS = 1000;

/**
 * Does something again and again until the signal fires; after a failure not before a second has passed.
 * @returns when it is over; never fails
 */
export async function runLoop(
  client: ZooKeeper,
  signal: AbortSignal,
  onError: ((error: unknown) => void) | undefined,
  body: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await body();
    } catch (error) {
      if (signal.aborted || error instanceof ClosedError) return;
      onError?.(error);
      await delay(client, RETRY_MS, signal).catch(() => {});
    }
  }
}

/** Resolves when one of the signals fires, or has fired. */
export function anyAborted(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const signal of signals) signal.removeEventListener("abort", done);
      resolve();
    };
    if (signals.some(({ aborted }) => aborted)) done();
    else for (const signal of signals) signal.addEventListener("abort", done, { once: true });
  });
}

/** Listeners that come and go. What one of them throws does not keep the others from being told. */
export class Listeners<T> {
  private readonly listeners = new Set<(value: T) => void>();

  /** @returns a function that takes the listener back */
  add(listener: (value: T) => void): () => void {
    const own = (value: T) => listener(value);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  tell(value: T): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(value);
      } catch (error) {
        // As the platform does with listeners of events: it is their bug, not ours, and must be seen.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.listeners.clear();
  }
}
