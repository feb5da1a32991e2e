/**
 * Hints between the gateways and CLI processes of one database (LISTEN/NOTIFY): a lost one makes things later, never
 * wrong. Delivered to this process's own subscribers too, and of `buckets` and `principals` before `publish` resolves. After a reconnect every subscriber is called with null: assume anything.
 */
export interface Signals {
  publish(topic: SignalTopic, payload: string): Promise<void>;
  subscribe(topic: SignalTopic, listener: (payload: string | null) => void): () => void;
}

/**
 * journal: payload `bucket:seq`. principals: principal id (users, keys, passwords, sessions changed). buckets: bucket id (names, settings changed).
 * jobs: name of a job (asked for, cancelled, ended). keys: `master` (the master key was changed), or the id of a domain that got or lost a key.
 * leases: collection waits to hear of running uploads. links: id of a share link that was changed or removed.
 * progress: name of a job that has come on. presence, trace: what gateways tell one another of open event streams, and of requests while somebody looks.
 */
export type SignalTopic =
  | 'journal'
  | 'principals'
  | 'buckets'
  | 'jobs'
  | 'keys'
  | 'leases'
  | 'links'
  | 'progress'
  | 'presence'
  | 'trace';
