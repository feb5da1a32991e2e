/** One row set for the whole installation, and the registry of its gateways. */
export interface InstanceStore {
  /** JSON by name; null when absent. */
  setting<T>(name: string): Promise<T | null>;
  /** Sets it only if absent and gives what is then there: safe between two gateways that start at once. */
  settingOrInsert<T>(name: string, value: T): Promise<T>;
  putSetting(name: string, value: unknown): Promise<void>;

  /** Registers this process as a gateway. The number is in every journal of who committed. */
  register(gateway: { host: string; pid: number; version: string }): Promise<number>;
  /** Reports the oldest running upload's lease start (ms, gateway clock of registration) so that GC can wait for it. @throws conflict when fenced */
  heartbeat(gateway: number, oldestLeaseMs: number | null): Promise<void>;
  unregister(gateway: number): Promise<void>;
}
