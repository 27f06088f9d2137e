/** Paths as the storage code builds them: `/` also works on Windows. */
export function join(directory: string, name: string): string {
  return `${directory}/${name}`;
}

export function parentOf(path: string): string {
  const slash = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash);
}
