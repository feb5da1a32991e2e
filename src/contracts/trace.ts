/** One finished request of any door. Paths without queries and secrets. */
export interface TraceEntry {
  /** When it ended, ms since the epoch. */
  at: number;
  requestId: string;
  door: string;
  operation: string;
  method: string;
  path: string;
  /** null: it was about none, or the door does not tell. */
  bucket: string | null;
  status: number;
  seconds: number;
  receivedBytes: number;
  sentBytes: number;
  /** null: nobody was authenticated. */
  user: string | null;
  /** What it came with, as `kind:id`; null: the user's own log-in, or nobody. */
  device: string | null;
  /** As its owner calls it; null: it has no name. */
  deviceName: string | null;
  address: string;
}

/** What goes over all doors of all gateways, live, for as long as somebody looks. Nothing is kept; under a flood some is left out. */
export interface Trace {
  /** Whether anybody looks: a request that is not traced costs this question. */
  wanted(): boolean;
  record(entry: TraceEntry): void;
  /** Gives the unsubscriber. `left` counts what other gateways left out. */
  follow(listener: (entries: TraceEntry[], left: number) => void): () => void;
}
