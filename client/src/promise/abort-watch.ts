/** Which items each signal gives up: one listener a signal, however many operations share it. */
export class AbortWatch<Item> {
  private readonly groups = new Map<AbortSignal, { readonly items: Set<Item>; readonly listener: () => void }>();

  /** @param abort - is called for each item of a signal that fires */
  constructor(private readonly abort: (item: Item, reason: unknown) => void) {}

  /** @param signal - must not have fired yet */
  add(signal: AbortSignal, item: Item): void {
    const group = this.groups.get(signal);
    if (group !== undefined) {
      group.items.add(item);
      return;
    }
    const items = new Set([item]);
    const listener = () => {
      this.groups.delete(signal);
      for (const each of items) this.abort(each, signal.reason);
    };
    this.groups.set(signal, { items, listener });
    signal.addEventListener("abort", listener, { once: true });
  }

  remove(signal: AbortSignal, item: Item): void {
    const group = this.groups.get(signal);
    if (group === undefined || !group.items.delete(item) || group.items.size > 0) return;
    this.groups.delete(signal);
    signal.removeEventListener("abort", group.listener);
  }
}
