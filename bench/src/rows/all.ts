import { failoverRow } from "../failover.js";
import type { Row } from "../row.js";
import { loadRows } from "./load.js";
import { memoryRows } from "./memory.js";
import { sessionRows } from "./sessions.js";

/** Every row, in the order of the table. */
export const rows: readonly Row[] = [...loadRows, ...memoryRows, ...sessionRows, failoverRow];
