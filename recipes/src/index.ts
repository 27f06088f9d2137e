export { Barrier } from "./barriers/barrier.js";
export { DoubleBarrier, type DoubleBarrierOptions } from "./barriers/double-barrier.js";
export { ChildrenCache } from "./caches/children-cache.js";
export { NodeCache } from "./caches/node-cache.js";
export { type CachedNode, type CacheEvent, TreeCache, type TreeCacheOptions } from "./caches/tree-cache.js";
export { Watcher, type WatcherOptions } from "./caches/watcher.js";
export {
  type Registration,
  ServiceCache,
  ServiceDiscovery,
  type ServiceDiscoveryOptions,
  ServiceProvider,
  type ServiceProviderOptions,
} from "./discovery/service-discovery.js";
export {
  decodeInstance,
  encodeInstance,
  type ServiceInstance,
  type ServiceInstanceInit,
  type ServiceType,
  uriOf,
} from "./discovery/service-instance.js";
export {
  type DownInstancePolicy,
  type ProviderStrategy,
  randomly,
  roundRobin,
  sticky,
} from "./discovery/strategies.js";
export { buildUri, parseUriSpec, type UriPart, type UriSpec, type UriSubject } from "./discovery/uri-spec.js";
export { settled } from "./kernel/cleanup.js";
export { FormatError, LostError, NotRunningError, WaitTimeoutError } from "./kernel/errors.js";
export type { BackgroundOptions } from "./kernel/run-loop.js";
export type { WaitOptions } from "./kernel/scope.js";
export { LeaderLatch, type LeaderLatchOptions } from "./leader/leader-latch.js";
export { LeaderSelector, type LeaderSelectorOptions } from "./leader/leader-selector.js";
export type { Claim } from "./locks/claim.js";
export { type ContenderKind, LOCK_MARKERS, type Marker } from "./locks/contenders.js";
export { Held, revoke } from "./locks/held.js";
export { Lock, type LockOptions } from "./locks/lock.js";
export { type Acquirable, HeldTogether, MultiLock } from "./locks/multi-lock.js";
export { Mutex, type MutexOptions } from "./locks/mutex.js";
export type { LockNaming } from "./locks/naming.js";
export { ReadWriteLock, type ReadWriteLockOptions } from "./locks/read-write-lock.js";
export { Semaphore, type SemaphoreOptions } from "./locks/semaphore.js";
export { GroupMember, type GroupMemberOptions } from "./nodes/group-member.js";
export { Party, ShallowParty } from "./nodes/party.js";
export { PersistentNode, type PersistentNodeOptions } from "./nodes/persistent-node.js";
export { TtlNode, type TtlNodeOptions } from "./nodes/ttl-node.js";
export { HeldEntry, KazooQueue, LockingQueue } from "./queues/kazoo-queue.js";
export {
  bytesSerializer,
  type Consume,
  type Consumer,
  type ConsumerOptions,
  DelayQueue,
  IdQueue,
  PriorityQueue,
  Queue,
  type QueueOptions,
  type Serializer,
  textSerializer,
} from "./queues/queue.js";
export { SimpleQueue } from "./queues/simple-queue.js";
export {
  AtomicNumber,
  type AtomicNumberOptions,
  type AtomicOptions,
  AtomicValue,
  type Update,
} from "./values/atomic-value.js";
export { IdGenerator, type IdGeneratorOptions } from "./values/id-generator.js";
export type { NumberFormat } from "./values/number-formats.js";
export { SharedCount, SharedValue, type VersionedValue } from "./values/shared-value.js";
