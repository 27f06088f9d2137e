import { PercentileSummary, type Summary } from "../../core/stats.js";
import type { ServerView } from "./server-view.js";
import { double } from "./text.js";
import { FULL_VERSION } from "./version.js";

/**
 * The lines of `mntr`: ZooKeeper's names in ZooKeeper's order. Metrics of parts that a standalone server of this kind does
 * not have (commit processor, learners, response caches, dead watchers, Netty) are left out; docs/divergence.md lists them.
 */
export function monitorValues(view: ServerView): Array<readonly [key: string, value: string]> {
  const { stats, quorum } = view;
  const member = view.readOnly ? null : quorum;
  const leader = member === null ? null : member.leader;
  const { proposal } = stats;
  const lines: Array<readonly [string, string]> = [
    ["version", FULL_VERSION],
    ["server_state", view.mode],
    ...only(member, ({ peerState }) => [["peer_state", peerState]]),
    ...only(view.mode === "observer" ? quorum : null, ({ learnerMasterSid }) => [
      ["observer_master_id", String(learnerMasterSid)],
    ]),
    ["ephemerals_count", String(view.ephemeralsCount)],
    ["num_alive_connections", String(view.aliveConnections)],
    ["avg_latency", double(stats.requestLatency.avg)],
    ...only(leader, () => [["min_proposal_size", String(proposal.min)]]),
    ["outstanding_requests", String(view.outstandingRequests)],
    ["znode_count", String(view.znodeCount)],
    ["global_sessions", String(view.globalSessions)],
    ["non_mtls_remote_conn_count", "0"],
    ["last_client_response_size", String(stats.clientResponse.last)],
    ["packets_sent", String(stats.packetsSent)],
    ["packets_received", String(stats.packetsReceived)],
    ...only(leader, () => [["max_proposal_size", String(proposal.max)]]),
    ["max_client_response_size", String(stats.clientResponse.max)],
    ...only(leader, ({ syncedFollowers }) => [["synced_followers", String(syncedFollowers)]]),
    ["connection_drop_probability", double(view.connectionDropProbability)],
    ["watch_count", String(view.watchCount)],
    ...only(leader, ({ syncedNonVotingFollowers, syncedObservers }) => [
      ["synced_non_voting_followers", String(syncedNonVotingFollowers)],
      ["synced_observers", String(syncedObservers)],
    ]),
    ["auth_failed_count", String(stats.authFailedCount)],
    ["min_latency", String(stats.requestLatency.min)],
    ["max_file_descriptor_count", String(view.maxFileDescriptorCount)],
    ["approximate_data_size", String(view.approximateDataSize)],
    ["open_file_descriptor_count", String(view.openFileDescriptorCount)],
    ...only(leader, ({ pendingSyncs, uptimeMs }) => [
      ["last_proposal_size", String(proposal.last)],
      ["pending_syncs", String(pendingSyncs)],
      ["leader_uptime", String(uptimeMs)],
    ]),
    ["local_sessions", String(view.localSessions)],
    ["uptime", String(Math.floor(view.uptimeMs))],
    ["max_latency", String(stats.requestLatency.max)],
    ["outstanding_tls_handshake", "0"],
    ...only(leader, ({ learners }) => [["learners", String(learners)]]),
    ["min_client_response_size", String(stats.clientResponse.min)],
    ["non_mtls_local_conn_count", "0"],
    ...only(member, ({ quorumSize }) => [["quorum_size", String(quorumSize)]]),
    ["watch_bytes", String(stats.watchBytes)],
    ["connection_rejected", String(stats.connectionRejected)],
    ["sessionless_connections_expired", String(stats.sessionlessConnectionsExpired)],
    ["connection_drop_count", String(stats.connectionDropCount)],
    ["bytes_received_count", String(stats.bytesReceivedCount)],
    ["response_bytes", String(stats.responseBytes)],
    ["unrecoverable_error_count", String(stats.unrecoverableErrorCount)],
    ["digest_mismatches_count", String(stats.digestMismatchesCount)],
    ["snapshot_error_count", String(stats.snapshotErrorCount)],
    ["connection_request_count", String(stats.connectionRequestCount)],
    ["stale_sessions_expired", String(stats.staleSessionsExpired)],
  ];
  pushSummary(lines, "node_created_watch_count", stats.nodeCreatedWatchCount);
  pushSummary(lines, "connection_token_deficit", stats.connectionTokenDeficit);
  pushSummary(lines, "node_deleted_watch_count", stats.nodeDeletedWatchCount);
  pushSummary(lines, "startup_txns_load_time", stats.startupTxnsLoadTime);
  pushSummary(lines, "fsynctime", stats.fsyncTime);
  pushSummary(lines, "snapshottime", stats.snapshotTime);
  pushSummary(lines, "startup_txns_loaded", stats.startupTxnsLoaded);
  pushSummary(lines, "dbinittime", stats.dbInitTime);
  pushSummary(lines, "sync_processor_batch_size", stats.syncProcessorBatchSize);
  pushSummary(lines, "node_children_watch_count", stats.nodeChildrenWatchCount);
  pushSummary(lines, "node_changed_watch_count", stats.nodeChangedWatchCount);
  pushSummary(lines, "startup_snap_load_time", stats.startupSnapLoadTime);
  pushSummary(lines, "updatelatency", stats.updateLatency);
  pushSummary(lines, "readlatency", stats.readLatency);
  pushSummary(lines, "sync_processor_queue_and_flush_time_ms", stats.syncProcessorQueueAndFlushTime);
  pushSummary(lines, "propagation_latency", stats.propagationLatency);
  return lines;
}

/** The lines of a role that this server may not play. */
function only<T>(
  role: T | null,
  lines: (role: T) => Array<readonly [string, string]>,
): Array<readonly [string, string]> {
  return role === null ? [] : lines(role);
}

function pushSummary(lines: Array<readonly [string, string]>, name: string, summary: Summary): void {
  lines.push(
    [`avg_${name}`, double(summary.avg)],
    [`min_${name}`, String(summary.min)],
    [`max_${name}`, String(summary.max)],
    [`cnt_${name}`, String(summary.count)],
    [`sum_${name}`, String(summary.sum)],
  );
  if (!(summary instanceof PercentileSummary)) return;
  lines.push(
    [`p50_${name}`, String(summary.percentile(0.5))],
    [`p95_${name}`, String(summary.percentile(0.95))],
    [`p99_${name}`, String(summary.percentile(0.99))],
    [`p999_${name}`, String(summary.percentile(0.999))],
  );
}
