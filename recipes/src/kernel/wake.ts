/** Something that one waiter waits for, and that may happen before it does: no wake-up is lost. */
export class Wake {
  private isSet = false;
  private resolve: (() => void) | null = null;

  /** Ends the wait, or the next one if there is none. */
  set = (): void => {
    this.isSet = true;
    this.resolve?.();
  };

  /** Resolves once `set` has been called since the last wait began to be over. */
  async wait(): Promise<void> {
    if (!this.isSet) await new Promise<void>((resolve) => (this.resolve = resolve));
    this.resolve = null;
    this.isSet = false;
  }
}
