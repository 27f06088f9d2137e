// Memory and time per watch. After a build: node server/bench/watches.js
import { WatchTable } from "../dist/core/watch/watch-table.js";

const encoder = new TextEncoder();

function measure(name, connections, paths, pathOf) {
  let events = 0;
  const table = new WatchTable({ int32: () => 12345 }, { watchEvent: () => void events++ });
  const encoded = Array.from({ length: paths }, (_, i) => encoder.encode(pathOf(i)));
  const time = (work) => {
    const start = performance.now();
    work();
    return performance.now() - start;
  };
  const shared = connections > 0;
  const watches = shared ? connections * paths : paths;
  const addMs = time(() => {
    for (let i = 0; i < paths; i++) {
      const bytes = encoded[i];
      if (shared) for (let c = 0; c < connections; c++) table.addDataWatch(c, bytes, 0, bytes.length);
      else table.addDataWatch(i % 1000, bytes, 0, bytes.length);
    }
  });
  const size = table.byteLength;
  const fireMs = time(() => {
    for (const bytes of encoded) table.dataChanged(bytes, 0, bytes.length, -1, 1);
  });
  const perWatch = (ms) => ((ms * 1e6) / watches).toFixed(0);
  console.log(
    `${name}: ${watches} watches, ${(size / watches).toFixed(1)} bytes each, ` +
      `set in ${perWatch(addMs)} ns, fired in ${perWatch(fireMs)} ns (${events} events)`,
  );
}

measure("100 connections on the same 10,000 paths", 100, 10_000, (i) => `/brokers/topics/t-${i}`);
measure("100 connections on the same 4,000 paths", 100, 4_000, (i) => `/brokers/topics/t-${i}`);
measure("each watch on a path of its own", 0, 1_000_000, (i) => `/services/node-${i}`);
