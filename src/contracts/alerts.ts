/** What an owner wants to hear of without looking. */
export const ALERT_KINDS = ['login-from-new-place', 'disk-nearly-full', 'damage', 'job-failed', 'test'] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export interface Alert {
  id: number;
  kind: AlertKind;
  /** What it is about: a user, a directory, a job. Of one kind and subject, one alert at a time. */
  subject: string;
  /** One sentence, and what to do. */
  text: string;
  /** ms since the epoch */
  raised: number;
  /** null: it is still so. */
  cleared: number | null;
  /** Each channel that has been told. */
  told: readonly string[];
}

/** Rows of alerts. */
export interface AlertStore {
  /** false: it is known already; its text is that of now. `over`: it happened, and is no state that ends. */
  raise(alert: { kind: AlertKind; subject: string; text: string; over?: boolean }): Promise<boolean>;
  /** What was so is so no more. */
  clear(kind: AlertKind, subject: string): Promise<void>;
  /** Those of a kind that are still so. */
  open(kind: AlertKind): Promise<string[]>;
  /** Oldest first: what a channel has not been told, and was raised since. */
  untold(channel: string, sinceMs: number): Promise<Alert[]>;
  tell(id: number, channel: string): Promise<void>;
  /** Newest first. */
  list(limit: number): Promise<Alert[]>;
  /** From where a user logs in: true when it never did from there, and did from elsewhere. */
  newPlace(principal: number, network: string): Promise<boolean>;
}

/** What an admin sees of alerts, and tries. */
export interface AlertDesk {
  /** Newest first. */
  list(limit: number): Promise<Alert[]>;
  /** Every way that there is, whether the settings name where it leads or not. */
  ways(): AlertWay[];
  /** Tells something harmless at once, by every way; what each made of it. Nothing is kept of it. */
  test(signal: AbortSignal): Promise<{ name: string; error: string | null }[]>;
}

export interface AlertWay {
  name: string;
  /** Who is told, without secrets; null: nobody, because no setting says who. */
  to: string | null;
  /** By which settings, as they are called in the environment. */
  settings: readonly string[];
}

/** A way to somebody's attention. @throws unavailable: try again later */
export interface AlertChannel {
  name: string;
  send(alert: Alert, signal: AbortSignal): Promise<void>;
}
