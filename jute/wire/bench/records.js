// Prints how long it takes to encode and decode the records that a busy server sees most, in ns per record.
// Run it by `npm run bench -w jute/wire`; the numbers are of use beside those of another build on the same machine.

import { cpus } from "node:os";
import {
  ConnectRequest,
  CreateRequest,
  CreateTxn,
  GetDataRequest,
  Long,
  Reader,
  ReplyHeader,
  RequestHeader,
  SetDataRequest,
  Stat,
  TxnHeader,
  WatcherEvent,
  Writer,
} from "@quoll/jute";
import { Bench } from "tinybench";

const path = "/services/orders/node-0000000042";
const data = new Uint8Array(100).fill(7);
const acl = [{ perms: 31, id: { scheme: "world", id: "anyone" } }];
const session = new Long(0x0100_0000, 0x1234_5678);
const zxid = 0x5_0000_1234;
const time = 1_790_000_000_000;

const records = [
  [RequestHeader, { xid: 7, type: 4 }],
  [ReplyHeader, { xid: 7, zxid, err: 0 }],
  [
    ConnectRequest,
    {
      protocolVersion: 0,
      lastZxidSeen: Long.ZERO,
      timeOut: 30_000,
      sessionId: session,
      passwd: new Uint8Array(16),
      readOnly: false,
    },
  ],
  [GetDataRequest, { path, watch: true }],
  [SetDataRequest, { path, data, version: -1 }],
  [CreateRequest, { path, data, acl, flags: 1 }],
  [
    Stat,
    {
      czxid: zxid,
      mzxid: zxid,
      ctime: time,
      mtime: time,
      version: 1,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: session,
      dataLength: 100,
      numChildren: 0,
      pzxid: zxid,
    },
  ],
  [WatcherEvent, { type: 3, state: 3, path }],
  [TxnHeader, { clientId: session, cxid: 7, zxid, time, type: 1 }],
  [CreateTxn, { path, data, acl, ephemeral: true, parentCVersion: 3 }],
];

// One call is too short for the clock.
const batch = 1000;
const bench = new Bench({ time: 300, warmupTime: 100 });
const writer = new Writer();

for (const [type, value] of records) {
  writer.reset();
  type.encode(writer, value);
  const bytes = writer.take();
  const reader = new Reader(bytes);
  let sink = null;
  bench.add(`${type.name} encode`, () => {
    for (let i = 0; i < batch; i++) {
      writer.reset();
      type.encode(writer, value);
    }
  });
  bench.add(`${type.name} decode`, () => {
    for (let i = 0; i < batch; i++) {
      reader.reset(bytes, 0, bytes.length);
      sink = type.decode(reader);
    }
    if (sink === null) throw new Error("nothing was decoded");
  });
}

await bench.run();

const ns = (name) => (bench.getTask(name).result.latency.p50 * 1e6) / batch;
console.log(`ns per record, median; Node ${process.version}, ${cpus().length} × ${cpus()[0].model}`);
console.table(
  Object.fromEntries(
    records.map(([type, value]) => {
      writer.reset();
      type.encode(writer, value);
      const round = (name) => Math.round(ns(`${type.name} ${name}`));
      return [type.name, { bytes: writer.at, encode: round("encode"), decode: round("decode") }];
    }),
  ),
);
