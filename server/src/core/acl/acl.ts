/** Who a client is, or in an ACL who is meant: a name in the terms of an authentication scheme. */
export interface Id {
  readonly scheme: string;
  readonly id: string;
}

/** One entry of an ACL: who may do what. */
export interface Acl {
  /** The sum of the permissions in `Perm`. Other bits are kept and mean nothing. */
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

/** An entry of an ACL as it came from a client: its strings can be null. */
export interface RequestedAcl {
  readonly perms: number;
  readonly scheme: string | null;
  readonly id: string | null;
}
