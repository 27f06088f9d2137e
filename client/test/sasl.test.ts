import { expect, it } from "vitest";
import { type SaslExchange, ZooKeeper } from "../src/index.js";
import { SimulatedPlatform } from "./simulated-platform.js";
import { watchPromise } from "./world.js";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A server that wants two tokens before anything else, and writes down what it gets. */
function scene(secondAnswer: "welcome" | "refused") {
  const seen: string[] = [];
  const platform = new SimulatedPlatform(1, (_, wire) => {
    const reply = (xid: number, err: number, token: string | null) => {
      const body = token === null ? new Uint8Array(0) : encode(token);
      const frame = new Uint8Array(20 + (token === null ? 0 : 4 + body.length));
      const view = new DataView(frame.buffer);
      view.setInt32(0, frame.length - 4);
      view.setInt32(4, xid);
      view.setInt32(16, err);
      if (token !== null) {
        view.setInt32(20, body.length);
        frame.set(body, 24);
      }
      wire.send(frame);
    };
    return {
      received: (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        for (let at = 0; at < bytes.length; at += 4 + view.getInt32(at)) {
          const length = view.getInt32(at);
          const [xid, type] = [view.getInt32(at + 4), view.getInt32(at + 8)];
          if (length === 45) {
            seen.push("connect");
            const response = new Uint8Array(41);
            const out = new DataView(response.buffer);
            out.setInt32(0, 37);
            out.setInt32(8, 30_000);
            out.setInt32(16, 1);
            out.setInt32(20, 16);
            wire.send(response);
          } else if (type === 102) {
            const token = decode(bytes.slice(at + 16, at + 4 + length));
            seen.push(`token ${token}`);
            if (token === "first") reply(xid, 0, "challenge");
            else if (secondAnswer === "welcome") reply(xid, 0, "done");
            else reply(xid, -115, null);
          } else if (type === 9) {
            seen.push("sync");
            reply(xid, 0, "/");
          }
        }
      },
      closed: () => undefined,
    };
  });
  return { seen, platform };
}

function mechanism(log: string[]) {
  return {
    start(): SaslExchange {
      return {
        async step(challenge) {
          log.push(challenge === null ? "start" : decode(challenge));
          if (challenge === null) return encode("first");
          return decode(challenge) === "challenge" ? encode("second") : null;
        },
      };
    },
  };
}

it("a SASL exchange is over before anything else is sent, on every connection", async () => {
  const { platform, seen } = scene("welcome");
  const steps: string[] = [];
  const zk = new ZooKeeper("a", { sasl: mechanism(steps) }, platform);
  const synced = watchPromise(zk.sync());
  await platform.run(100);
  expect(seen).toEqual(["connect", "token first", "token second", "sync"]);
  expect(steps).toEqual(["start", "challenge", "done"]);
  expect([synced.isDone, zk.state]).toEqual([true, "connected"]);
  platform.reset();
  await platform.run(1_000);
  expect(seen.slice(4)).toEqual(["connect", "token first", "token second"]);
  expect(zk.state).toBe("connected");
});

it("an identity that SASL refuses, or a mechanism that throws, is the end of the client", async () => {
  const { platform } = scene("refused");
  const zk = new ZooKeeper("a", { sasl: mechanism([]) }, platform);
  const synced = watchPromise(zk.sync());
  await platform.run(100);
  expect(zk.state).toBe("authFailed");
  expect(synced.error).toMatchObject({ code: "AuthFailed", outcome: "notSent" });

  const broken = new ZooKeeper(
    "a",
    { sasl: { start: () => ({ step: () => Promise.reject(new Error("no ticket")) }) } },
    platform,
  );
  const reasons: string[] = [];
  broken.onStateChange(({ state, reason }) => void reasons.push(`${state}: ${reason}`));
  await platform.run(100);
  expect(reasons).toEqual(["authFailed: SASL: Error: no ticket"]);
});
