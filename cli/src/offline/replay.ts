import { Long, ProtocolError } from "@quoll/jute";
import { type DataTree, type Directories, type Disk, hex, LogChain, type LogGap } from "@quoll/server/storage";
import { type Coverage, continues, rangeText } from "./coverage.js";
import type { Progress } from "./terminal.js";
import { ToolError, ToolExit } from "./tool-error.js";
import { loadSnapshot, TreeView } from "./tree.js";

/**
 * A tree that is moved through the history of its logs, from the newest snapshot that is a state before the txn that is
 * asked for first.
 */
export class Replay {
  readonly view: TreeView;
  private readonly chain: LogChain;
  private readonly total: number;
  /** Whether the chain stands at a txn that was not applied yet. */
  private isPending = false;
  private count = 0;

  private constructor(
    disk: Disk,
    { logDirectory }: Directories,
    private readonly data: DataTree,
    private readonly progress: Progress,
  ) {
    this.view = new TreeView(data);
    this.chain = new LogChain(disk, logDirectory, data.lastProcessedZxid);
    this.total = this.chain.bytesTotal;
  }

  /** @throws ToolError when the state after that txn can't be had */
  static to(disk: Disk, directories: Directories, coverage: Coverage, zxid: number, progress: Progress): Replay {
    const { ranges, snapshots, runs } = coverage;
    if (!ranges.some(({ from, to }) => from <= zxid && zxid <= to)) {
      const what = ranges.map((range) => `  ${rangeText(range)}`).join("\n");
      throw new ToolError(ToolExit.directory, `zxid ${hex(zxid)} is not covered. What is:\n${what}`);
    }
    const run = runs.find(({ first, last }) => first <= zxid && zxid <= last);
    const states = snapshots.filter(({ name, fuzzyUpTo }) => {
      return fuzzyUpTo <= zxid && (name.zxid === zxid || (run !== undefined && continues(name.zxid, run)));
    });
    const base = states.at(-1)!;
    const { body, digest } = loadSnapshot(disk, directories.snapDirectory, base.name, progress);
    if (digest !== null) {
      body.expectDigest(digest.zxid, digest.version, new Long(digest.hi, digest.lo), base.name.zxid);
      body.compareSnapshotDigest(base.name.zxid);
    }
    const replay = new Replay(disk, directories, body, progress);
    replay.advance(zxid, () => {});
    return replay;
  }

  /**
   * Applies the txns up to one.
   * @param before - called before each with its payload, while the tree is still without it
   */
  advance(zxid: number, before: (bytes: Uint8Array, start: number, end: number) => void): void {
    const { chain, data } = this;
    for (;;) {
      if (!this.isPending && !chain.next()) break;
      this.isPending = true;
      if (chain.zxid > zxid) break;
      this.isPending = false;
      if (chain.zxid <= data.lastProcessedZxid) continue;
      if (chain.gap !== null && chain.gap.before > data.lastProcessedZxid) throw gapError(chain.gap);
      before(chain.bytes, chain.payloadStart, chain.payloadEnd);
      this.apply();
      if (++this.count % 4096 === 0) this.progress.show(`replaying ${chain.path}`, chain.position, this.total);
    }
    this.progress.clear();
  }

  close(): void {
    this.chain.close();
  }

  private apply(): void {
    const { chain, data } = this;
    const mismatches = data.digestMismatches;
    try {
      data.apply(chain.bytes, chain.payloadStart, chain.payloadEnd, null);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw damaged(chain, `the txn can't be read (${error.message})`);
    }
    if (data.digestMismatches !== mismatches) throw damaged(chain, "the tree's digest is not the one that was logged");
  }
}

function damaged(chain: LogChain, problem: string): ToolError {
  const place = `${chain.path} at byte ${chain.offset}, txn ${hex(chain.zxid)}`;
  return new ToolError(ToolExit.damaged, `${place}: ${problem}. \`quoll verify\` says more.`);
}

function gapError(gap: LogGap): ToolError {
  const place = `${gap.path} at byte ${gap.offset}`;
  return new ToolError(
    ToolExit.damaged,
    `${place}: txn ${hex(gap.before)} follows ${hex(gap.after)} (${gap.problem}). \`quoll verify\` says more.`,
  );
}
