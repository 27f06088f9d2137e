/** Permissions of an ACL entry, to be or-ed together. */
export const Perms = {
  /** Read data and the names of children. */
  READ: 1,
  /** Set data. */
  WRITE: 2,
  /** Create children. */
  CREATE: 4,
  /** Delete children. */
  DELETE: 8,
  /** Set the ACL. */
  ADMIN: 16,
  /** All of them. */
  ALL: 31,
} as const;

/** One entry of a znode's access control list. */
export interface ACL {
  /** {@link Perms}, or-ed together. */
  readonly perms: number;
  /** For whom: `world`, `auth`, `digest`, `ip`, `x509`, `sasl`, `super`, or what the server has been given. */
  readonly scheme: string;
  /** The name within the scheme: `anyone`, `user:hash`, an address, a distinguished name. */
  readonly id: string;
}

/** ACLs that are often used. */
export const Acls = {
  /** Anyone may do anything. What `create` uses when it is given none. */
  open: [{ perms: Perms.ALL, scheme: "world", id: "anyone" }] as readonly ACL[],
  /** Anyone may read. */
  readable: [{ perms: Perms.READ, scheme: "world", id: "anyone" }] as readonly ACL[],
  /** Everything, for those as whom the creator is authenticated at that moment. */
  creator: [{ perms: Perms.ALL, scheme: "auth", id: "" }] as readonly ACL[],
} as const;
