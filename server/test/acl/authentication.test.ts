import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { AUTH_IDS_MAX, AuthInfo } from "../../src/core/acl/auth-info.js";
import { DigestAuthentication } from "../../src/core/acl/digest-authentication.js";
import { hostAddress } from "../../src/core/acl/ip-address.js";
import { IpAuthentication } from "../../src/core/acl/ip-authentication.js";
import { SaslAuthentication } from "../../src/core/acl/sasl-authentication.js";
import { checker, HASHES, utf8 } from "./scene.js";

/** What ZooKeeper 3.9.5's providers answered. */
const java: {
  ipValid: [string, boolean][];
  ipMatches: [string, string][];
  digestValid: [string, boolean][];
  digest: [string, string][];
  saslValid: [string, boolean][];
  idOrder: [[string, string][], [string, string][]][];
} = JSON.parse(readFileSync(new URL("java-authentication.json", import.meta.url), "utf8"));

describe("authentication providers", () => {
  test("ip: an address or network is valid exactly where it is for Java", () => {
    const ip = new IpAuthentication();
    expect(java.ipValid.map(([id]) => [id, ip.isValid(id)])).toEqual(java.ipValid);
  });

  test("ip: every pair of addresses and networks matches exactly where it does for Java", () => {
    const ip = new IpAuthentication();
    const matches: [string, string][] = [];
    for (const [id] of java.ipValid) for (const [acl] of java.ipValid) if (ip.matches(id, acl)) matches.push([id, acl]);
    expect(matches).toEqual(java.ipMatches);
  });

  test("digest: an id is valid exactly where it is for Java, and its hash is Java's", () => {
    const digest = new DigestAuthentication(HASHES, "SHA1", null);
    expect(java.digestValid.map(([id]) => [id, digest.isValid(id)])).toEqual(java.digestValid);
    expect(java.digest.map(([text]) => [text, digest.generateDigest(text)])).toEqual(java.digest);
  });

  test("digest: digestAlg chooses the hash", () => {
    const digest = new DigestAuthentication(HASHES, "SHA-256", null);
    const hash = createHash("sha256").update("bob:secret").digest("base64");
    expect(digest.generateDigest("bob:secret")).toBe(`bob:${hash}`);
  });

  test("sasl: a principal is valid exactly where it is for Java; super and letAnySaslUserDoX match", () => {
    const sasl = new SaslAuthentication("anybody");
    expect(java.saslValid.map(([id]) => [id, sasl.isValid(id)])).toEqual(java.saslValid);
    expect([
      sasl.matches("bob", "bob"),
      sasl.matches("bob", "amy"),
      sasl.matches("super", "amy"),
      sasl.matches("bob", "anybody"),
      new SaslAuthentication(null).matches("bob", "anybody"),
    ]).toEqual([true, false, true, true, false]);
  });

  test("the ids of a connection are in the order of Java's hash set, without duplicates", () => {
    for (const [added, order] of java.idOrder) {
      const auth = new AuthInfo(added[0][1]);
      for (const [scheme, id] of added) expect(auth.add({ scheme, id })).toBe(true);
      expect(auth.ids.map(({ scheme, id }) => [scheme, id])).toEqual(order);
    }
  });

  test("a connection's address is printed as Java prints it", () => {
    expect(["127.0.0.1", "::ffff:10.1.2.3", "::1", "fe80::1%eth0", "2001:db8::ff00:42:8329"].map(hostAddress)).toEqual([
      "127.0.0.1",
      "10.1.2.3",
      "0:0:0:0:0:0:0:1",
      "fe80:0:0:0:0:0:0:1%eth0",
      "2001:db8:0:0:0:ff00:42:8329",
    ]);
  });
});

describe("an auth packet", () => {
  test("with digest gives an id, with a colon or without, once", () => {
    const acls = checker();
    const auth = acls.newAuth("::1");
    expect(acls.authenticate(auth, "digest", utf8("bob:secret"))).toBe("ok");
    expect(acls.authenticate(auth, "digest", utf8("bob:secret"))).toBe("ok");
    expect(acls.authenticate(auth, "digest", utf8("nocolon"))).toBe("ok");
    expect(acls.clientInfos(auth)).toHaveLength(3);
    expect(acls.clientInfos(auth)).toEqual(
      expect.arrayContaining([
        { scheme: "ip", user: "0:0:0:0:0:0:0:1" },
        { scheme: "digest", user: "bob" },
        { scheme: "digest", user: "nocolon" },
      ]),
    );
  });

  test("with a null for bytes, an unknown scheme, no scheme or a scheme that is only for ACLs fails", () => {
    const acls = checker({ saslEnabled: true });
    const auth = acls.newAuth("1.2.3.4");
    expect(acls.authenticate(auth, "digest", null)).toBe("authFailed");
    for (const scheme of ["world", "auth", "super", "sasl", "x509", "ensemble", "", null]) {
      expect(acls.authenticate(auth, scheme, utf8("a:b"))).toBe("authFailed");
    }
    expect(auth.ids).toHaveLength(1);
  });

  test("fails for digest where DigestAuthenticationProvider.enabled is false", () => {
    const acls = checker({ digestEnabled: false });
    expect(acls.authenticate(acls.newAuth("1.2.3.4"), "digest", utf8("a:b"))).toBe("authFailed");
  });

  test("with the superDigest makes the client super, which whoAmI shows without a name", () => {
    const acls = checker({ superDigest: new DigestAuthentication(HASHES, "SHA1", null).generateDigest("super:admin") });
    const auth = acls.newAuth("1.2.3.4");
    acls.authenticate(auth, "digest", utf8("super:wrong"));
    expect(auth.isSuper).toBe(false);
    acls.authenticate(auth, "digest", utf8("super:admin"));
    expect(auth.isSuper).toBe(true);
    expect(acls.clientInfos(auth)).toContainEqual({ scheme: "super", user: "" });
  });

  test("with the wrong ensemble closes without an answer; the right one, none, or no setting is fine", () => {
    const acls = checker({ ensembleEnabled: true, ensembleAuthName: "east, west" });
    const auth = acls.newAuth("1.2.3.4");
    const answers = ["west", "east", "north", ""].map((name) => acls.authenticate(auth, "ensemble", utf8(name)));
    expect(answers).toEqual(["ok", "ok", "close", "ok"]);
    expect(acls.authenticate(auth, "ensemble", null)).toBe("ok");
    const any = checker({ ensembleEnabled: true });
    expect(any.authenticate(auth, "ensemble", utf8("north"))).toBe("ok");
    expect(auth.ids).toHaveLength(1);
  });

  test("fails once the connection has too many ids", () => {
    const acls = checker();
    const auth = acls.newAuth("1.2.3.4");
    for (let i = 1; i < AUTH_IDS_MAX; i++) auth.add({ scheme: "digest", id: `${i}:x` });
    expect(acls.authenticate(auth, "digest", utf8("one:more"))).toBe("authFailed");
    expect(auth.ids).toHaveLength(AUTH_IDS_MAX);
  });
});
