// @quoll/client against ZooKeeper 3.5.10, 3.9.5 and Quoll: the same program, with the server killed, paused and cut off.
import { runSuite } from "../suite.js";
import { faults } from "./faults.js";
import { operations } from "./operations.js";
import { readOnly } from "./read-only.js";
import { sasl } from "./sasl.js";
import { security } from "./security.js";
import { Target } from "./target.js";
import { watches } from "./watches.js";

await runSuite("client", async (suite) => {
  const targets =
    suite.kind === "quoll"
      ? [new Target(suite, "quoll", [3, 9])]
      : [new Target(suite, "3.5.10", [3, 5]), new Target(suite, "3.9.5", [3, 9])];
  for (const target of targets) {
    await target.start();
    await operations(target);
    await watches(target);
    await security(target);
    await faults(target);
    await target.stop();
    // Neither is there yet on a single server of ours.
    if (target.name === "3.9.5") {
      await sasl(target);
      await readOnly(target);
    }
  }
});
