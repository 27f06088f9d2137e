/** What no file may hold, with the reason. The patterns are spelt so that they don't find themselves. */
const RULES: readonly { readonly pattern: RegExp; readonly problem: string }[] = [
  {
    pattern: /(?<![\w.-])\/(?:work|root|home\/\w+|Users\/\w+)\/\w/g,
    problem: "a path of one machine",
  },
  {
    pattern: /(?<!\w)\/tmp\/[a-z]\w*-\w+/g,
    problem: "a path of one machine; use the system's temporary folder",
  },
  {
    pattern: /\bregistry\.[a-z]+\.[a-z]|\bpypi\.(?:org|python)|\brepo1?\.maven|\bartifactory\b|\bnexus\./g,
    problem: "a package registry's host: which one is used is the machine's business",
  },
  {
    pattern: /\b(?:TO[D]O|FIX[M]E|XX[X])\b/g,
    problem: "something left to do: do it, or write it into an issue",
  },
];

export interface Untidiness {
  readonly line: number;
  readonly problem: string;
}

export function untidiness(text: string): Untidiness[] {
  return RULES.flatMap(({ pattern, problem }) =>
    [...text.matchAll(pattern)].map((match) => ({
      line: text.slice(0, match.index).split("\n").length,
      problem: `${match[0]}: ${problem}`,
    })),
  );
}
