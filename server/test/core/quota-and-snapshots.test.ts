import { describe, expect, test } from "vitest";
import { create, multi, remove, setData } from "./requests.js";
import { type Client, Scene } from "./scene.js";

/** Sets the quota of `/q`. */
function limit(client: Client, scene: Scene, text: string): void {
  client.send(create("/q"), create("/zookeeper/quota/q"));
  client.send(create("/zookeeper/quota/q/zookeeper_limits", { data: text }));
  client.send(create("/zookeeper/quota/q/zookeeper_stats", { data: "count=1,bytes=0" }));
  scene.sync();
  scene.told();
}

describe("quotas", () => {
  test("a hard limit of znodes refuses one more, and room that is made is room (enforceQuota)", () => {
    const scene = new Scene({ enforceQuota: true });
    const ann = scene.session("ann");
    limit(ann, scene, "count=-1,bytes=-1,countHardLimit=3,byteHardLimit=-1");
    for (const request of [create("/q/a"), create("/q/b"), create("/q/c"), remove("/q/a"), create("/q/c")]) {
      ann.send(request);
      scene.sync();
    }
    expect(scene.told()).toEqual([
      "ann: 5 @6 created /q/a",
      "ann: 6 @7 created /q/b",
      "ann: 7 @8 QuotaExceeded",
      "ann: 8 @9 ok",
      "ann: 9 @10 created /q/c",
    ]);
  });

  test("a hard limit of bytes refuses creates and growth, not what becomes smaller", () => {
    const scene = new Scene({ enforceQuota: true });
    const ann = scene.session("ann");
    limit(ann, scene, "count=-1,bytes=-1,countHardLimit=-1,byteHardLimit=10");
    for (const request of [
      create("/q/a", { data: "123456" }),
      create("/q/b", { data: "12345" }),
      setData("/q/a", "12345678901"),
      setData("/q/a", "1"),
      multi(create("/q/b", { data: "123456789" }), setData("/q/a", "2")),
    ]) {
      ann.send(request);
      scene.sync();
    }
    expect(scene.told()).toEqual([
      "ann: 5 @6 created /q/a",
      "ann: 6 @7 QuotaExceeded",
      "ann: 7 @8 QuotaExceeded",
      "ann: 8 @9 v1 c0 a0 n0 zxids 6 9 6",
      "ann: 9 @10 multi [created /q/b, v2 c0 a0 n0 zxids 6 10 6]",
    ]);
  });

  test("a soft limit, or a hard one that is not enforced, refuses nothing", () => {
    for (const enforceQuota of [true, false]) {
      const scene = new Scene({ enforceQuota });
      const ann = scene.session("ann");
      const hard = enforceQuota ? -1 : 1;
      limit(ann, scene, `count=1,bytes=1,countHardLimit=${hard},byteHardLimit=${hard}`);
      ann.send(create("/q/a", { data: "1234" }));
      scene.sync();
      expect(scene.told()).toEqual(["ann: 5 @6 created /q/a"]);
    }
  });
});

describe("snapshots", () => {
  test("one is due once the txn behind which the log rolled is applied, not when it is only logged", () => {
    const scene = new Scene({ snapCount: 4 });
    const ann = scene.session("ann");
    let i = 0;
    while (scene.log.rolls === 0) ann.send(create(`/n${i++}`));
    const rolledBehind = scene.log.lastZxid;
    ann.send(create("/behind"));
    expect(scene.core.effects.snapshotDue).toBe(false);
    scene.sync(rolledBehind - 1);
    expect(scene.core.effects.snapshotDue).toBe(false);
    scene.sync(rolledBehind);
    expect(scene.core.effects.snapshotDue).toBe(true);
    expect(scene.tree.lastProcessedZxid).toBe(rolledBehind);
  });
});
