export { CONFIG_TEXT_MAX, parseConfigText } from "./config-text.js";
export { HierarchicalQuorum } from "./hierarchical-quorum.js";
export { MajorityQuorum, type Oracle } from "./majority-quorum.js";
export { type LearnerType, type Member, sameMember, textOfAddress, textOfMember } from "./member.js";
export { MembershipError } from "./membership-error.js";
export { MEMBERS_MAX, membershipOf, type QuorumConfig, type ReadQuorumConfig, verifierOf } from "./quorum-config.js";
export { type QuorumVerifier, SyncedLearnerTracker, typeOf } from "./quorum-verifier.js";
