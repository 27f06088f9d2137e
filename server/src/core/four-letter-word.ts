/**
 * The four-letter words, as the int32 that their bytes make: a connection whose first four bytes are one of these is no
 * client's.
 */
const WORDS = [
  ...["conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst", "srvr", "stat"],
  ...["stmk", "wchc", "wchp", "wchs"],
];

const byNumber = new Map(WORDS.map((word) => [numberOf(word), word]));

/** The word that an int32 spells, or undefined. */
export function fourLetterWord(number: number): string | undefined {
  return byNumber.get(number);
}

function numberOf(word: string): number {
  let number = 0;
  for (let i = 0; i < 4; i++) number = (number << 8) | word.charCodeAt(i);
  return number;
}
