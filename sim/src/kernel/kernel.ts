import type { RandomStream } from "./random.js";

/** Something that will happen. */
interface Event {
  readonly atMs: number;
  /** Decides between events of one moment. */
  readonly order: number;
  readonly sequence: number;
  readonly what: string;
  run: (() => void) | null;
}

/**
 * The world's time. Events happen one after another; those of one moment in an order that the seed decides. What happens
 * goes into a hash, so that two runs of a seed can be compared.
 */
export class Kernel {
  nowMs = 0;
  events = 0;
  /** Over all events so far. */
  hash = 0x811c9dc5;
  private readonly heap: Event[] = [];
  private sequence = 0;
  /** Told what happens, for the readable trace. */
  trace: ((atMs: number, what: string) => void) | null = null;

  constructor(private readonly random: RandomStream) {}

  /** @returns takes it back */
  after(delayMs: number, what: string, run: () => void): () => void {
    const event: Event = {
      atMs: this.nowMs + Math.max(0, delayMs),
      order: this.random.int32(),
      sequence: this.sequence++,
      what,
      run,
    };
    this.push(event);
    return () => {
      event.run = null;
    };
  }

  /** Notes something in the trace and in the hash. */
  note(what: string): void {
    this.mix(what);
    this.trace?.(this.nowMs, what);
  }

  /** Lets everything happen that is due within a time, or until `isDone`. @returns whether it is done */
  run(forMs: number, isDone: () => boolean = () => false): boolean {
    const endMs = this.nowMs + forMs;
    for (;;) {
      if (isDone()) return true;
      const next = this.heap[0];
      if (next === undefined || next.atMs > endMs) break;
      this.pop();
      this.nowMs = next.atMs;
      const { run } = next;
      if (run === null) continue;
      this.events++;
      this.mix(next.what);
      run();
    }
    this.nowMs = endMs;
    return isDone();
  }

  private mix(what: string): void {
    let { hash } = this;
    for (let i = 0; i < what.length; i++) hash = Math.imul(hash ^ what.charCodeAt(i), 0x01000193);
    this.hash = Math.imul(hash ^ Math.floor(this.nowMs * 1000), 0x01000193);
  }

  private push(event: Event): void {
    const { heap } = this;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(event, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  if (a.order !== b.order) return a.order < b.order;
  return a.sequence < b.sequence;
}
