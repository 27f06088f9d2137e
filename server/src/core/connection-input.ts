import type { Connection } from "./connection.js";

/** Appends to the input that is kept. */
export function appendInput(connection: Connection, chunk: Uint8Array): void {
  const length = connection.inputLength + chunk.length;
  let input = connection.input!;
  if (length > input.length) {
    input = new Uint8Array(Math.max(length, input.length * 2));
    input.set(connection.input!.subarray(0, connection.inputLength));
    connection.input = input;
  }
  input.set(chunk, connection.inputLength);
  connection.inputLength = length;
}

/** Keeps what comes from `at` on until more bytes come or the connection is read again. */
export function keepInput(connection: Connection, chunk: Uint8Array, at: number): void {
  connection.input = chunk.slice(at);
  connection.inputLength = chunk.length - at;
}
