import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { skipUnlessCi } from "../peers/cache.js";
import { zookeeperClasspath } from "../peers/java-zookeeper.js";
import type { ServerKind } from "../peers/server.js";
import { describeDifference, describeScript, signatureOf } from "./describe.js";
import { generate } from "./generate.js";
import { type Difference, Pair } from "./pair.js";
import { PROFILES, type Profile } from "./profile.js";
import { operationsOf, type Script } from "./script.js";
import { type Shrunk, shrink } from "./shrink.js";

const HELP = `Sends the same random requests to two servers and compares all that they answer.

  --ops N          operations in all (200,000)
  --seed N         (1)
  --a, --b KIND    java or quoll (a: java, b: quoll)
  --tame           only what a sound client may send
  --profile NAME   only this configuration: ${PROFILES.map((profile) => profile.name).join(", ")}
  --script FILE    runs one script that an earlier run kept, instead of random ones
  --differences N  ends after so many different differences (20)
  --attempts N     runs for making one difference's script shorter (300)
  --dir DIR        where servers and kept scripts live (a new temporary folder)
`;

const { values: options } = parseArgs({
  options: {
    ops: { type: "string", default: "200000" },
    seed: { type: "string", default: "1" },
    a: { type: "string", default: "java" },
    b: { type: "string", default: "quoll" },
    tame: { type: "boolean", default: false },
    profile: { type: "string" },
    script: { type: "string" },
    differences: { type: "string", default: "20" },
    attempts: { type: "string", default: "300" },
    dir: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const OPERATIONS_PER_SCRIPT = 500;
/** The clock decides when a session expires or a container goes, so that profile gets a small share: it mostly waits. */
const CLOCK_SHARE = 0.02;

interface Found {
  readonly profile: Profile;
  readonly seed: number;
  readonly shrunk: Shrunk;
}

class Run {
  readonly folder = options.dir ?? mkdtempSync(join(tmpdir(), "quoll-differential-"));
  readonly kinds: [ServerKind, ServerKind] = [kindOf(options.a), kindOf(options.b)];
  readonly found = new Map<string, Found>();
  operations = 0;
  differences = 0;
  /** Scripts without a difference. */
  equal = 0;
  private readonly startedAt = Date.now();
  private shownAt = 0;

  /** Runs random scripts in one configuration. */
  async profile(profile: Profile, operations: number): Promise<void> {
    let pair = new Pair(this.kinds, profile, this.folder);
    const until = this.operations + operations;
    try {
      for (let index = 0; this.operations < until && this.found.size < Number(options.differences); index++) {
        const seed = (Number(options.seed) * 1_000_003 + index * 31 + PROFILES.indexOf(profile)) | 0;
        const script = generate(seed, profile, OPERATIONS_PER_SCRIPT, options.tame);
        const difference = await pair.run(script);
        for (const step of script.slice(0, difference?.step)) this.operations += operationsOf(step);
        if (difference !== null) {
          await pair.stop();
          await this.explain(profile, seed, script, difference);
          pair = new Pair(this.kinds, profile, this.folder);
        }
        if (difference === null) this.equal++;
        this.progress(profile);
      }
    } finally {
      await pair.stop();
    }
  }

  /** Runs a kept script. */
  async script(file: string): Promise<void> {
    const kept = JSON.parse(readFileSync(file, "utf8")) as { profile: string; script: Script };
    const profile = profileOf(kept.profile);
    const pair = new Pair(this.kinds, profile, this.folder);
    const difference = await pair.run(kept.script);
    await pair.stop();
    for (const step of kept.script) this.operations += operationsOf(step);
    if (difference === null) {
      this.equal++;
      return;
    }
    this.differences++;
    this.print({ profile, seed: 0, shrunk: { script: kept.script, difference } });
  }

  private async explain(profile: Profile, seed: number, script: Script, difference: Difference): Promise<void> {
    this.differences++;
    const signature = signatureOf(difference);
    if (this.found.has(signature)) return;
    console.log(`\na difference (${profile.name}, seed ${seed}): ${signature}\nlooking for a shorter script…`);
    let pair = new Pair(this.kinds, profile, this.folder);
    const attempt = async (candidate: Script) => {
      const again = await pair.run(candidate);
      if (again !== null) {
        await pair.stop();
        pair = new Pair(this.kinds, profile, this.folder);
      }
      return again;
    };
    const shrunk = (await shrink(script.slice(0, difference.step + 1), attempt, Number(options.attempts))) ?? {
      script,
      difference,
    };
    await pair.stop();
    const found = { profile, seed, shrunk };
    this.found.set(signature, found);
    this.found.set(signatureOf(shrunk.difference), found);
    this.print(found);
  }

  private print({ profile, seed, shrunk }: Found): void {
    const folder = join(this.folder, "scripts");
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${profile.name}-${seed}.json`);
    writeFileSync(file, `${JSON.stringify({ profile: profile.name, script: shrunk.script }, null, 1)}\n`);
    const cfg = Object.entries({ ...profile.cfg, ...profile.properties }).map(([key, value]) => `${key}=${value}`);
    console.log(`--- profile ${profile.name}: ${cfg.join(" ")}`);
    console.log(describeScript(shrunk.script.slice(-40)).join("\n"));
    console.log(describeDifference(shrunk.difference, this.kinds).join("\n"));
    console.log(`again: node compat-tests/dist/differential/main.js --script ${file}\n`);
  }

  private progress(profile: Profile): void {
    if (Date.now() - this.shownAt < 5_000) return;
    this.shownAt = Date.now();
    const seconds = Math.round((Date.now() - this.startedAt) / 1000);
    console.log(`${seconds} s: ${this.operations} operations, ${this.differences} differences (now ${profile.name})`);
  }
}

function kindOf(name: string): ServerKind {
  if (name === "java" || name === "quoll") return name;
  throw new Error(`--a and --b take java or quoll, not ${name}`);
}

function profileOf(name: string): Profile {
  const profile = PROFILES.find((each) => each.name === name);
  if (profile === undefined)
    throw new Error(`no profile ${name}: there are ${PROFILES.map((each) => each.name).join(", ")}`);
  return profile;
}

if (options.help) {
  console.log(HELP);
  process.exit(0);
}
try {
  zookeeperClasspath();
} catch (error) {
  skipUnlessCi(error);
}
const run = new Run();
if (options.script !== undefined) {
  await run.script(options.script);
} else {
  const profiles = options.profile === undefined ? PROFILES : [profileOf(options.profile)];
  const shares = profiles.map((profile) => (profile.hasClockSteps ? CLOCK_SHARE : 1));
  const whole = shares.reduce((sum, share) => sum + share, 0);
  for (const [index, profile] of profiles.entries()) {
    await run.profile(profile, Math.ceil((Number(options.ops) * shares[index]) / whole));
  }
}
console.log(`${run.operations} operations, ${run.differences} differences`);
console.log(`${run.equal} passed, ${run.differences} failed`);
process.exit(run.differences === 0 ? 0 : 1);
