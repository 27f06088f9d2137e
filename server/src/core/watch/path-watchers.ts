import { invariant } from "@quoll/jute";
import { Arena, chunkOf, offsetOf } from "./arena.js";
import { ConnectionSets, EMPTY_SET } from "./connection-sets.js";

/** Stands for "no such path". */
export const NO_PATH = -1;

// A path: [the set of its watchers, next path in the same bucket, length in bytes, the bytes]
const NEXT = 1;
const LENGTH = 2;
const PATH_HEADER_WORDS = 3;

// A segment of a connection's list: [words of this block, entries in it, the segment before, refs of paths]
const ENTRIES = 1;
const PREVIOUS = 2;
const SEGMENT_HEADER_WORDS = 3;
const NO_SEGMENT = -1;

const BUCKET_CHUNK_BITS = 12;
const BUCKET_CHUNK = 1 << BUCKET_CHUNK_BITS;
const BUCKETS_MIN = 16;

/** Below this much freed memory (in words, 1 MiB) it is not worth moving. */
const FREE_WORDS_MAX = 1 << 18;

/**
 * Which connections watch which paths, in one mode: a relation that can be walked from both sides and takes back a
 * connection in time proportional to what it watches.
 *
 * Everything is flat memory. A path has a record in an arena; records hang in a hash table that grows by one bucket at a
 * time (linear hashing), so no request ever pays for a rehash. Its watchers are a {@link ConnectionSets} set. A connection
 * has a list of the paths it watches, in segments, so that a growing list leaves no old copies behind. A watch that is
 * removed from the path's side stays in that list until the list is full and at most half of it holds; entries are
 * therefore hints, which the path's set confirms.
 */
export class PathWatchers {
  private readonly seed: number;
  private paths = new Arena();
  private blocks = new Arena();
  private sets = new ConnectionSets(this.blocks);
  private bucketChunks: Int32Array[] = [];
  private buckets = 0;
  /** The largest power of two that is at most {@link buckets}, less one. */
  private bucketMask = 0;
  /** By connection: the newest segment of its list, the entries of all segments, and how many of them hold. */
  private lists = new Int32Array(16).fill(NO_SEGMENT);
  private entries = new Int32Array(16);
  private held = new Int32Array(16);
  /** What still was free after the last move to new memory. */
  private freeWordsAfterMove = 0;

  /** How many paths are watched, by how many connections, and how many pairs of the two there are. */
  pathCount = 0;
  connectionCount = 0;
  watchCount = 0;

  /** @param seed - makes the places in the hash table unknown to clients */
  constructor(seed: number) {
    this.seed = seed;
    this.resetBuckets();
  }

  /** @returns whether it was not there before */
  add(connection: number, bytes: Uint8Array, start: number, end: number): boolean {
    let path = this.find(bytes, start, end);
    if (path === NO_PATH) path = this.insert(bytes, start, end);
    const ints = this.paths.ints[chunkOf(path)];
    const at = offsetOf(path);
    if (this.sets.has(ints[at], connection)) return false;
    ints[at] = this.sets.add(ints[at], connection);
    this.watchCount++;
    this.hold(connection, path);
    return true;
  }

  /** @returns whether it was there */
  remove(connection: number, bytes: Uint8Array, start: number, end: number): boolean {
    const path = this.find(bytes, start, end);
    if (path === NO_PATH || !this.removeFrom(path, connection)) return false;
    this.loosen(connection);
    this.tidy();
    return true;
  }

  has(connection: number, bytes: Uint8Array, start: number, end: number): boolean {
    const path = this.find(bytes, start, end);
    return path !== NO_PATH && this.sets.has(this.watchersOf(path), connection);
  }

  /** The path's ref, valid until the next change, or {@link NO_PATH}. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (this.pathCount === 0) return NO_PATH;
    let path = this.bucketHead(this.bucketOf(hash(this.seed, bytes, start, end)));
    while (path !== NO_PATH) {
      const chunk = chunkOf(path);
      const ints = this.paths.ints[chunk];
      const at = offsetOf(path);
      if (ints[at + LENGTH] === end - start) {
        const known = this.paths.bytes[chunk];
        const offset = (at + PATH_HEADER_WORDS) * 4 - start;
        // From the end: paths that differ mostly do so there.
        let i = end - 1;
        while (i >= start && bytes[i] === known[offset + i]) i--;
        if (i < start) return path;
      }
      path = ints[at + NEXT];
    }
    return NO_PATH;
  }

  /** The watcher of `path` with the smallest number above `after` (-1 to begin), or -1. */
  nextWatcher(path: number, after: number): number {
    return this.sets.next(this.watchersOf(path), after);
  }

  /** Removes a path with all its watchers, as a one-shot watch goes when it fires. */
  removePath(path: number): void {
    const set = this.watchersOf(path);
    for (let connection = this.sets.next(set, -1); connection >= 0; connection = this.sets.next(set, connection)) {
      this.watchCount--;
      this.loosen(connection);
    }
    this.sets.release(set);
    this.drop(path);
    this.tidy();
  }

  /** Removes all that a connection watches. */
  removeConnection(connection: number): void {
    let segment = this.listOf(connection);
    if (segment === NO_SEGMENT) return;
    while (segment !== NO_SEGMENT) {
      const ints = this.blocks.ints[chunkOf(segment)];
      const first = offsetOf(segment) + SEGMENT_HEADER_WORDS;
      const end = first + ints[offsetOf(segment) + ENTRIES];
      for (let i = first; i < end; i++) this.removeFrom(ints[i], connection);
      segment = ints[offsetOf(segment) + PREVIOUS];
    }
    this.releaseList(connection);
    this.tidy();
  }

  /** Visits every path with the number of its watchers; the bytes are valid during the visit only. */
  forEachPath(visit: (path: number, bytes: Uint8Array, start: number, end: number) => void): void {
    for (let bucket = 0; bucket < this.buckets; bucket++) {
      for (let path = this.bucketHead(bucket); path !== NO_PATH; path = this.nextPath(path)) this.visit(path, visit);
    }
  }

  /** The connection with the smallest number above `after` (-1 to begin) that watches something, or -1. */
  nextConnection(after: number): number {
    for (let i = after + 1; i < this.lists.length; i++) if (this.lists[i] !== NO_SEGMENT) return i;
    return -1;
  }

  /** Visits every path that a connection watches, each once; the bytes are valid during the visit only. */
  forEachPathOf(
    connection: number,
    visit: (path: number, bytes: Uint8Array, start: number, end: number) => void,
  ): void {
    if (this.listOf(connection) === NO_SEGMENT) return;
    this.purgeList(connection);
    const segment = this.lists[connection];
    const ints = this.blocks.ints[chunkOf(segment)];
    const first = offsetOf(segment) + SEGMENT_HEADER_WORDS;
    const end = first + ints[offsetOf(segment) + ENTRIES];
    for (let i = first; i < end; i++) this.visit(ints[i], visit);
  }

  /** Memory taken from the machine. */
  get byteLength(): number {
    return (
      this.paths.byteLength +
      this.blocks.byteLength +
      this.bucketChunks.length * BUCKET_CHUNK * 4 +
      3 * this.lists.byteLength
    );
  }

  // Paths and their hash table

  private watchersOf(path: number): number {
    return this.paths.ints[chunkOf(path)][offsetOf(path)];
  }

  private nextPath(path: number): number {
    return this.paths.ints[chunkOf(path)][offsetOf(path) + NEXT];
  }

  private visit(path: number, visit: (path: number, bytes: Uint8Array, start: number, end: number) => void): void {
    const at = offsetOf(path);
    const start = (at + PATH_HEADER_WORDS) * 4;
    visit(path, this.paths.bytes[chunkOf(path)], start, start + this.paths.ints[chunkOf(path)][at + LENGTH]);
  }

  private insert(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const path = this.paths.alloc(PATH_HEADER_WORDS + ((length + 3) >>> 2));
    const chunk = chunkOf(path);
    const ints = this.paths.ints[chunk];
    const at = offsetOf(path);
    const bucket = this.bucketOf(hash(this.seed, bytes, start, end));
    ints[at] = EMPTY_SET;
    ints[at + NEXT] = this.bucketHead(bucket);
    ints[at + LENGTH] = length;
    const own = this.paths.bytes[chunk];
    const offset = (at + PATH_HEADER_WORDS) * 4 - start;
    for (let i = start; i < end; i++) own[offset + i] = bytes[i];
    this.setBucketHead(bucket, path);
    this.pathCount++;
    if (this.pathCount > this.buckets) this.splitBucket();
    return path;
  }

  /** Takes a watcher out of a path's set, and the path out of the table if that was the last. False if there was none. */
  private removeFrom(path: number, connection: number): boolean {
    const ints = this.paths.ints[chunkOf(path)];
    const at = offsetOf(path);
    if (!this.sets.has(ints[at], connection)) return false;
    ints[at] = this.sets.remove(ints[at], connection);
    this.watchCount--;
    if (ints[at] === EMPTY_SET) this.drop(path);
    return true;
  }

  private drop(path: number): void {
    const ints = this.paths.ints[chunkOf(path)];
    const at = offsetOf(path);
    const bucket = this.bucketOf(this.hashOf(path));
    if (this.bucketHead(bucket) === path) {
      this.setBucketHead(bucket, ints[at + NEXT]);
    } else {
      let before = this.bucketHead(bucket);
      while (this.nextPath(before) !== path) before = this.nextPath(before);
      this.paths.ints[chunkOf(before)][offsetOf(before) + NEXT] = ints[at + NEXT];
    }
    this.paths.release(path, PATH_HEADER_WORDS + ((ints[at + LENGTH] + 3) >>> 2));
    this.pathCount--;
  }

  private hashOf(path: number): number {
    const chunk = chunkOf(path);
    const at = offsetOf(path);
    const start = (at + PATH_HEADER_WORDS) * 4;
    return hash(this.seed, this.paths.bytes[chunk], start, start + this.paths.ints[chunk][at + LENGTH]);
  }

  /** Buckets from `bucketMask + 1` on are halves of lower ones, split off one after the other. */
  private bucketOf(hash: number): number {
    const bucket = hash & (this.bucketMask * 2 + 1);
    return bucket < this.buckets ? bucket : bucket & this.bucketMask;
  }

  private bucketHead(bucket: number): number {
    return this.bucketChunks[bucket >>> BUCKET_CHUNK_BITS][bucket & (BUCKET_CHUNK - 1)];
  }

  private setBucketHead(bucket: number, path: number): void {
    this.bucketChunks[bucket >>> BUCKET_CHUNK_BITS][bucket & (BUCKET_CHUNK - 1)] = path;
  }

  private splitBucket(): void {
    const added = this.buckets;
    if (added >>> BUCKET_CHUNK_BITS === this.bucketChunks.length) {
      this.bucketChunks.push(new Int32Array(BUCKET_CHUNK).fill(NO_PATH));
    }
    let path = this.bucketHead(added & this.bucketMask);
    this.setBucketHead(added & this.bucketMask, NO_PATH);
    this.buckets++;
    if (this.buckets > this.bucketMask * 2 + 1) this.bucketMask = this.bucketMask * 2 + 1;
    while (path !== NO_PATH) {
      const ints = this.paths.ints[chunkOf(path)];
      const at = offsetOf(path);
      const next = ints[at + NEXT];
      const bucket = this.bucketOf(this.hashOf(path));
      ints[at + NEXT] = this.bucketHead(bucket);
      this.setBucketHead(bucket, path);
      path = next;
    }
  }

  private resetBuckets(): void {
    this.bucketChunks = [new Int32Array(BUCKET_CHUNK).fill(NO_PATH)];
    this.buckets = BUCKETS_MIN;
    this.bucketMask = BUCKETS_MIN - 1;
  }

  // The lists of the connections

  private listOf(connection: number): number {
    return connection < this.lists.length ? this.lists[connection] : NO_SEGMENT;
  }

  private hold(connection: number, path: number): void {
    if (connection >= this.lists.length) this.growColumns(connection + 1);
    if (this.lists[connection] === NO_SEGMENT) {
      this.connectionCount++;
      this.addSegment(connection, 1);
    } else if (this.isFull(this.lists[connection])) {
      // Purge when that frees half of it; else grow by half. Either way the entries before paid for it.
      if (this.held[connection] * 2 <= this.entries[connection]) this.purgeList(connection, path);
      if (this.isFull(this.lists[connection])) this.addSegment(connection, (this.entries[connection] >>> 1) + 1);
    }
    this.append(connection, path);
    this.held[connection]++;
  }

  private append(connection: number, path: number): void {
    const segment = this.lists[connection];
    const ints = this.blocks.ints[chunkOf(segment)];
    const at = offsetOf(segment);
    ints[at + SEGMENT_HEADER_WORDS + ints[at + ENTRIES]++] = path;
    this.entries[connection]++;
  }

  private isFull(segment: number): boolean {
    const ints = this.blocks.ints[chunkOf(segment)];
    const at = offsetOf(segment);
    return SEGMENT_HEADER_WORDS + ints[at + ENTRIES] === ints[at];
  }

  /** One of the entries of a connection's list does not hold any more. */
  private loosen(connection: number): void {
    if (--this.held[connection] === 0) this.releaseList(connection);
  }

  /**
   * Leaves each path that holds once, in a single segment. `except` was added to its set just now and is about to be
   * appended.
   */
  private purgeList(connection: number, except: number = NO_PATH): void {
    const entries = new Int32Array(this.entries[connection]);
    let count = 0;
    for (let segment = this.lists[connection]; segment !== NO_SEGMENT; ) {
      const ints = this.blocks.ints[chunkOf(segment)];
      const at = offsetOf(segment);
      const first = at + SEGMENT_HEADER_WORDS;
      entries.set(ints.subarray(first, first + ints[at + ENTRIES]), count);
      count += ints[at + ENTRIES];
      segment = ints[at + PREVIOUS];
    }
    entries.sort();
    this.releaseSegments(connection);
    this.addSegment(connection, this.held[connection] + 1);
    let previous = NO_PATH;
    for (let i = 0; i < entries.length; i++) {
      const path = entries[i];
      if (path === previous || path === except) continue;
      previous = path;
      if (this.sets.has(this.watchersOf(path), connection)) this.append(connection, path);
    }
    invariant(
      this.entries[connection] === this.held[connection],
      "a connection's list holds as many paths as name the connection",
    );
  }

  private addSegment(connection: number, entries: number): void {
    const words = SEGMENT_HEADER_WORDS + entries;
    const segment = this.blocks.alloc(words);
    const ints = this.blocks.ints[chunkOf(segment)];
    const at = offsetOf(segment);
    ints[at] = Arena.size(words);
    ints[at + ENTRIES] = 0;
    ints[at + PREVIOUS] = this.lists[connection];
    this.lists[connection] = segment;
  }

  private releaseList(connection: number): void {
    this.releaseSegments(connection);
    this.held[connection] = 0;
    this.connectionCount--;
  }

  private releaseSegments(connection: number): void {
    let segment = this.lists[connection];
    while (segment !== NO_SEGMENT) {
      const ints = this.blocks.ints[chunkOf(segment)];
      const at = offsetOf(segment);
      const previous = ints[at + PREVIOUS];
      this.blocks.release(segment, ints[at]);
      segment = previous;
    }
    this.lists[connection] = NO_SEGMENT;
    this.entries[connection] = 0;
  }

  private growColumns(connections: number): void {
    const length = Math.max(this.lists.length * 2, connections);
    const lists = new Int32Array(length).fill(NO_SEGMENT);
    lists.set(this.lists);
    const entries = new Int32Array(length);
    entries.set(this.entries);
    const held = new Int32Array(length);
    held.set(this.held);
    this.lists = lists;
    this.entries = entries;
    this.held = held;
  }

  // Giving memory back

  /** Moves to new memory when most of it waits for reuse. At least as many removals paid for it as there is to move. */
  private tidy(): void {
    const free = this.paths.freeWords + this.blocks.freeWords;
    const used = this.paths.usedWords + this.blocks.usedWords;
    if (free < FREE_WORDS_MAX || free < used || free < 2 * this.freeWordsAfterMove) return;
    const old = new PathWatchers(this.seed);
    old.take(this);
    this.paths = new Arena();
    this.blocks = new Arena();
    this.sets = new ConnectionSets(this.blocks);
    this.lists = new Int32Array(16).fill(NO_SEGMENT);
    this.entries = new Int32Array(16);
    this.held = new Int32Array(16);
    this.pathCount = this.connectionCount = this.watchCount = 0;
    this.resetBuckets();
    old.forEachPath((path, bytes, start, end) => {
      for (let c = old.nextWatcher(path, -1); c >= 0; c = old.nextWatcher(path, c)) this.add(c, bytes, start, end);
    });
    this.freeWordsAfterMove = this.paths.freeWords + this.blocks.freeWords;
  }

  private take(other: PathWatchers): void {
    this.paths = other.paths;
    this.blocks = other.blocks;
    this.sets = other.sets;
    this.bucketChunks = other.bucketChunks;
    this.buckets = other.buckets;
    this.bucketMask = other.bucketMask;
  }
}

function hash(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let value = seed;
  for (let i = start; i < end; i++) {
    value = Math.imul(value ^ bytes[i], 0x5bd1e995);
    value ^= value >>> 15;
  }
  return value ^ (value >>> 7);
}
