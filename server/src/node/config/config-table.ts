import type { ConfigKey } from "./config-key.js";
import { baseKeys } from "./keys/base.js";
import { clusterKeys } from "./keys/cluster.js";
import { observabilityKeys } from "./keys/observability.js";
import { securityKeys } from "./keys/security.js";
import { throughputKeys } from "./keys/throughput.js";

/** A part of the table, with its heading in the documentation. */
export interface ConfigSection {
  readonly title: string;
  readonly keys: readonly ConfigKey[];
}

/** Every key that ZooKeeper 3.9.5's server reads, in the order of the documentation. */
export const configSections: readonly ConfigSection[] = [
  { title: "Base, paths, ports", keys: baseKeys },
  { title: "Throughput, throttling, znode types", keys: throughputKeys },
  { title: "Ensemble", keys: clusterKeys },
  { title: "Security", keys: securityKeys },
  { title: "Observability and administration", keys: observabilityKeys },
];

export const configKeys: readonly ConfigKey[] = configSections.flatMap((section) => section.keys);

const keyByName = new Map(configKeys.map((key) => [key.name, key]));

/** The row of a name as it may stand in zoo.cfg or, without its `zookeeper.` prefix, in a `-D` property. */
export function findKey(name: string): ConfigKey | undefined {
  return keyByName.get(name) ?? configKeys.find((key) => key.pattern?.test(name));
}
