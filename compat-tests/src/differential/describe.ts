import { OpCode, opName } from "./op-code.js";
import type { Difference } from "./pair.js";
import { quotedText } from "./reply.js";
import type { Field, Request, Script, Step } from "./script.js";

/** A script as readable steps, one line per request. */
export function describeScript(script: Script): string[] {
  return script.flatMap((step, index) =>
    describeStep(step).map((line, at) => `${at === 0 ? `${index}.` : "  "} ${line}`),
  );
}

export function describeDifference(difference: Difference, kinds: readonly string[]): string[] {
  return [
    `on connection ${difference.connection}, at step ${difference.step}:`,
    ...sideBySide(`a (${kinds[0]})`, difference.a, difference.b),
    ...sideBySide(`b (${kinds[1]})`, difference.b, difference.a),
  ];
}

/** What kind of difference it is: the words of its first line that differs, without the numbers. */
export function signatureOf(difference: Difference): string {
  const at = difference.a.findIndex((line, index) => line !== difference.b[index]);
  const [a, b] = [difference.a, difference.b].map(
    (lines) => (at < 0 ? lines[difference.a.length] : lines[at]) ?? "nothing",
  );
  const shape = (line: string) => line.replace(/(xid|zxid|czxid|mzxid|pzxid) \S+/g, "").replace(/"[^"]*"|\[.*\]/g, "…");
  return `${shape(a)} / ${shape(b)}`.replace(/0x[0-9a-f]+|\d{2,}/g, "#").slice(0, 160);
}

function sideBySide(name: string, lines: readonly string[], others: readonly string[]): string[] {
  const shown = lines.map((line, index) => `  ${line === others[index] ? " " : "*"} ${line}`);
  return [`  ${name}:`, ...(shown.length === 0 ? ["  * nothing"] : shown)];
}

function describeStep(step: Step): string[] {
  switch (step.do) {
    case "connect": {
      const { connection, sessionOf, password = "right", timeoutMs, readOnly, zxidBack } = step;
      const session = sessionOf === undefined ? "a new session" : `the session of ${sessionOf}, ${password} password`;
      const flag = readOnly === undefined ? "without the readOnly byte" : `readOnly ${readOnly}`;
      return [
        `connection ${connection}: connect, ${session}, timeout ${timeoutMs}, ${flag}, lastZxidSeen newest - ${zxidBack}`,
      ];
    }
    case "send": {
      const pieces = step.pieceBytes === undefined ? "" : `, ${step.pieceBytes} bytes at a time`;
      const closes = step.closes ? ", then wait for the close" : "";
      return [
        `connection ${step.connection}: send${pieces}${closes}`,
        ...step.requests.map((request) => `    ${describeRequest(request)}`),
      ];
    }
    case "together":
      return ["at the same time:", ...step.sends.flatMap((send) => describeStep(send)).map((line) => `  ${line}`)];
    case "greet":
      return [
        `connection ${step.connection}: a new connection that begins with the raw bytes ${quotedText(step.bytes)}`,
      ];
    case "bytes":
      return [`connection ${step.connection}: raw bytes ${quotedText(step.bytes)}, then wait for the close`];
    case "drop":
      return [`connection ${step.connection}: closed by the client`];
    case "expire":
      return [`connection ${step.connection}: silent until its session expires`];
    case "vanish":
      return [`connection ${step.connection}: silent until the server has removed ${step.path}`];
  }
}

function describeRequest(request: Request): string {
  const isMulti = request.type === OpCode.multi || request.type === OpCode.multiRead;
  const fields = isMulti ? describeMulti(request.fields) : request.fields.map(describeField).join(" ");
  const notes = [
    request.xid === undefined ? "" : ` (xid ${request.xid})`,
    request.cut === undefined ? "" : ` (${request.cut} bytes cut off)`,
    request.extra === undefined ? "" : ` (then bytes ${quotedText(request.extra)})`,
    request.poke === undefined ? "" : ` (byte ${request.poke.at} of the body is ${request.poke.byte})`,
  ];
  return `${opName(request.type)} ${fields}${notes.join("")}`;
}

/** A header (three fields: type, done, err) stands before each part. */
function describeMulti(fields: readonly Field[]): string {
  const parts: string[] = [];
  for (let at = 0; at < fields.length; at++) {
    const [type, done, err] = fields.slice(at, at + 3);
    if (type.kind === "int" && done?.kind === "bool" && err?.kind === "int" && err.value === -1) {
      parts.push(done.value ? "end" : `\n         ${opName(type.value)}`);
      at += 2;
    } else {
      parts.push(describeField(fields[at]));
    }
  }
  return parts.join(" ");
}

function describeField(field: Field): string {
  switch (field.kind) {
    case "text":
      return field.value === null ? "null" : quotedText(field.value);
    case "zxid":
      return `newest zxid - ${field.back}`;
    case "texts":
      return field.values === null ? "null" : `[${field.values.map(quotedText).join(", ")}]`;
    case "acls": {
      if (field.values === null) return "null";
      const one = (text: string | null) => (text === null ? "null" : quotedText(text));
      return `[${field.values.map(({ perms, scheme, id }) => `${perms} ${one(scheme)}:${one(id)}`).join(", ")}]`;
    }
    default:
      return String(field.value);
  }
}
