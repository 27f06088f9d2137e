/**
 * What the server counts about itself. Everything here is updated on the path of a request, so it is plain number fields
 * of fixed shape: no object, closure or array is made per update. Times are whole milliseconds.
 */

/** Count, sum, smallest and largest of a series, as ZooKeeper's `Summary` of detail level BASIC. */
export class Summary {
  count = 0;
  sum = 0;
  private smallest = Number.MAX_SAFE_INTEGER;
  private largest = Number.MIN_SAFE_INTEGER;

  add(value: number): void {
    this.count++;
    this.sum += value;
    if (value < this.smallest) this.smallest = value;
    if (value > this.largest) this.largest = value;
  }

  /** 0 while nothing was added. */
  get min(): number {
    return this.count === 0 ? 0 : this.smallest;
  }

  /** 0 while nothing was added. */
  get max(): number {
    return this.count === 0 ? 0 : this.largest;
  }

  /** Rounded half up to four decimals, as ZooKeeper does; 0 while nothing was added. */
  get avg(): number {
    return this.count === 0 ? 0 : Math.round((this.sum / this.count) * 10_000) / 10_000;
  }

  reset(): void {
    this.count = 0;
    this.sum = 0;
    this.smallest = Number.MAX_SAFE_INTEGER;
    this.largest = Number.MIN_SAFE_INTEGER;
  }
}

/** Values below this have a bucket each. */
const EXACT = 64;
/** Above, each power of two is divided into this many buckets, so that a percentile is off by 1/16 at most. */
const STEPS = 16;
const BUCKETS = EXACT + (31 - 6) * STEPS;

/**
 * A {@link Summary} that also knows percentiles, as ZooKeeper's of detail level ADVANCED. ZooKeeper samples; this counts
 * every value in a histogram: exact below 64, within 1/16 above. Values are whole, from 0 to 2^31 - 1.
 */
export class PercentileSummary extends Summary {
  private readonly buckets = new Float64Array(BUCKETS);

  override add(value: number): void {
    super.add(value);
    this.buckets[bucketOf(value)]!++;
  }

  /**
   * @param part - from 0 to 1
   * @returns a value that this part of all values do not exceed; 0 while nothing was added
   */
  percentile(part: number): number {
    const rank = Math.ceil(part * this.count);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.buckets[bucket]!;
      if (seen >= rank && seen > 0) return Math.min(highestOf(bucket), this.max);
    }
    return 0;
  }

  override reset(): void {
    super.reset();
    this.buckets.fill(0);
  }
}

function bucketOf(value: number): number {
  if (value < EXACT) return value < 0 ? 0 : value | 0;
  const capped = value > 0x7fffffff ? 0x7fffffff : value | 0;
  const exponent = 31 - Math.clz32(capped);
  return EXACT + (exponent - 6) * STEPS + ((capped >>> (exponent - 4)) & (STEPS - 1));
}

function highestOf(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const exponent = 6 + Math.floor((bucket - EXACT) / STEPS);
  const step = (bucket - EXACT) % STEPS;
  return 2 ** exponent + (step + 1) * 2 ** (exponent - 4) - 1;
}

/** Last, smallest and largest of a series of sizes; -1 while there was none. */
export class SizeStats {
  last = -1;
  min = -1;
  max = -1;

  set(size: number): void {
    this.last = size;
    if (this.min === -1 || size < this.min) this.min = size;
    if (size > this.max) this.max = size;
  }

  reset(): void {
    this.last = -1;
    this.min = -1;
    this.max = -1;
  }
}

/** The counters of one connection, as `cons` and `stat` show them. */
export class ConnectionStats {
  packetsReceived = 0;
  packetsSent = 0;
  /** ZooKeeper's short name of the last operation (`GETD`, `PING`, `SESS`, …), `NA` before the first. */
  lastOperation = "NA";
  /** -1 before the first real request; pings and other negative xids do not count. */
  lastCxid = -1;
  lastZxid = -1;
  /** Monotonic ms of the last response, as ZooKeeper shows it. */
  lastResponseTimeMs = 0;
  lastLatencyMs = 0;
  maxLatencyMs = 0;
  private smallestLatencyMs = Number.MAX_SAFE_INTEGER;
  private count = 0;
  private totalLatencyMs = 0;

  constructor(
    /** When the connection came, wall clock. */
    readonly establishedWallMs: number,
  ) {}

  /** Counts one response that went out. Both times are of the monotonic clock. */
  response(cxid: number, zxid: number, operation: string, createdAtMs: number, nowMs: number): void {
    if (cxid >= 0) this.lastCxid = cxid;
    this.lastZxid = zxid;
    this.lastOperation = operation;
    this.lastResponseTimeMs = nowMs;
    const latencyMs = (nowMs - createdAtMs) | 0;
    this.lastLatencyMs = latencyMs;
    if (latencyMs < this.smallestLatencyMs) this.smallestLatencyMs = latencyMs;
    if (latencyMs > this.maxLatencyMs) this.maxLatencyMs = latencyMs;
    this.count++;
    this.totalLatencyMs += latencyMs;
  }

  get minLatencyMs(): number {
    return this.count === 0 ? 0 : this.smallestLatencyMs;
  }

  /** Rounded down, as ZooKeeper does here. */
  get avgLatencyMs(): number {
    return this.count === 0 ? 0 : Math.floor(this.totalLatencyMs / this.count);
  }

  reset(): void {
    this.packetsReceived = 0;
    this.packetsSent = 0;
    this.lastOperation = "NA";
    this.lastCxid = -1;
    this.lastZxid = -1;
    this.lastResponseTimeMs = 0;
    this.lastLatencyMs = 0;
    this.maxLatencyMs = 0;
    this.smallestLatencyMs = Number.MAX_SAFE_INTEGER;
    this.count = 0;
    this.totalLatencyMs = 0;
  }
}

/**
 * The counters of the server, as `srvr` and `mntr` show them. Fields are ZooKeeper's metric names in camel case; each says
 * who adds to it. What is a state rather than a count (znodes, connections, watches) is asked for when it is shown.
 */
export class ServerStats {
  /** Frames and four-letter words that came in, connect requests included. */
  packetsReceived = 0;
  /** Replies, watch events and four-letter words' answers that went out. */
  packetsSent = 0;
  /** From a request's arrival to its reply. */
  readonly requestLatency = new Summary();
  readonly readLatency = new PercentileSummary();
  readonly updateLatency = new PercentileSummary();
  /** Sizes of encoded replies, with their length. */
  readonly clientResponse = new SizeStats();
  /** Of the txns that this server has proposed to others. */
  readonly proposal = new SizeStats();

  authFailedCount = 0;
  /** Bytes of frames that came in, with their lengths. */
  bytesReceivedCount = 0;
  /** Bytes of replies. */
  responseBytes = 0;
  /** Bytes of watch events. */
  watchBytes = 0;
  /** Connections closed at once: over maxCnxns or maxClientCnxns. */
  connectionRejected = 0;
  /** Connections that ended, for whatever reason. */
  connectionDropCount = 0;
  /** Connect requests. */
  connectionRequestCount = 0;
  /** Sessions that the tracker expired. */
  staleSessionsExpired = 0;
  /** Connections closed because they opened no session in time. */
  sessionlessConnectionsExpired = 0;
  /** Txns whose digest was not the tree's. */
  digestMismatchesCount = 0;
  snapshotErrorCount = 0;
  unrecoverableErrorCount = 0;

  /** Watchers told per change, by kind of event. */
  readonly nodeCreatedWatchCount = new Summary();
  readonly nodeDeletedWatchCount = new Summary();
  readonly nodeChangedWatchCount = new Summary();
  readonly nodeChildrenWatchCount = new Summary();
  /** Tokens missing from the bucket at each connect request. */
  readonly connectionTokenDeficit = new Summary();
  /** Time of each fsync of the log. */
  readonly fsyncTime = new Summary();
  /** Txns in each of them. */
  readonly syncProcessorBatchSize = new Summary();
  /** Time to write each snapshot. */
  readonly snapshotTime = new Summary();
  /** Time to load the database at start; the snapshot's and the log's parts of it; the txns read. */
  readonly dbInitTime = new Summary();
  readonly startupSnapLoadTime = new Summary();
  readonly startupTxnsLoadTime = new Summary();
  readonly startupTxnsLoaded = new Summary();
  /** From a write's arrival to its application to the tree. */
  readonly propagationLatency = new PercentileSummary();
  /** From a write's append to the log to its fsync. */
  readonly syncProcessorQueueAndFlushTime = new PercentileSummary();

  /** Counts the latency of one answered request. Both times are of the monotonic clock. */
  requestDone(isWrite: boolean, createdAtMs: number, nowMs: number): void {
    const latencyMs = (nowMs - createdAtMs) | 0;
    if (latencyMs < 0) return;
    this.requestLatency.add(latencyMs);
    if (isWrite) this.updateLatency.add(latencyMs);
    else this.readLatency.add(latencyMs);
  }

  /** What `srst` does: everything back to its start. */
  reset(): void {
    this.packetsReceived = 0;
    this.packetsSent = 0;
    this.bytesReceivedCount = 0;
    this.responseBytes = 0;
    this.watchBytes = 0;
    this.connectionRejected = 0;
    this.connectionDropCount = 0;
    this.connectionRequestCount = 0;
    this.staleSessionsExpired = 0;
    this.sessionlessConnectionsExpired = 0;
    this.digestMismatchesCount = 0;
    this.snapshotErrorCount = 0;
    this.unrecoverableErrorCount = 0;
    this.clientResponse.reset();
    this.proposal.reset();
    this.requestLatency.reset();
    this.readLatency.reset();
    this.updateLatency.reset();
    this.nodeCreatedWatchCount.reset();
    this.nodeDeletedWatchCount.reset();
    this.nodeChangedWatchCount.reset();
    this.nodeChildrenWatchCount.reset();
    this.connectionTokenDeficit.reset();
    this.fsyncTime.reset();
    this.syncProcessorBatchSize.reset();
    this.snapshotTime.reset();
    this.dbInitTime.reset();
    this.startupSnapLoadTime.reset();
    this.startupTxnsLoadTime.reset();
    this.startupTxnsLoaded.reset();
    this.propagationLatency.reset();
    this.syncProcessorQueueAndFlushTime.reset();
  }
}
