import { Session } from "node:inspector";
import { mutate, pick, type RandomInts } from "./random.js";

/** Which branches of our code have run, by V8's own counters. */
class Coverage {
  private readonly session = new Session();

  constructor(private readonly isOurs: (url: string) => boolean) {
    this.session.connect();
    this.post("Profiler.enable");
    this.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** The branches that have run since the last call. It takes milliseconds: V8 looks at all functions there are. */
  take(): Set<string> {
    const ran = new Set<string>();
    for (const { url, functions } of this.post("Profiler.takePreciseCoverage").result) {
      if (!this.isOurs(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) ran.add(`${url}:${startOffset}-${endOffset}`);
        }
      }
    }
    return ran;
  }

  end(): void {
    this.post("Profiler.stopPreciseCoverage");
    this.session.disconnect();
  }

  /** Within one thread the answer is there before `post` returns. */
  private post(method: string, parameters: object = {}): CoverageAnswer {
    let answer: CoverageAnswer = { result: [] };
    this.session.post(method, parameters, (error: Error | null, result?: object) => {
      if (error !== null) throw error;
      answer = result as CoverageAnswer;
    });
    return answer;
  }
}

interface CoverageAnswer {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

export interface Explored {
  /** Branches that the seeds reach, and those that any input has reached. */
  readonly bySeeds: number;
  readonly branches: number;
  /** The seeds, and the inputs that were the first to reach a branch. */
  readonly corpus: readonly Uint8Array[];
}

const BATCH = 100;

/**
 * Runs changed copies of the seeds, and of what became of them: an input that reaches a branch that none before has
 * reached is kept, and changed in turn. What `run` throws ends it, with the input in hex.
 */
export function explore(
  seeds: readonly Uint8Array[],
  inputs: number,
  random: RandomInts,
  run: (input: Uint8Array) => void,
): Explored {
  const coverage = new Coverage((url) => /\/(server|jute\/wire)\/(src|dist)\/core\//.test(url));
  const known = new Set<string>();
  const corpus = [...seeds];
  const isNew = (ran: Set<string>) => [...ran].some((branch) => !known.has(branch));
  const remember = (ran: Set<string>) => {
    for (const branch of ran) known.add(branch);
  };
  const tryOne = (input: Uint8Array) => {
    try {
      run(input);
    } catch (error) {
      throw new Error(`input ${Buffer.from(input).toString("hex")}`, { cause: error });
    }
  };
  try {
    for (const seed of seeds) tryOne(seed);
    remember(coverage.take());
    const bySeeds = known.size;
    /** Runs them all, and again by halves as long as there was something new. */
    const tryAll = (batch: readonly Uint8Array[]) => {
      for (const input of batch) tryOne(input);
      const ran = coverage.take();
      if (!isNew(ran)) return;
      if (batch.length === 1) {
        remember(ran);
        corpus.push(batch[0]);
        return;
      }
      tryAll(batch.slice(0, batch.length >> 1));
      tryAll(batch.slice(batch.length >> 1));
    };
    for (let done = 0; done < inputs; done += BATCH) {
      tryAll(Array.from({ length: BATCH }, () => change(corpus, random)));
    }
    return { bySeeds, branches: known.size, corpus };
  } finally {
    coverage.end();
  }
}

/** One of the corpus, the newest ones more often, with one to eight changes; pieces of others among them. */
function change(corpus: readonly Uint8Array[], random: RandomInts): Uint8Array {
  const from = random(2) === 0 ? Math.max(0, corpus.length - 20) : 0;
  let input = corpus[from + random(corpus.length - from)];
  for (let changes = 1 << random(4); changes > 0; changes--) {
    const kind = random(4);
    if (kind < 2) input = mutate(input, random);
    else if (kind === 2) input = spliced(input, pick(random, corpus), random);
    else input = spliced(input, input, random);
  }
  return input;
}

/** A piece of `other` in `input`, in the place of as much or of nothing. */
function spliced(input: Uint8Array, other: Uint8Array, random: RandomInts): Uint8Array {
  const start = random(other.length + 1);
  const piece = other.subarray(start, start + random(Math.min(200, other.length - start) + 1));
  const at = random(input.length + 1);
  const behind = random(2) === 0 ? Math.min(input.length, at + piece.length) : at;
  const bytes = new Uint8Array(at + piece.length + input.length - behind);
  bytes.set(input.subarray(0, at));
  bytes.set(piece, at);
  bytes.set(input.subarray(behind), at + piece.length);
  return bytes.length > LENGTH_MAX ? bytes.subarray(0, LENGTH_MAX) : bytes;
}

const LENGTH_MAX = 8192;
