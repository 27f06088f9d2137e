import { PathError } from "./errors.js";

/**
 * Checks a path as ZooKeeper's client does, in the same words.
 * @throws {@link PathError}
 */
export function checkPath(path: string): void {
  const problem = pathProblem(path);
  if (problem !== null)
    throw new PathError(problem, 1, "a path looks like /a/b: it starts with / and does not end with it");
}

function pathProblem(path: string): string | null {
  if (path.length === 0) return "Path length must be > 0";
  if (path[0] !== "/") return "Path must start with / character";
  if (path.length === 1) return null;
  if (path.endsWith("/")) return "Path must not end with / character";
  for (let i = 1; i < path.length; i++) {
    const reason = characterProblem(path, i);
    if (reason !== null) return `Invalid path string "${path}" caused by ${reason} @${i}`;
  }
  return null;
}

function characterProblem(path: string, i: number): string | null {
  const c = path.charCodeAt(i);
  const last = path[i - 1];
  const endsName = i + 1 === path.length || path[i + 1] === "/";
  if (c === 0) return "null character not allowed";
  if (path[i] === "/") return last === "/" ? "empty node name specified" : null;
  if (path[i] === ".") {
    const isRelative = endsName && (last === "/" || (last === "." && path[i - 2] === "/"));
    return isRelative ? "relative paths not allowed" : null;
  }
  const isInvalid = c <= 0x1f || (c >= 0x7f && c <= 0x9f) || (c >= 0xd800 && c <= 0xf8ff) || c >= 0xfff0;
  return isInvalid ? "invalid character" : null;
}

export function childOf(parent: string, name: string): string {
  return parent === "/" ? `/${name}` : `${parent}/${name}`;
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** `path` without `root` in front, beginning with a slash; empty for `root` itself. */
export function suffixBelow(root: string, path: string): string {
  if (path === root) return "";
  return root === "/" ? path : path.slice(root.length);
}
