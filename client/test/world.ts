import { type ClientOptions, type StateChange, ZooKeeper } from "../src/index.js";
import { FakeEnsemble } from "./fake-ensemble.js";
import { SimulatedPlatform } from "./simulated-platform.js";

export const THREE = "a:2181,b:2181,c:2181";

/** A client, the ensemble that it talks to, and the clock that both live by. */
export interface World {
  readonly ensemble: FakeEnsemble;
  readonly platform: SimulatedPlatform;
  readonly zk: ZooKeeper;
  /** All states since the beginning, in order. */
  readonly states: string[];
  readonly changes: StateChange[];
}

export function world(options: ClientOptions = {}, seed = 1, connectString = THREE): World {
  const ensemble = new FakeEnsemble();
  const platform = new SimulatedPlatform(seed, ensemble.listen);
  ensemble.platform = platform;
  const zk = new ZooKeeper(connectString, { sessionTimeoutMs: 6_000, ...options }, platform);
  const states: string[] = [zk.state];
  const changes: StateChange[] = [];
  zk.onStateChange((change) => {
    states.push(change.state);
    changes.push(change);
  });
  return { ensemble, platform, zk, states, changes };
}

/** What became of a promise, to be looked at after the clock was moved. */
export function watchPromise<T>(promise: Promise<T>): { value?: T; error?: unknown; isDone: boolean } {
  const seen: { value?: T; error?: unknown; isDone: boolean } = { isDone: false };
  promise.then(
    (value) => {
      seen.value = value;
      seen.isDone = true;
    },
    (error: unknown) => {
      seen.error = error;
      seen.isDone = true;
    },
  );
  return seen;
}
