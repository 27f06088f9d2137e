import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/** Name lookups that run at once. They take threads of a small pool that others need as well. */
const LOOKUPS_MAX = 2;

/**
 * The addresses of host names. What hangs harms nobody: there is at most one lookup per name, few at a time, and whoever
 * asks may take what the last lookup has found instead of waiting.
 */
export class HostLookup {
  private readonly known = new Map<string, readonly string[]>();
  private readonly running = new Map<string, Promise<readonly string[]>>();
  private readonly waiting: Array<() => void> = [];
  private active = 0;

  /** @param resolve - asks the system; IPv4 addresses first, as Java does */
  constructor(
    private readonly resolve = async (host: string): Promise<readonly string[]> =>
      (await lookup(host, { all: true, order: "ipv4first" })).map(({ address }) => address),
  ) {}

  /** What the last lookup of a name has found; empty when there was none. */
  lastKnown(host: string): readonly string[] {
    return isIP(host) === 0 ? (this.known.get(host) ?? []) : [host];
  }

  /** Looks a name up. Rejects as the system does: ENOTFOUND, EAI_AGAIN, … */
  find(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return Promise.resolve([host]);
    let running = this.running.get(host);
    if (running === undefined) {
      running = this.ask(host).finally(() => this.running.delete(host));
      this.running.set(host, running);
    }
    return running;
  }

  private async ask(host: string): Promise<readonly string[]> {
    if (this.active >= LOOKUPS_MAX) await new Promise<void>((resume) => this.waiting.push(resume));
    this.active++;
    try {
      const addresses = await this.resolve(host);
      if (addresses.length > 0) this.known.set(host, addresses);
      return addresses;
    } finally {
      this.active--;
      this.waiting.shift()?.();
    }
  }
}
