/**
 * Whose names a contender's znode gets, so that a library that knows only its own counts it. Contenders of all of them
 * are recognised, whichever is chosen.
 *
 * | naming | exclusive | shared |
 * | --- | --- | --- |
 * | `curator` | `_c_UUID-lock-N`, in a read-write lock `_c_UUID-__WRIT__N` | `_c_UUID-__READ__N` |
 * | `kazoo` | `HEX32__lock__N` | `HEX32__rlock__N` |
 * | `go` | `_c_HEX32-lock-N` | – |
 */
export type LockNaming = "curator" | "kazoo" | "go";

/** What a contender is for. */
export type LockRole = "mutex" | "read" | "write";

/**
 * The name of a contender's znode up to its sequence number. It begins with the GUID, so that a create whose reply was
 * lost can be found again.
 * @param uuid - with hyphens, unique for each attempt
 */
export function contenderPrefix(naming: LockNaming, role: LockRole, uuid: string): string {
  const hex = uuid.replaceAll("-", "");
  switch (naming) {
    case "curator":
      return `_c_${uuid}-${role === "mutex" ? "lock-" : role === "write" ? "__WRIT__" : "__READ__"}`;
    case "kazoo":
      return `${hex}${role === "read" ? "__rlock__" : "__lock__"}`;
    case "go":
      if (role === "read") throw new RangeError("go-zk has no read locks: choose the naming curator or kazoo");
      return `_c_${hex}-lock-`;
  }
}
