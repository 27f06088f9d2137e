/**
 * Puts numbers into the order in which a Java `HashMap<Long, …>` goes through them, since that is the order of the lines
 * in a configuration: by the bits of the number that choose a bucket. Up to 12 servers with numbers below 16 it is
 * ascending. What shares a bucket stands in the order of insertion in Java, and ascending here.
 */
export function hashMapOrder(keys: readonly number[]): number[] {
  let buckets = 16;
  while (keys.length > buckets * 0.75) buckets *= 2;
  const bucketOf = (key: number): number => {
    const hash = (Math.floor(key / 0x1_0000_0000) ^ key) | 0;
    return (hash ^ (hash >>> 16)) & (buckets - 1);
  };
  return [...keys].sort((a, b) => bucketOf(a) - bucketOf(b) || a - b);
}
