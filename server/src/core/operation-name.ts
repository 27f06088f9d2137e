import { OpCode } from "./op-code.js";

/** ZooKeeper's short name of an operation, as `cons` shows it; `NA` for what has none. */
export function operationName(type: number): string {
  switch (type) {
    case OpCode.ping:
      return "PING";
    case OpCode.createSession:
      return "SESS";
    case OpCode.closeSession:
      return "CLOS";
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createTTL:
    case OpCode.createContainer:
      return "CREA";
    case OpCode.delete:
    case OpCode.deleteContainer:
      return "DELE";
    case OpCode.setData:
      return "SETD";
    case OpCode.getData:
      return "GETD";
    case OpCode.exists:
      return "EXIS";
    case OpCode.getChildren:
    case OpCode.getChildren2:
      return "GETC";
    case OpCode.getAllChildrenNumber:
      return "GETACN";
    case OpCode.getEphemerals:
      return "GETE";
    case OpCode.getACL:
      return "GETA";
    case OpCode.setACL:
      return "SETA";
    case OpCode.multi:
      return "MULT";
    case OpCode.multiRead:
      return "MLTR";
    case OpCode.check:
      return "CHEC";
    case OpCode.sync:
      return "SYNC";
    case OpCode.reconfig:
      return "RECO";
    case OpCode.setWatches:
      return "SETW";
    case OpCode.setWatches2:
      return "STW2";
    case OpCode.addWatch:
      return "ADDW";
    case OpCode.checkWatches:
      return "CHKW";
    case OpCode.removeWatches:
      return "REMW";
    case OpCode.whoAmI:
      return "HOMI";
    default:
      return "NA";
  }
}
