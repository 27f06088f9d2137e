/**
 * Sees to it that the txn log stops growing before its disk is full: the writer asks before it takes more of the disk,
 * and goes on once there is room. Nothing is acknowledged meanwhile, and nothing has failed: rule D33 is about bytes of
 * txns that may or may not be on the disk, and those are not written before there is room for them.
 */
export interface Room {
  /** Returns once `bytes` more can be taken. @throws DiskError when the log is closed before that */
  claim(bytes: number): void;
  /** There was no room all the same. Returns when it is worth trying again. @throws DiskError when the log is closed */
  lacked(): void;
}
