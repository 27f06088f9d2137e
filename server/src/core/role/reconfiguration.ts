/** What a reconfiguration is decided against: the members as they are. */
export interface Reconfiguration {
  /** Whether a change of the members is under way. */
  readonly isInProgress: boolean;
}
