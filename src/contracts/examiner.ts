/** One thing that `doctor` looked at. */
export interface Finding {
  name: string;
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  /** What to do about it. */
  advice?: string;
}

/** Looks at everything that the gateway needs, as `cloudstore doctor` does, from within the one that runs. Changes nothing. */
export interface Examiner {
  /** In the order in which a start would stumble. Several who ask at once are told of one look. */
  examine(): Promise<Finding[]>;
}
