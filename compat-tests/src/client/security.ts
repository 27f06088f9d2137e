import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { Acls, createClient, digestAcl, Perms } from "@quoll/client";
import { PeerUnavailableError } from "../peers/cache.js";
import { type Target, until } from "./target.js";

/** Who is who: digest and TLS. */
export async function security(target: Target): Promise<void> {
  await target.test("digest authentication opens what it protects, also after a reconnect", async () => {
    const { network, states, zk } = await target.through({ auth: [{ scheme: "digest", auth: "ann:secret" }] });
    const stranger = await target.connect();
    const root = await target.folder(stranger, "digest");
    await zk.create(`${root}/creator`, "1", { acl: Acls.creator });
    await stranger.create(`${root}/named`, "2", { acl: [digestAcl("ann", "secret"), ...Acls.readable] });
    await assert.rejects(stranger.getData(`${root}/creator`), { code: "NoAuth" });
    await assert.rejects(stranger.setData(`${root}/named`, "3"), { code: "NoAuth" });
    network.reset();
    await until("the reconnect", () => states().length === 2);
    assert.equal((await zk.getData(`${root}/creator`)).text(), "1");
    assert.equal((await zk.setData(`${root}/named`, "3")).version, 1);
    const { acl, stat } = await zk.getACL(`${root}/creator`);
    assert.deepEqual([acl, stat.aversion], [[digestAcl("ann", "secret")], 0]);
    const changed = await zk.setACL(`${root}/creator`, [digestAcl("bob", "hidden", Perms.READ)], { version: 0 });
    assert.equal(changed.aversion, 1);
    await assert.rejects(zk.getData(`${root}/creator`), { code: "NoAuth" });
    await zk.addAuth("digest", "bob:hidden");
    assert.equal((await zk.getData(`${root}/creator`)).text(), "1");
  });

  await target.test("an identity that the server refuses is the end of the client", async () => {
    const { states, zk } = await target.observe();
    await assert.rejects(zk.addAuth("no-such-scheme", "x"), { code: "AuthFailed" });
    await assert.rejects(zk.getData("/"), { code: "AuthFailed" });
    assert.deepEqual(states(), ["authFailed"]);
    assert.ok(zk.session?.signal.aborted);
  });

  await target.test("TLS with PEM and PKCS12, and the host's name is checked", async () => {
    const files = certificates(join(target.suite.dir, `${target.name}-tls`));
    const server = createTlsServer(
      {
        key: readFileSync(files.serverKey),
        cert: readFileSync(files.serverCert),
        ca: readFileSync(files.ca),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (client) => {
        const inner = connectTcp(target.server.port, target.server.host);
        client.pipe(inner).pipe(client);
        for (const socket of [client, inner]) socket.on("error", () => socket.destroy());
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const ca = readFileSync(files.ca);
    const pem = { ca, cert: readFileSync(files.clientCert), key: readFileSync(files.clientKey) };
    const pkcs12 = { ca, pfx: readFileSync(files.clientPfx), passphrase: "changeit" };
    for (const tls of [pem, pkcs12]) {
      const zk = await target.connect({ tls }, `localhost:${address.port}`);
      assert.ok(await zk.exists("/"));
      await zk.close();
    }
    const reasons: string[] = [];
    for (const [tls, host] of [
      [{ cert: pem.cert, key: pem.key }, "localhost"],
      [pem, "127.0.0.1"],
    ] as const) {
      const zk = createClient(`${host}:${address.port}`, { tls, log: (message) => void reasons.push(message) });
      await assert.rejects(zk.connected({ timeoutMs: 1_000 }), { code: "OperationTimeout" });
      await zk.close();
    }
    assert.ok(
      reasons.some((reason) => /self.signed|unable to (?:verify|get local issuer)/.test(reason)),
      String(reasons),
    );
    assert.ok(
      reasons.some((reason) => reason.includes("does not match certificate's altnames")),
      String(reasons),
    );
    await new Promise((resolve) => server.close(resolve));
  });
}

/** A certificate authority, and a server and a client that it vouches for. The server is `localhost`, by that name only. */
export function certificates(dir: string) {
  mkdirSync(dir, { recursive: true });
  const file = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => {
    try {
      execFileSync("openssl", args, { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
    } catch (error) {
      throw new PeerUnavailableError(`openssl failed: ${error}`);
    }
  };
  const key = ["-newkey", "rsa:2048", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA", "-days", "2");
  for (const [name, extra] of [
    ["server", "subjectAltName=DNS:localhost"],
    ["client", "extendedKeyUsage=clientAuth"],
  ] as const) {
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-addext", extra];
    openssl("req", "-x509", ...key, "-keyout", `${name}.key`, "-out", `${name}.pem`, "-subj", `/CN=${name}`, ...signed);
  }
  openssl(
    "pkcs12",
    "-export",
    "-in",
    "client.pem",
    "-inkey",
    "client.key",
    "-out",
    "client.p12",
    "-passout",
    "pass:changeit",
  );
  return {
    ca: file("ca.pem"),
    serverKey: file("server.key"),
    serverCert: file("server.pem"),
    clientKey: file("client.key"),
    clientCert: file("client.pem"),
    clientPfx: file("client.p12"),
  };
}
