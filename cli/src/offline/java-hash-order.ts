/**
 * The order in which Java's HashSet and HashMap yield their elements, which is the order in which ZooKeeper's tools print
 * children and sessions. A table of `capacity` bins doubles when it is three quarters full, or when more than eight
 * elements meet in one bin and it has fewer than 64; within a bin, elements stay in the order in which they came. (Bins of
 * more than eight in larger tables, which Java turns into trees, do not occur with names that nobody chose for it.)
 * @param elements - in the order in which they are put in; none twice
 * @param hashes - Java's `hashCode` of each
 * @param initialCapacity - a power of two
 */
export function inHashOrder<T>(elements: readonly T[], hashes: readonly number[], initialCapacity: number): T[] {
  let bins: number[][] = emptyBins(initialCapacity);
  for (let i = 0; i < elements.length; i++) {
    const bin = bins[spread(hashes[i]!) & (bins.length - 1)]!;
    bin.push(i);
    if (bin.length > TREE_THRESHOLD && bins.length < TREE_CAPACITY_MIN) bins = doubled(bins, hashes);
    if (i + 1 > 0.75 * bins.length) bins = doubled(bins, hashes);
  }
  return bins.flatMap((bin) => bin.map((i) => elements[i]!));
}

const TREE_THRESHOLD = 8;
const TREE_CAPACITY_MIN = 64;

/** Of a DataNode's children. */
export const CHILDREN_CAPACITY = 8;
/** Of a HashMap that is made without one. */
export const DEFAULT_CAPACITY = 16;

/** Java's `String.hashCode`. */
export function stringHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16);
}

function emptyBins(count: number): number[][] {
  return Array.from({ length: count }, () => []);
}

function doubled(bins: readonly number[][], hashes: readonly number[]): number[][] {
  const larger = emptyBins(2 * bins.length);
  for (const bin of bins) for (const i of bin) larger[spread(hashes[i]!) & (larger.length - 1)]!.push(i);
  return larger;
}
