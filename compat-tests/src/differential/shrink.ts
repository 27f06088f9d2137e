import { OpCode } from "./op-code.js";
import type { Difference } from "./pair.js";
import type { Request, Script, Send, Step } from "./script.js";

/** Runs a script on fresh servers and says where they differ. */
export type Attempt = (script: Script) => Promise<Difference | null>;

export interface Shrunk {
  readonly script: Script;
  readonly difference: Difference;
}

/**
 * Leaves out steps and requests for as long as the servers still differ.
 * @param attemptsMax - how often the servers may be asked
 * @returns null when the script does not show a difference a second time
 */
export async function shrink(script: Script, attempt: Attempt, attemptsMax: number): Promise<Shrunk | null> {
  let attempts = 0;
  let best: Shrunk | null = null;
  const differs = async (candidate: Script): Promise<boolean> => {
    attempts++;
    const difference = await attempt(candidate);
    if (difference === null) return false;
    // What follows the difference cannot have caused it.
    best = { script: candidate.slice(0, difference.step + 1), difference };
    return true;
  };
  if (!(await differs(script))) return null;

  for (let before = Number.POSITIVE_INFINITY; size(best!.script) < before && attempts < attemptsMax; ) {
    before = size(best!.script);
    for (
      let chunk = Math.ceil(best!.script.length / 2);
      chunk >= 1 && attempts < attemptsMax;
      chunk = Math.floor(chunk / 2)
    ) {
      // From the end on: early steps are what late ones need.
      for (let at = best!.script.length - 1; at >= 0 && attempts < attemptsMax; at -= chunk) {
        const { script } = best!;
        const from = Math.max(0, Math.min(at, script.length - 1) - chunk + 1);
        await differs([...script.slice(0, from), ...script.slice(from + chunk)]);
      }
    }
    for (let at = best!.script.length - 1; at >= 0 && attempts < attemptsMax; at--) {
      if (at < best!.script.length)
        await shrinkStep(
          () => best!.script,
          at,
          differs,
          () => attempts < attemptsMax,
        );
    }
  }
  return best;
}

async function shrinkStep(
  script: () => Script,
  at: number,
  differs: (candidate: Script) => Promise<boolean>,
  mayGoOn: () => boolean,
): Promise<void> {
  const replaced = (step: Step) => [...script().slice(0, at), step, ...script().slice(at + 1)];
  const step = script()[at];
  if (step.do === "together") {
    for (const send of step.sends) if (mayGoOn() && (await differs(replaced(send)))) return;
    return;
  }
  if (step.do !== "send") return;
  let send: Send = step;
  if (send.pieceBytes !== undefined) {
    const { pieceBytes: _, ...whole } = send;
    if (await differs(replaced(whole))) send = whole;
  }
  for (let chunk = Math.ceil(send.requests.length / 2); chunk >= 1; chunk = Math.floor(chunk / 2)) {
    for (let from = 0; from < send.requests.length && send.requests.length > 1 && mayGoOn(); ) {
      const requests = [...send.requests.slice(0, from), ...send.requests.slice(from + chunk)];
      if (requests.length > 0 && (await differs(replaced({ ...send, requests })))) {
        send = { ...send, requests };
        // The difference may have moved before this step, which then is gone.
        if (script().length <= at) return;
      } else {
        from += chunk;
      }
    }
  }
  for (let index = 0; index < send.requests.length; index++) {
    for (let isSmaller = true; isSmaller && mayGoOn(); ) {
      isSmaller = false;
      for (const request of smallerRequests(send.requests[index])) {
        const requests = [...send.requests.slice(0, index), request, ...send.requests.slice(index + 1)];
        if (!mayGoOn() || !(await differs(replaced({ ...send, requests })))) continue;
        send = { ...send, requests };
        if (script().length <= at) return;
        isSmaller = true;
        break;
      }
    }
  }
}

/** The request with one part of a multi, or one text of a list, left out. */
function smallerRequests(request: Request): Request[] {
  const { fields } = request;
  const smaller: Request[] = [];
  const isHeader = (at: number) =>
    fields[at]?.kind === "int" && fields[at + 1]?.kind === "bool" && fields[at + 2]?.kind === "int";
  if (request.type === OpCode.multi || request.type === OpCode.multiRead) {
    const headers = [...fields.keys()].filter((at) => isHeader(at) && (at === 0 || fields[at - 1].kind !== "texts"));
    for (let i = 0; i + 1 < headers.length; i++) {
      smaller.push({ ...request, fields: [...fields.slice(0, headers[i]), ...fields.slice(headers[i + 1])] });
    }
  }
  for (const [at, field] of fields.entries()) {
    if (field.kind !== "texts" || field.values === null) continue;
    for (const index of field.values.keys()) {
      const values = field.values.filter((_, each) => each !== index);
      smaller.push({
        ...request,
        fields: [...fields.slice(0, at), { kind: "texts", values }, ...fields.slice(at + 1)],
      });
    }
  }
  return smaller;
}

function size(script: Script): number {
  return script.reduce((sum, step) => sum + 1 + JSON.stringify(step).length / 1000, 0);
}
