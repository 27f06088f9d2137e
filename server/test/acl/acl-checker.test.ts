import { readFileSync } from "node:fs";
import { Reader, Writer } from "@quoll/jute";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Acl, RequestedAcl } from "../../src/core/acl/acl.js";
import { openAclLength, readAcl, writeAcl } from "../../src/core/acl/acl-codec.js";
import type { AuthInfo } from "../../src/core/acl/auth-info.js";
import { EnforcedAuthentication } from "../../src/core/acl/enforced-authentication.js";
import { Perm } from "../../src/core/acl/perm.js";
import { OPEN_ACL_ID } from "../../src/core/tree/tree.js";
import { checker, providers, utf8 } from "./scene.js";

const OPEN: Acl = { perms: Perm.all, scheme: "world", id: "anyone" };

function acl(perms: number, scheme: string, id: string): Acl {
  return { perms, scheme, id };
}

describe("access", () => {
  const lists = [
    [],
    [acl(Perm.read, "world", "anyone"), acl(Perm.all, "digest", "bob:hash")],
    [acl(Perm.write, "ip", "10.0.0.0/8"), acl(Perm.admin, "sasl", "bob")],
    [acl(Perm.all, "super", ""), acl(Perm.all, "world", "somebody")],
  ];

  function auth(...ids: [string, string][]): AuthInfo {
    const info = checker().newAuth("10.9.8.7");
    for (const [scheme, id] of ids) info.add({ scheme, id });
    return info;
  }

  test("is given by world:anyone, by a matching id, and by an empty list", () => {
    const acls = checker({}, lists);
    const bob = auth(["digest", "bob:hash"]);
    expect([acls.allows(1, Perm.read, auth()), acls.allows(1, Perm.write, auth())]).toEqual([true, false]);
    expect(acls.allows(1, Perm.write, bob)).toBe(true);
    expect([acls.allows(2, Perm.write, auth()), acls.allows(2, Perm.read, auth())]).toEqual([true, false]);
    expect(acls.allows(0, Perm.delete, auth())).toBe(true);
    expect(acls.allows(OPEN_ACL_ID, Perm.delete, auth())).toBe(true);
  });

  test("is refused where no list has the ACL's number, without remembering it", () => {
    const table: Acl[][] = [];
    const acls = checker({}, table);
    const info = auth();
    expect(acls.allows(0, Perm.read, info)).toBe(false);
    table.push([OPEN]);
    expect(acls.allows(0, Perm.read, info)).toBe(true);
  });

  test("is not given by a scheme without a provider, and everything is given to super and with skipACL", () => {
    const acls = checker({}, lists);
    expect(acls.allows(2, Perm.admin, auth(["sasl", "bob"]))).toBe(false);
    expect(checker({ saslEnabled: true }, lists).allows(2, Perm.admin, auth(["sasl", "bob"]))).toBe(true);
    expect(acls.allows(3, Perm.read, auth())).toBe(false);
    expect(acls.allows(3, Perm.read, auth(["super", ""]))).toBe(true);
    expect(checker({}, lists, true).allows(3, Perm.read, auth())).toBe(true);
  });

  test("changes at once when the connection gets another id, whatever was remembered", () => {
    const acls = checker({}, lists);
    const info = auth();
    expect(acls.allows(1, Perm.write, info)).toBe(false);
    info.add({ scheme: "digest", id: "bob:hash" });
    expect(acls.allows(1, Perm.write, info)).toBe(true);
  });

  test("needs one of several permissions, not all", () => {
    const acls = checker({}, lists);
    expect(acls.allows(1, Perm.read | Perm.admin, auth())).toBe(true);
  });

  test("equals what Java's loop over ids and entries decides, for any ACL, ids and permissions", () => {
    const id = fc.constantFrom<[string, string]>(
      ["world", "anyone"],
      ["world", "x"],
      ["digest", "a:1"],
      ["digest", "b:2"],
      ["ip", "10.9.8.7"],
      ["ip", "10.0.0.0/8"],
      ["x509", "CN=a"],
      ["super", ""],
    );
    const entry = fc.tuple(fc.nat(31), id).map(([perms, [scheme, text]]) => acl(perms, scheme, text));
    const own = fc.constantFrom<[string, string]>(
      ["digest", "a:1"],
      ["digest", "b:2"],
      ["x509", "CN=a"],
      ["super", ""],
    );
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 5 }),
        fc.array(own, { maxLength: 3 }),
        fc.integer({ min: 1, max: 31 }),
        (list, ids, perm) => {
          const info = auth(...ids);
          const matches = (a: Acl): boolean =>
            (a.scheme === "world" && a.id === "anyone") ||
            (a.scheme === "ip" && (a.id === "10.9.8.7" || a.id === "10.0.0.0/8")) ||
            (a.scheme === "digest" && ids.some(([scheme, text]) => scheme === "digest" && text === a.id));
          const expected =
            list.length === 0 ||
            ids.some(([scheme]) => scheme === "super") ||
            list.some((a) => (a.perms & perm) !== 0 && matches(a));
          const acls = checker({}, [list]);
          expect(acls.allows(0, perm, info)).toBe(expected);
          expect(acls.allows(0, perm, info)).toBe(expected);
          expect(acls.allowsList(list, perm, info)).toBe(expected);
        },
      ),
    );
  });

  test("of a redacted ACL leaves the user's name and hides the rest as Java does", () => {
    const file = new URL("java-authentication.json", import.meta.url);
    const { redacted }: { redacted: [string, string][] } = JSON.parse(readFileSync(file, "utf8"));
    const seen = checker().redact(redacted.map(([id]) => acl(1, "digest", id)));
    expect(seen).toEqual(redacted.map(([, id]) => acl(1, "digest", id)));
    expect(checker().redact([acl(1, "sasl", "a:b")])).toEqual([acl(1, "sasl", "a:b")]);
  });
});

describe("the ACL of a request", () => {
  const acls = checker();
  const auth = acls.newAuth("10.9.8.7");
  acls.authenticate(auth, "digest", utf8("bob:secret"));
  const bob = auth.ids.find(({ scheme }) => scheme === "digest")!.id;

  test("that is null or empty is invalid", () => {
    expect([acls.fixup(null, auth), acls.fixup([], auth)]).toEqual([null, null]);
  });

  test("loses its duplicates and keeps its order", () => {
    const read = acl(1, "world", "anyone");
    const ip = acl(31, "ip", "1.2.3.4");
    expect(acls.fixup([ip, read, ip, OPEN, read], auth)).toEqual([ip, read, OPEN]);
  });

  test("gets the caller's authenticated ids for auth, whatever its id, but not the address", () => {
    expect(acls.fixup([acl(3, "auth", ""), OPEN, acl(4, "auth", "x")], auth)).toEqual([
      acl(3, "digest", bob),
      OPEN,
      acl(4, "digest", bob),
    ]);
    expect(acls.fixup([{ perms: 1, scheme: "auth", id: null }], auth)).toEqual([acl(1, "digest", bob)]);
    expect(acls.fixup([acl(3, "auth", "")], acls.newAuth("10.9.8.7"))).toBeNull();
    expect(acls.fixup([acl(3, "auth", "")], null)).toBeNull();
  });

  test("is invalid with an unknown scheme, an id that its scheme refuses, or a scheme that is null", () => {
    const bad: [string | null, string | null][] = [
      ["world", "someone"],
      ["x509", "CN=a"],
      ["sasl", "bob"],
      ["super", ""],
      ["nonsense", "x"],
      ["nonsense", null],
      ["", ""],
      ["digest", "bob"],
      ["ip", "1.2.3"],
      [null, "x"],
      [null, null],
    ];
    for (const [scheme, id] of bad) expect(acls.fixup([{ perms: 1, scheme, id }], auth)).toBeNull();
  });

  test("makes Java stumble over a null id, and over a null scheme that it compares", () => {
    const nulls: RequestedAcl[][] = [
      [{ perms: 1, scheme: "digest", id: null }],
      [{ perms: 1, scheme: "world", id: null }],
      [acl(1, "ip", "1.2.3.4"), { perms: 1, scheme: null, id: "x" }],
      [acl(1, "digest", "a:b"), { perms: 1, scheme: "digest", id: null }],
    ];
    for (const list of nulls) expect(() => acls.fixup(list, auth)).toThrow("expected a string, got null");
  });

  test("is read as it is written, and the open one is recognised by its bytes", () => {
    const list = [OPEN, acl(-1, "digest", "ü:x")];
    const writer = new Writer();
    writeAcl(list, writer);
    expect(readAcl(new Reader(writer.take()))).toEqual(list);
    expect(openAclLength(writer.bytes, 0, writer.at)).toBe(0);
    writer.reset();
    writeAcl([OPEN], writer);
    expect(openAclLength(writer.bytes, 0, writer.at)).toBe(writer.at);
    expect(openAclLength(writer.bytes, 0, writer.at - 1)).toBe(0);
    expect(readAcl(new Reader(Uint8Array.of(255, 255, 255, 255)))).toBeNull();
  });
});

describe("enforced authentication", () => {
  const off = { sessionRequireClientSaslAuth: false, enforceAuthEnabled: false, enforceAuthSchemes: null };

  test("is off by default, whatever schemes are named", () => {
    const enforced = new EnforcedAuthentication({ ...off, enforceAuthSchemes: "sasl" });
    expect([enforced.allows(checker().newAuth("1.2.3.4")), enforced.problem(providers())]).toEqual([true, null]);
  });

  test("lets pass who has one of the schemes; the address counts where ip is named", () => {
    const enforced = new EnforcedAuthentication({
      ...off,
      enforceAuthEnabled: true,
      enforceAuthSchemes: "digest, sasl",
    });
    const auth = checker().newAuth("1.2.3.4");
    expect(enforced.allows(auth)).toBe(false);
    auth.add({ scheme: "digest", id: "bob:hash" });
    expect(enforced.allows(auth)).toBe(true);
    const ip = new EnforcedAuthentication({ ...off, enforceAuthEnabled: true, enforceAuthSchemes: "ip" });
    expect(ip.allows(checker().newAuth("1.2.3.4"))).toBe(true);
  });

  test("needs schemes, and providers for them, before the server may start", () => {
    const on = { ...off, enforceAuthEnabled: true };
    expect(new EnforcedAuthentication(on).problem(providers())).toContain("enforce.auth.schemes");
    const sasl = new EnforcedAuthentication({ ...off, sessionRequireClientSaslAuth: true, enforceAuthSchemes: "ip" });
    expect(sasl.schemes).toEqual(["sasl"]);
    expect(sasl.isSaslRequired).toBe(true);
    expect(sasl.problem(providers())).toContain("sasl is not available");
    expect(sasl.problem(providers({ saslEnabled: true }))).toBeNull();
  });
});
