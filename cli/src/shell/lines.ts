/**
 * The lines of a stream, without their ends (`\n` or `\r\n`). The stream is read no faster than lines are taken. What
 * stands behind the last line end is a line too.
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  // What was read of the line that is not over; a long line comes in many chunks, which are joined only once.
  let open: string[] = [];
  for await (const chunk of stream) {
    const pieces = decoder.decode(chunk, { stream: true }).split("\n");
    for (let i = 0; i < pieces.length - 1; i++) {
      open.push(pieces[i]!);
      yield withoutReturn(open.join(""));
      open = [];
    }
    open.push(pieces.at(-1)!);
  }
  open.push(decoder.decode());
  const last = open.join("");
  if (last !== "") yield withoutReturn(last);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
