import type { Random } from "../capabilities.js";

/** The settings `connection_throttle_*`, with their Java defaults in {@link DEFAULT_CONNECTION_THROTTLE}. */
export interface ConnectionThrottleOptions {
  /** Size of the token bucket; 0 switches throttling off. */
  readonly tokens: number;
  readonly fillTimeMs: number;
  /** Tokens added per fillTimeMs. */
  readonly fillCount: number;
  /** The shortest time between two changes of the drop probability; -1 switches random dropping off. */
  readonly freezeTimeMs: number;
  readonly dropIncrease: number;
  readonly dropDecrease: number;
  /** The part of the bucket that may be in use while the drop probability goes down. */
  readonly decreaseRatio: number;
  /** Whether a connection costs by its kind, as below, or one token each. */
  readonly weightEnabled: boolean;
  readonly globalSessionWeight: number;
  readonly localSessionWeight: number;
  readonly renewSessionWeight: number;
}

export const DEFAULT_CONNECTION_THROTTLE: ConnectionThrottleOptions = {
  tokens: 0,
  fillTimeMs: 1,
  fillCount: 1,
  freezeTimeMs: -1,
  dropIncrease: 0.02,
  dropDecrease: 0.002,
  decreaseRatio: 0,
  weightEnabled: false,
  globalSessionWeight: 3,
  localSessionWeight: 1,
  renewSessionWeight: 2,
};

export type SessionKind = "global" | "local" | "renew";

/**
 * Decides whether a new connection may have its session now: a token bucket, and before that, if switched on, the BLUE
 * algorithm, which drops connections at random, more often after times in which the bucket was empty.
 * @see ZooKeeper's BlueThrottle, whose arithmetic this keeps
 */
export class ConnectionThrottle {
  private readonly tokensMax: number;
  private readonly fillCount: number;
  private readonly weights: Record<SessionKind, number>;
  private tokens: number;
  private lastFillMs: number;
  private lastFreezeMs: number;
  private drop = 0;

  /** @param nowMs - now on a monotonic clock */
  constructor(
    private readonly options: ConnectionThrottleOptions,
    private readonly random: Random,
    nowMs: number,
  ) {
    const local = options.localSessionWeight > 0 ? options.localSessionWeight : 1;
    const global = weight(options.globalSessionWeight, options.localSessionWeight, 3);
    const renew = weight(options.renewSessionWeight, options.localSessionWeight, 2);
    this.weights = { global, local, renew };
    // The bucket is set in global sessions, whatever those cost.
    this.tokensMax = options.weightEnabled ? global * options.tokens : options.tokens;
    this.fillCount = options.weightEnabled ? global * options.fillCount : options.fillCount;
    this.tokens = this.tokensMax;
    this.lastFillMs = nowMs;
    this.lastFreezeMs = nowMs;
  }

  /** The probability with which a connection is dropped although there are tokens. */
  get dropChance(): number {
    return this.drop;
  }

  /** Tokens that are missing from a full bucket. */
  get deficit(): number {
    return this.tokensMax - this.tokens;
  }

  /** Takes the tokens for a session of that kind. @returns false if the connection is to be closed instead */
  admit(kind: SessionKind, nowMs: number): boolean {
    if (this.tokensMax === 0) return true;
    const elapsedMs = nowMs - this.lastFillMs;
    if (elapsedMs > this.options.fillTimeMs) {
      const refill = Math.trunc((elapsedMs * this.fillCount) / this.options.fillTimeMs);
      this.tokens = Math.min(this.tokens + refill, this.tokensMax);
      this.lastFillMs = nowMs;
    }
    if (this.options.freezeTimeMs !== -1 && !this.passesBlue(nowMs)) return false;
    const need = this.options.weightEnabled ? this.weights[kind] : 1;
    if (this.tokens < need) return false;
    this.tokens -= need;
    return true;
  }

  private passesBlue(nowMs: number): boolean {
    if (nowMs - this.lastFreezeMs > this.options.freezeTimeMs) {
      if (this.tokens === 0 && this.drop < 1) {
        this.drop = Math.min(this.drop + this.options.dropIncrease, 1);
      } else if (this.deficit <= Math.round(this.tokensMax * this.options.decreaseRatio) && this.drop > 0) {
        this.drop = Math.max(this.drop - this.options.dropDecrease, 0);
      }
      this.lastFreezeMs = nowMs;
    }
    return (this.random.int32() >>> 0) / 2 ** 32 >= this.drop;
  }
}

/** A weight below that of a local session makes no sense and is raised to it; one that is not positive is the default. */
function weight(value: number, local: number, otherwise: number): number {
  return value <= 0 ? otherwise : Math.max(value, local);
}
