import { describe, expect, it } from "vitest";
import { Kernel } from "../src/kernel/kernel.js";
import { RandomStream } from "../src/kernel/random.js";
import { type Connection, Network } from "../src/network/network.js";

/** Two nodes, a connection between them, and what each end hears. */
class Scene {
  readonly kernel = new Kernel(new RandomStream(1, "order"));
  readonly network: Network;
  readonly heard: [string, string] = ["", ""];
  connection!: Connection;

  constructor(segments = true) {
    this.network = new Network(this.kernel, new RandomStream(1, "network"), {
      minLatencyMs: 1,
      maxLatencyMs: 20,
      segments,
    });
    this.network.listen("b", "b:1", (connection) => this.listen(connection, 1));
    this.network.connect(
      "a",
      "b:1",
      100,
      (connection) => {
        this.connection = connection;
        this.listen(connection, 0);
      },
      () => {},
    );
    this.kernel.run(50);
  }

  private listen(connection: Connection, end: 0 | 1): void {
    connection.listen(end, {
      received: (bytes) => {
        this.heard[end] += String.fromCharCode(...bytes);
      },
      drained: () => {
        this.heard[end] += "(drained)";
      },
      closed: (reason) => {
        this.heard[end] += `(${reason})`;
      },
    });
  }

  send(text: string): void {
    this.connection.send(
      0,
      Uint8Array.from(text, (char) => char.charCodeAt(0)),
    );
  }
}

describe("a connection", () => {
  it("brings all bytes in order, in whatever pieces", () => {
    const scene = new Scene();
    const text = Array.from({ length: 50 }, (_, i) => `message ${i};`).join("");
    for (const part of text.split(/(?<=;)/)) scene.send(part);
    scene.kernel.run(1000);
    expect(scene.heard[1]).toBe(text);
  });

  it("tells the other side that it was hung up, behind what was sent before", () => {
    const scene = new Scene();
    scene.send("last words");
    scene.connection.close(0);
    scene.kernel.run(1000);
    expect(scene.heard).toEqual(["", "last words(hung up)"]);
  });

  it("is silent while its way is cut, and goes on when the way is mended", () => {
    const scene = new Scene();
    scene.network.cut("a", "b");
    scene.send("late");
    scene.connection.send(1, Uint8Array.of(0x41));
    scene.kernel.run(1000);
    expect(scene.heard).toEqual(["A", ""]);
    scene.network.heal();
    scene.kernel.run(1000);
    expect(scene.heard[1]).toBe("late");
  });

  it("tells both sides of a reset at once, and brings nothing more", () => {
    const scene = new Scene();
    scene.send("lost");
    scene.network.resetBetween("a", "b");
    scene.kernel.run(1000);
    expect(scene.heard).toEqual(["(connection reset)", "(connection reset)"]);
  });

  it("is half open after a loss of power, until something is sent to a machine that is up again", () => {
    const scene = new Scene();
    scene.network.powerLost("b");
    scene.kernel.run(1000);
    expect(scene.heard[0]).toBe("");
    scene.network.powerIsBack("b");
    scene.send("are you there?");
    scene.kernel.run(1000);
    expect(scene.heard[0]).toBe("(connection reset)");
  });

  it("pushes back when the other side does not read, and says when it reads again", () => {
    const scene = new Scene(false);
    scene.connection.setUnread(1, true);
    scene.connection.send(0, new Uint8Array(100_000));
    scene.kernel.run(1000);
    expect(scene.connection.unsentBytes(0)).toBeGreaterThan(0);
    scene.connection.setUnread(1, false);
    scene.kernel.run(1000);
    expect(scene.connection.unsentBytes(0)).toBe(0);
    expect(scene.heard[0]).toBe("(drained)");
  });
});
