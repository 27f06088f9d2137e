import { isKeeperError, type ZooKeeper } from "@quoll/client";
import { ChildrenCache } from "../caches/children-cache.js";
import { type BackgroundOptions, Listeners } from "../kernel/run-loop.js";
import type { WaitOptions } from "../kernel/scope.js";
import { checkPath, childPath } from "../names/paths.js";
import { PersistentNode } from "../nodes/persistent-node.js";
import { childrenOf } from "../queues/simple-queue.js";
import {
  decodeInstance,
  encodeInstance,
  type ServiceInstance,
  type ServiceInstanceInit,
  serviceInstance,
} from "./service-instance.js";
import { type DownInstancePolicy, DownInstances, type ProviderStrategy, roundRobin } from "./strategies.js";

/** What a {@link ServiceDiscovery} can be told. */
export interface ServiceDiscoveryOptions extends BackgroundOptions {
  /** Whether to write `enabled` for all instances, which Curator before 2.9 could not read. False by default. */
  readonly withEnabled?: boolean | undefined;
  /** The time in ms since 1970; the system's clock by default. */
  readonly wallMs?: (() => number) | undefined;
}

/** An instance that is registered, and stays so. */
export interface Registration<T> extends AsyncDisposable {
  /** As it is registered now. */
  readonly instance: ServiceInstance<T>;
  /** Replaces what is registered. Name and id stay. */
  update(change: Partial<ServiceInstanceInit<T>>): Promise<void>;
  /** Takes it back. */
  unregister(): Promise<void>;
}

/**
 * Who offers which service where. Shared with curator-x-discovery's `ServiceDiscovery`.
 *
 * Znodes: `BASEPATH/NAME/ID`, the instance as JSON; ephemeral for `DYNAMIC` ones, which are registered again after a lost
 * session. `BASEPATH/NAME` is a container.
 * ```ts
 * const discovery = new ServiceDiscovery(zk, "/services");
 * await discovery.register({ name: "api", address: "10.0.0.1", port: 8080 });
 * await using api = await discovery.provider("api").start();
 * const instance = api.get();
 * ```
 */
export class ServiceDiscovery<T = unknown> implements AsyncDisposable {
  private readonly registrations = new Set<Registration<T>>();
  private readonly withEnabled: boolean;
  private readonly wallMs: () => number;

  constructor(
    private readonly client: ZooKeeper,
    /** Where the services are. */
    readonly basePath: string,
    private readonly options: ServiceDiscoveryOptions = {},
  ) {
    checkPath(basePath);
    this.withEnabled = options.withEnabled ?? false;
    this.wallMs = options.wallMs ?? Date.now;
  }

  /** Registers an instance, until it is unregistered or (but for `PERMANENT` ones) this discovery is closed. */
  async register(init: ServiceInstanceInit<T>, options?: WaitOptions): Promise<Registration<T>> {
    let instance = serviceInstance(init, this.client.platform.uuid(), this.wallMs());
    const path = childPath(childPath(this.basePath, instance.name), instance.id);
    const encode = () => encodeInstance(instance, this.withEnabled);
    const isSequential = instance.serviceType === "DYNAMIC_SEQUENTIAL";
    const isDynamic = isSequential || instance.serviceType === "DYNAMIC";
    const node = new PersistentNode(this.client, path, {
      mode: isSequential ? "ephemeralSequential" : isDynamic ? "ephemeral" : "persistent",
      data: encode(),
      onError: this.options.onError,
    });
    await node.start(options);
    const unregister = async () => {
      this.registrations.delete(registration);
      await node.close();
    };
    const registration: Registration<T> = {
      get instance() {
        return instance;
      },
      update: async (change) => {
        instance = { ...instance, ...definedOf(change), name: instance.name, id: instance.id };
        await node.setData(encode());
      },
      unregister,
      [Symbol.asyncDispose]: unregister,
    };
    this.registrations.add(registration);
    return registration;
  }

  /** The names of all services that have, or had, instances. */
  serviceNames(): Promise<string[]> {
    return childrenOf(this.client, this.basePath);
  }

  /** All instances of a service, also those that are not enabled; what is no instance is left out. */
  async instances(name: string): Promise<ServiceInstance<T>[]> {
    const ids = (await childrenOf(this.client, childPath(this.basePath, name))).sort();
    const found = await Promise.all(ids.map((id) => this.instance(name, id)));
    return found.filter((instance) => instance !== null);
  }

  /** One instance; null if it is not registered. */
  async instance(name: string, id: string): Promise<ServiceInstance<T> | null> {
    try {
      const { data } = await this.client.getData(childPath(childPath(this.basePath, name), id));
      return data === null ? null : decodeInstance<T>(data);
    } catch (error) {
      if (isKeeperError(error, "NoNode")) return null;
      throw error;
    }
  }

  /** A copy of a service's instances, which follows them. To be started. */
  cache(name: string): ServiceCache<T> {
    return new ServiceCache<T>(this.client, childPath(this.basePath, name), this.options);
  }

  /** Gives out one instance of a service at a time. To be started. */
  provider(name: string, options: ServiceProviderOptions<T> = {}): ServiceProvider<T> {
    return new ServiceProvider<T>(this.client, this.cache(name), options);
  }

  /** Unregisters all but the `PERMANENT` instances. Caches and providers go on. */
  async close(): Promise<void> {
    const open = [...this.registrations].filter(({ instance }) => instance.serviceType !== "PERMANENT");
    await Promise.all(open.map((registration) => registration.unregister()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A copy of the instances of one service, which follows them. Curator's `ServiceCache`. */
export class ServiceCache<T = unknown> implements AsyncDisposable {
  private readonly cache: ChildrenCache;
  private readonly changes = new Listeners<readonly ServiceInstance<T>[]>();

  /** @internal */
  constructor(client: ZooKeeper, path: string, options: BackgroundOptions) {
    this.cache = new ChildrenCache(client, path, { onError: options.onError });
    this.cache.onEvent(() => this.changes.tell(this.instances()));
  }

  /** Resolves when all instances were read once. */
  async start(options?: WaitOptions): Promise<this> {
    await this.cache.start(options);
    return this;
  }

  /** All instances as last seen, in the order of their ids; also those that are not enabled. */
  instances(): ServiceInstance<T>[] {
    const instances: ServiceInstance<T>[] = [];
    for (const { data } of this.cache.children().values()) {
      const instance = data === null ? null : decodeInstance<T>(data);
      if (instance !== null) instances.push(instance);
    }
    return instances;
  }

  /**
   * Calls `listener` with all instances whenever one has come, gone or changed.
   * @returns a function that ends it
   */
  onChange(listener: (instances: readonly ServiceInstance<T>[]) => void): () => void {
    return this.changes.add(listener);
  }

  /** Follows no more. */
  async close(): Promise<void> {
    this.changes.clear();
    await this.cache.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What a {@link ServiceProvider} can be told. */
export interface ServiceProviderOptions<T> {
  /** {@link roundRobin} by default. */
  readonly strategy?: ProviderStrategy<T> | undefined;
  /** Which instances may be given out at all. */
  readonly filter?: ((instance: ServiceInstance<T>) => boolean) | undefined;
  /** When an instance of which errors were noted is not given out for a while. */
  readonly down?: DownInstancePolicy | undefined;
}

/** Gives out instances of a service: enabled ones that are not down, by a strategy. Curator's `ServiceProvider`. */
export class ServiceProvider<T = unknown> implements AsyncDisposable {
  private readonly strategy: ProviderStrategy<T>;
  private readonly filter: (instance: ServiceInstance<T>) => boolean;
  private readonly down: DownInstances;

  /** @internal */
  constructor(
    private readonly client: ZooKeeper,
    private readonly cache: ServiceCache<T>,
    { strategy = roundRobin<T>(), filter = () => true, down = {} }: ServiceProviderOptions<T>,
  ) {
    this.strategy = strategy;
    this.filter = filter;
    this.down = new DownInstances(down);
  }

  /** Resolves when all instances were read once. */
  async start(options?: WaitOptions): Promise<this> {
    await this.cache.start(options);
    return this;
  }

  /** One instance; null if there is none that may be given out. */
  get(): ServiceInstance<T> | null {
    return this.strategy(this.all());
  }

  /** All instances that may be given out. */
  all(): ServiceInstance<T>[] {
    const nowMs = this.client.platform.now();
    return this.cache
      .instances()
      .filter((instance) => instance.enabled && !this.down.isDown(instance.id, nowMs) && this.filter(instance));
  }

  /** Says that an instance could not be used. With enough of this, it is not given out for a while. */
  noteError(instance: ServiceInstance<T>): void {
    this.down.note(instance.id, this.client.platform.now());
  }

  /** Follows no more. */
  close(): Promise<void> {
    return this.cache.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function definedOf<T extends object>(change: T): Partial<T> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<T>;
}
