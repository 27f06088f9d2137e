/** Event types of the watch protocol, with ZooKeeper's names and numbers. */
export const EventType = {
  None: -1,
  NodeCreated: 1,
  NodeDeleted: 2,
  NodeDataChanged: 3,
  NodeChildrenChanged: 4,
} as const;
export type EventType = (typeof EventType)[keyof typeof EventType];

/** What checkWatches and removeWatches name. */
export const WatcherType = {
  Children: 1,
  Data: 2,
  Any: 3,
  Persistent: 4,
  PersistentRecursive: 5,
} as const;
export type WatcherType = (typeof WatcherType)[keyof typeof WatcherType];

/** Modes of the addWatch request. */
export const AddWatchMode = { persistent: 0, persistentRecursive: 1 } as const;
export type AddWatchMode = (typeof AddWatchMode)[keyof typeof AddWatchMode];

/** The number as a {@link WatcherType}, or null when it is none (Java then answers with MarshallingError). */
export function watcherType(type: number): WatcherType | null {
  return type >= 1 && type <= 5 && Number.isInteger(type) ? (type as WatcherType) : null;
}

/** The number as an {@link AddWatchMode}, or null when it is none (Java then answers with MarshallingError). */
export function addWatchMode(mode: number): AddWatchMode | null {
  return mode === 0 || mode === 1 ? mode : null;
}
