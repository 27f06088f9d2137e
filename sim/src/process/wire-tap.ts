import { Reader } from "@quoll/jute";
import { counterOf, epochOf } from "@quoll/zab";

const ACK = 3;
const ACKEPOCH = 18;

/** What a learner says that binds it. */
export interface Promises {
  ack(zxid: number): void;
  ackNewLeader(epoch: number): void;
  ackEpoch(): void;
}

/** Reads the packets that a learner sends in one turn: they are whole. */
export function readPackets(bytes: Uint8Array, promises: Promises): void {
  const reader = new Reader(bytes);
  while (reader.remaining > 0) {
    const type = reader.int();
    const zxid = reader.long();
    reader.buffer();
    const identities = reader.int();
    for (let i = 0; i < identities; i++) {
      reader.buffer();
      reader.buffer();
    }
    if (type === ACK && counterOf(zxid) !== 0) promises.ack(zxid);
    else if (type === ACK) promises.ackNewLeader(epochOf(zxid));
    else if (type === ACKEPOCH) promises.ackEpoch();
  }
}
