import { OpCode } from "../differential/op-code.js";
import type { Acl, Field, Request } from "../differential/script.js";

/** A write, in the form in which both the model and the wire understand it. */
export type Operation =
  | {
      readonly type: 1 | 15 | 19 | 21;
      readonly path: string;
      readonly data: string | null;
      readonly acl: readonly Acl[];
      readonly flags: number;
      readonly ttl: number;
    }
  | { readonly type: 2; readonly path: string; readonly version: number }
  | { readonly type: 5; readonly path: string; readonly data: string | null; readonly version: number }
  | { readonly type: 7; readonly path: string; readonly acl: readonly Acl[]; readonly version: number }
  | { readonly type: 13; readonly path: string; readonly version: number }
  | { readonly type: 14; readonly parts: readonly Operation[] }
  | { readonly type: -11 };

export function requestOf(operation: Operation): Request {
  return { type: operation.type, fields: fieldsOf(operation) };
}

function fieldsOf(operation: Operation): Field[] {
  const text = (value: string | null): Field => ({ kind: "text", value });
  const int = (value: number): Field => ({ kind: "int", value });
  switch (operation.type) {
    case OpCode.delete:
    case OpCode.check:
      return [text(operation.path), int(operation.version)];
    case OpCode.setData:
      return [text(operation.path), text(operation.data), int(operation.version)];
    case OpCode.setACL:
      return [text(operation.path), { kind: "acls", values: operation.acl }, int(operation.version)];
    case OpCode.multi: {
      const header = (type: number, isDone: boolean): Field[] => [int(type), { kind: "bool", value: isDone }, int(-1)];
      return [
        ...operation.parts.flatMap((part) => [...header(part.type, false), ...fieldsOf(part)]),
        ...header(-1, true),
      ];
    }
    case OpCode.closeSession:
      return [];
    default: {
      const { path, data, acl, flags, ttl } = operation;
      const fields = [text(path), text(data), { kind: "acls", values: acl } as const, int(flags)];
      return operation.type === OpCode.createTTL ? [...fields, { kind: "long", value: String(ttl) }] : fields;
    }
  }
}
