/** The permissions of an ACL entry, to be added up. */
export const Perm = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;
