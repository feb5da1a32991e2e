/** Work on one name happens one after the other, over all gateways of a database. */
export interface Turns {
  /** Runs the work once, when nobody else is at it. What the work throws is thrown. @throws unavailable: then it was not begun */
  take(name: string, work: () => Promise<void>): Promise<void>;
}
