/** Structured log; secrets and bodies never go in. pino's shape. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
  /** Whether a line of this level goes anywhere; without it, it may. */
  isLevelEnabled?(level: 'debug' | 'info' | 'warn' | 'error'): boolean;
}

/** What the HTTP servers and jobs report; rendered as Prometheus text at /metrics. */
export interface Metrics {
  /** One finished request. `op` is a bounded name, never a key or a user. */
  request(protocol: string, op: string, status: number, seconds: number, bytesIn: number, bytesOut: number): void;
  /** `across` several processes of one gateway: the sum of what each has (the default), or the greatest, for what is the same thing in all. */
  gauge(name: string, help: string, read: () => number, across?: 'sum' | 'max'): void;
  counter(name: string, help: string): { add(n: number): void };
  render(): Promise<string>;
}
