import type { ServerAddress } from "../core/connect-string.js";
import type { Connection, Platform } from "./platform.js";

const WORD = new Uint8Array([0x69, 0x73, 0x72, 0x6f]); // isro
const TIMEOUT_MS = 1_000;

/**
 * Asks a server with the four-letter word `isro` whether it takes writes.
 * @param done - called once; false too if the server does not answer
 */
export function probeReadWrite(platform: Platform, server: ServerAddress, done: (isReadWrite: boolean) => void): void {
  let text = "";
  let isDone = false;
  const finish = (isReadWrite: boolean) => {
    if (isDone) return;
    isDone = true;
    stopTimer();
    connection.close();
    done(isReadWrite);
  };
  const stopTimer = platform.setTimer(TIMEOUT_MS, () => finish(false));
  const connection: Connection = platform.connect(server, {
    opened: () => void connection.write(WORD.slice()),
    received: (bytes) => {
      for (const byte of bytes) text += String.fromCharCode(byte);
      if (text.length >= 2) finish(text === "rw");
    },
    drained: () => undefined,
    closed: () => finish(text === "rw"),
  });
}
