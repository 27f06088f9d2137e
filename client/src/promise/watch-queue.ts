import type { WatchEvent, WatchListener } from "../core/watch-event.js";

/**
 * Watch events as an async iterator: give it where a listener may be given, and loop over it with `for await`. Several
 * watches may share one. It ends after SessionEnded, or when `close` is called.
 */
export class WatchQueue implements AsyncIterableIterator<WatchEvent, undefined>, AsyncDisposable {
  private readonly events: WatchEvent[] = [];
  private readonly waiting: ((result: IteratorResult<WatchEvent, undefined>) => void)[] = [];
  private isDone = false;
  /** Takes an event in; always the same function. */
  readonly listener: WatchListener = (event) => this.push(event);

  /** @param max - how many events wait unread; beyond, all of them are replaced by one Gap. 10,000 by default */
  constructor(readonly max = 10_000) {}

  /** Takes an event in. */
  push(event: WatchEvent): void {
    if (this.isDone) return;
    const waiter = this.waiting.shift();
    if (waiter !== undefined) {
      waiter({ done: false, value: event });
    } else if (this.events.length >= this.max) {
      this.events.length = 0;
      this.events.push({ type: "Gap", path: event.path, zxid: event.zxid });
      if (event.type === "SessionEnded") this.events.push(event);
    } else {
      this.events.push(event);
    }
    if (event.type === "SessionEnded") this.close();
  }

  /** Ends it: what waits can still be read, nothing new comes in. */
  close(): void {
    this.isDone = true;
    for (const waiter of this.waiting.splice(0)) waiter({ done: true, value: undefined });
  }

  /** The next event, as soon as there is one. */
  next(): Promise<IteratorResult<WatchEvent, undefined>> {
    const event = this.events.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.isDone) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Ends it and drops what waits: what leaving a loop does. */
  return(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.close();
    this.events.length = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Itself: it is read once. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** As {@link return}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.return().then(() => undefined);
  }
}
