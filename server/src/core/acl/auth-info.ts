import { Writer } from "@quoll/jute";
import type { Id } from "./acl.js";

/** No honest client has more ids, and each makes its permission checks slower. Java has no limit. */
export const AUTH_IDS_MAX = 1024;

/** ACLs whose outcome a connection remembers. */
const MEMO_MAX = 256;

/**
 * Who the client of a connection is: its address, and what it has authenticated as. No id is there twice.
 *
 * The order of the ids is that of Java's hash set, since it shows: in whoAmI, and in the ACL that `auth` expands to.
 */
export class AuthInfo {
  ids: readonly Id[];
  /** It may do everything. */
  isSuper = false;
  /** By ACL id: the permissions that it gives these ids. Filled by the access check. */
  private readonly memo = new Map<number, number>();
  private encoded: Uint8Array | null = null;

  /** @param remoteAddress - as `hostAddress` gives it: the id of scheme `ip` that every connection has */
  constructor(readonly remoteAddress: string) {
    this.ids = [{ scheme: "ip", id: remoteAddress }];
  }

  /** A client of another server, of which that server tells the ids. */
  static of(ids: readonly Id[]): AuthInfo {
    const auth = new AuthInfo("");
    auth.ids = ids;
    auth.isSuper = ids.some(({ scheme }) => scheme === "super");
    return auth;
  }

  /** The ids as a jute vector of Id: what another server is told of this client. */
  encode(): Uint8Array {
    if (this.encoded !== null) return this.encoded;
    const to = new Writer();
    to.int(this.ids.length);
    for (const { scheme, id } of this.ids) {
      to.string(scheme);
      to.string(id);
    }
    this.encoded = to.take();
    return this.encoded;
  }

  /** @returns false if there are too many */
  add(id: Id): boolean {
    for (const known of this.ids) if (known.scheme === id.scheme && known.id === id.id) return true;
    if (this.ids.length >= AUTH_IDS_MAX) return false;
    this.ids = inOrderOfHashes([...this.ids, id]);
    this.isSuper ||= id.scheme === "super";
    this.memo.clear();
    this.encoded = null;
    return true;
  }

  /** What {@link remember} was told for this ACL, or undefined. */
  remembered(aclId: number): number | undefined {
    return this.memo.get(aclId);
  }

  remember(aclId: number, perms: number): void {
    if (this.memo.size >= MEMO_MAX) this.memo.clear();
    this.memo.set(aclId, perms);
  }

  /** To be called when ACL ids may mean something else, because another snapshot was loaded. */
  forget(): void {
    this.memo.clear();
  }
}

/** The order in which Java's ConcurrentHashMap goes through its keys: by bucket, of which there are 16 up to 11 keys. */
function inOrderOfHashes(ids: Id[]): Id[] {
  let buckets = 16;
  while (ids.length >= (buckets / 4) * 3) buckets *= 2;
  return ids.sort((a, b) => bucketOf(a, buckets) - bucketOf(b, buckets));
}

function bucketOf(id: Id, buckets: number): number {
  const hash = (Math.imul(37, Math.imul(37, 17) + hashOf(id.scheme)) + hashOf(id.id)) | 0;
  return (hash ^ (hash >>> 16)) & (buckets - 1);
}

/** Java's `String.hashCode`. */
function hashOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}
