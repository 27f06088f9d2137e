export {
  defaultElectionOptions,
  type Elected,
  Election,
  type ElectionEvents,
  type ElectionOptions,
  type Proposal,
  type Role,
} from "./election.js";
export { type Candidate, NO_VOTE, ServerState, type Vote } from "./vote.js";
