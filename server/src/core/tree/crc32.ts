const TABLES = makeTables();

/** Eight tables of 256: the k-th takes a byte over k more zero bytes. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256];
    tables[i] = (before >>> 8) ^ tables[before & 0xff];
  }
  return tables;
}

/**
 * CRC32 (IEEE, as java.util.zip.CRC32), eight bytes at a time.
 * @param crc - 0, or the result over what came before
 * @returns an int32; `>>> 0` makes it the usual unsigned value
 */
export function crc32(crc: number, bytes: Uint8Array, start: number, end: number): number {
  const t = TABLES;
  let c = ~crc;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    c ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    c =
      t[0x700 + (c & 0xff)] ^
      t[0x600 + ((c >>> 8) & 0xff)] ^
      t[0x500 + ((c >>> 16) & 0xff)] ^
      t[0x400 + (c >>> 24)] ^
      t[0x300 + bytes[i + 4]] ^
      t[0x200 + bytes[i + 5]] ^
      t[0x100 + bytes[i + 6]] ^
      t[bytes[i + 7]];
  }
  for (; i < end; i++) c = (c >>> 8) ^ t[(c ^ bytes[i]) & 0xff];
  return ~c;
}

/** {@link crc32} over the eight bytes of a 64-bit value, the upper half first. */
export function crc32Long(crc: number, hi: number, lo: number): number {
  const t = TABLES;
  const c = ~crc;
  return ~(
    t[0x700 + ((c ^ (hi >>> 24)) & 0xff)] ^
    t[0x600 + (((c >>> 8) ^ (hi >>> 16)) & 0xff)] ^
    t[0x500 + (((c >>> 16) ^ (hi >>> 8)) & 0xff)] ^
    t[0x400 + (((c >>> 24) ^ hi) & 0xff)] ^
    t[0x300 + (lo >>> 24)] ^
    t[0x200 + ((lo >>> 16) & 0xff)] ^
    t[0x100 + ((lo >>> 8) & 0xff)] ^
    t[lo & 0xff]
  );
}

/** {@link crc32} over the four bytes of an int, the upper ones first. */
export function crc32Int(crc: number, value: number): number {
  const t = TABLES;
  const c = ~crc;
  return ~(
    t[0x300 + ((c ^ (value >>> 24)) & 0xff)] ^
    t[0x200 + (((c >>> 8) ^ (value >>> 16)) & 0xff)] ^
    t[0x100 + (((c >>> 16) ^ (value >>> 8)) & 0xff)] ^
    t[((c >>> 24) ^ value) & 0xff]
  );
}
