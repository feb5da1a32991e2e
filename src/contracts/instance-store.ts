/** One row set for the whole installation, and the registry of its gateways. */
export interface InstanceStore {
  /** JSON by name; null when absent. */
  setting<T>(name: string): Promise<T | null>;
  /** Sets it only if absent and gives what is then there: safe between two gateways that start at once. */
  settingOrInsert<T>(name: string, value: T): Promise<T>;
  putSetting(name: string, value: unknown): Promise<void>;

  /** Registers this process as a gateway. The number is in every journal of who committed. */
  register(gateway: { host: string; pid: number; version: string }): Promise<number>;
  /**
   * Says that it lives (by the database's clock), which turn of collection it has heard of, and in which its oldest running upload began, so
   * that collection can wait for it. @throws conflict when fenced
   */
  heartbeat(gateway: number): Promise<void>;
  /** What this process must have learned before it says that it has heard of a turn: keys that others have made by then. A failure delays the turn. */
  onTurn(learn: () => Promise<void>): void;
  unregister(gateway: number): Promise<void>;
  /** Those registered under a version that have neither left nor said for so long that they live: killed, or their machine was. */
  silent(version: string, silentMs: number): Promise<number[]>;
}
