import { strict as assert } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SaslExchange, SaslMechanism } from "@quoll/client";
import { freePort, startServer } from "../peers/server.js";
import { type Target, until } from "./target.js";

/** DIGEST-MD5 through the client's seam for SASL mechanisms. */
export async function sasl(target: Target): Promise<void> {
  await target.test("a SASL mechanism is asked on every connection, before anything else", async () => {
    const dir = join(target.suite.dir, `${target.name}-sasl`);
    mkdirSync(dir, { recursive: true });
    const jaas = join(dir, "jaas.conf");
    writeFileSync(
      jaas,
      'Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n  user_ann="secret";\n};\n',
    );
    const start = (port: number) =>
      startServer({
        kind: target.suite.kind,
        dir,
        cfg: {
          tickTime: 500,
          clientPort: port,
          "authProvider.1": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
        },
        properties: { "java.security.auth.login.config": jaas },
      });
    let server = await start(await freePort());
    try {
      const address = `${server.host}:${server.port}`;
      const { states, zk } = await target.observe({ sasl: new DigestMd5("ann", "secret") }, address);
      const acl = [{ perms: 31, scheme: "sasl", id: "ann" }];
      await zk.create("/mine", "1", { acl });
      const stranger = await target.connect({}, address);
      await assert.rejects(stranger.getData("/mine"), { code: "NoAuth" });
      await server.kill();
      server = await start(server.port);
      await until("the reconnect", () => states().includes("connected"));
      assert.equal((await zk.getData("/mine")).text(), "1");
      await assert.rejects(target.connect({ sasl: new DigestMd5("ann", "wrong") }, address), { code: "AuthFailed" });
    } finally {
      await server.kill();
    }
  });
}

/** RFC 2831, as far as ZooKeeper asks for it. */
class DigestMd5 implements SaslMechanism {
  constructor(
    private readonly user: string,
    private readonly password: string,
  ) {}

  start(): SaslExchange {
    return {
      step: (challenge) => {
        if (challenge === null) return new Uint8Array(0);
        const fields = new Map<string, string>();
        for (const [, name, value] of Buffer.from(challenge)
          .toString()
          .matchAll(/([\w-]+)="?([^",]*)"?/g)) {
          fields.set(String(name), String(value));
        }
        if (fields.has("rspauth")) return null;
        return Buffer.from(this.response(fields.get("realm") ?? "", fields.get("nonce") ?? ""));
      },
    };
  }

  private response(realm: string, nonce: string): string {
    const cnonce = randomBytes(16).toString("hex");
    const uri = "zookeeper/zk-sasl-md5";
    const secret = createHash("md5").update(`${this.user}:${realm}:${this.password}`).digest();
    const a1 = createHash("md5").update(secret).update(`:${nonce}:${cnonce}`).digest("hex");
    const a2 = createHash("md5").update(`AUTHENTICATE:${uri}`).digest("hex");
    const response = createHash("md5").update(`${a1}:${nonce}:00000001:${cnonce}:auth:${a2}`).digest("hex");
    return [
      `charset=utf-8,username="${this.user}",realm="${realm}",nonce="${nonce}",nc=00000001`,
      `cnonce="${cnonce}",digest-uri="${uri}",maxbuf=65536,response=${response},qop=auth`,
    ].join(",");
  }
}
