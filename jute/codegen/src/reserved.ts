/** Names that a class cannot have, because the generated code could not say them. */
const words =
  "break case catch class const continue debugger default delete do else enum export extends false finally for function " +
  "if import in instanceof new null return super switch this throw true try typeof var void while with " +
  "implements interface let package private protected public static yield await arguments eval " +
  "any unknown never object string number boolean bigint symbol undefined type";
const used = "Reader Writer Long RecordType Map ReadonlyMap Uint8Array reader writer value values count";

const reserved = new Set(`${words} ${used}`.split(" "));

export function isReserved(className: string): boolean {
  return reserved.has(className);
}
