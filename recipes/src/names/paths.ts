/** `parent/name`; the parent may be `/`. */
export function childPath(parent: string, name: string): string {
  return parent === "/" ? `/${name}` : `${parent}/${name}`;
}

/** The path above; `/` for the children of the root. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

/** The last part of a path. */
export function nodeName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Whether `path` is `ancestor` or lies below it. */
export function isAtOrBelow(path: string, ancestor: string): boolean {
  return ancestor === "/" || path === ancestor || path.startsWith(`${ancestor}/`);
}

/**
 * Refuses what no znode can be called, before anything is sent: a recipe's path is absolute and has no empty part.
 * @throws RangeError with what is wrong
 */
export function checkPath(path: string): string {
  const problem = !path.startsWith("/")
    ? "it must start with /"
    : path !== "/" && path.endsWith("/")
      ? "it must not end with /"
      : path.includes("//")
        ? "it has an empty part"
        : path.split("/").some((part) => part === "." || part === "..")
          ? ". and .. are no names"
          : null;
  if (problem !== null) throw new RangeError(`${JSON.stringify(path)} is no path of a znode: ${problem}`);
  return path;
}
