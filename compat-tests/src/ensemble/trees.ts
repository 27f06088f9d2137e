import { connect, type ZooKeeper } from "@quoll/client";

/** Every znode with data, stat and ACL, as text: two servers have the same tree if their texts are equal. */
export async function treeOf(address: string): Promise<Map<string, string>> {
  const zk = await connect(address, { sessionTimeoutMs: 10_000 });
  try {
    await zk.sync();
    const tree = new Map<string, string>();
    await walk(zk, "/", tree);
    return tree;
  } finally {
    await zk.close();
  }
}

async function walk(zk: ZooKeeper, path: string, tree: Map<string, string>): Promise<void> {
  const { data, stat: whole } = await zk.getData(path);
  // Every server writes its configuration into its own tree when it starts.
  const stat = path === "/zookeeper/config" ? { ...whole.toJSON(), mtime: 0 } : whole;
  const { acl } = await zk.getACL(path);
  const text = data === null ? null : Buffer.from(data).toString("base64");
  tree.set(
    path,
    JSON.stringify({ data: text, stat, acl }, (_, value) => (typeof value === "bigint" ? String(value) : value)),
  );
  for (const child of (await zk.getChildren(path)).sort())
    await walk(zk, path === "/" ? `/${child}` : `${path}/${child}`, tree);
}

/** @returns what differs, at most a few lines of it; empty when the trees are equal */
export function differences(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const path of new Set([...a.keys(), ...b.keys()])) {
    if (a.get(path) !== b.get(path)) found.push(`${path}: ${a.get(path) ?? "(none)"} and ${b.get(path) ?? "(none)"}`);
  }
  return found.slice(0, 10);
}
