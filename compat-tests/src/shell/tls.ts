import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { certificates } from "../client/security.js";
import { startServer } from "../peers/server.js";
import type { Suite } from "../suite.js";
import { run } from "./play.js";

/** `-client-configuration` with TLS, to a server behind a proxy that wants a certificate. */
export async function testTls(suite: Suite): Promise<void> {
  const files = certificates(join(suite.dir, "tls"));
  const server = await startServer({ kind: suite.kind, dir: join(suite.dir, "tls-server") });
  const [key, cert, ca] = [files.serverKey, files.serverCert, files.ca].map((file) => readFileSync(file));
  const proxy = createServer({ key: key!, cert: cert!, ca: ca!, requestCert: true }, (client) => {
    const inner = connectTcp(server.port, server.host);
    client.pipe(inner).pipe(client);
    for (const socket of [client, inner]) socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as { port: number };
  const both = join(suite.dir, "client-both.pem");
  writeFileSync(both, readFileSync(files.clientCert, "utf8") + readFileSync(files.clientKey, "utf8"));
  const shell = (host: string, lines: readonly string[]) => {
    const file = join(suite.dir, "client.properties");
    writeFileSync(file, ["zookeeper.client.secure=true", ...lines].join("\n"));
    const options = ["-server", `${host}:${port}`, "-timeout", "3000", "-client-configuration", file];
    return run("quoll", [...options, "ls", "/"], "", suite.dir);
  };
  const trust = `zookeeper.ssl.trustStore.location=${files.ca}`;
  await suite.test("TLS with a key store in PEM or PKCS12, as the client configuration says", async () => {
    for (const store of [
      [`zookeeper.ssl.keyStore.location=${both}`],
      [`zookeeper.ssl.keyStore.location=${files.clientPfx}`, "zookeeper.ssl.keyStore.password=changeit"],
    ]) {
      const { out, err, exitCode } = await shell("localhost", [trust, ...store]);
      assert.deepEqual([exitCode, err, out.split("\n").at(-2)], [0, "", "[zookeeper]"]);
    }
  });
  await suite.test("TLS to a server that is not trusted, or has another name, fails", async () => {
    const store = `zookeeper.ssl.keyStore.location=${both}`;
    for (const [host, lines] of [
      ["localhost", [store]],
      ["127.0.0.1", [trust, store]],
    ] as const) {
      const { err, exitCode } = await shell(host, lines);
      assert.deepEqual([exitCode, err], [1, "KeeperErrorCode = ConnectionLoss for /\n"]);
    }
    const unchecked = await shell("127.0.0.1", [trust, store, "zookeeper.ssl.hostnameVerification=false"]);
    assert.equal(unchecked.exitCode, 0, unchecked.err);
  });
  await new Promise((resolve) => proxy.close(resolve));
  await server.stop();
}
