/**
 * Why ZooKeeper would not take `path`, or null if it would.
 * @param path - what the request will carry, chroot included
 * @param isSequential - then the server appends digits, so that the path may end with a slash
 */
export function pathProblem(path: string, isSequential: boolean): string | null {
  const length = path.length;
  if (length === 0) return "a path cannot be empty";
  if (path.charCodeAt(0) !== SLASH) return "a path starts with /";
  if (length === 1) return null;
  let start = 1;
  for (let i = 1; i <= length; i++) {
    const unit = i < length ? path.charCodeAt(i) : SLASH;
    if (unit === SLASH) {
      if (i === start && !(i === length && isSequential)) {
        return i === length ? "a path does not end with /" : `an empty name at ${i}`;
      }
      if (path.charCodeAt(start) === DOT && isDots(path, start, i)) return `a relative name at ${start}`;
      start = i + 1;
    } else if (unit < 0x20 || (unit >= 0x7f && isForbidden(unit))) {
      return `a character that paths may not hold, 0x${unit.toString(16)} at ${i}`;
    }
  }
  return null;
}

const SLASH = 0x2f;
const DOT = 0x2e;

function isDots(path: string, start: number, end: number): boolean {
  return end - start === 1 || (end - start === 2 && path.charCodeAt(start + 1) === DOT);
}

function isForbidden(unit: number): boolean {
  return unit <= 0x9f || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0;
}

/** The path on the server of what a client with that chroot calls `path`. */
export function serverPath(chroot: string, path: string): string {
  if (chroot === "") return path;
  return path === "/" ? chroot : chroot + path;
}

/** What a client with that chroot calls the path of the server. A path outside of the chroot stays as it is. */
export function clientPath(chroot: string, path: string): string {
  if (chroot === "" || !path.startsWith(chroot)) return path;
  if (path.length === chroot.length) return "/";
  return path.charCodeAt(chroot.length) === SLASH ? path.slice(chroot.length) : path;
}
