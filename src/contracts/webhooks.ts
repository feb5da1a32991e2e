/** Where messages about changes go: URLs that the administrator named in the settings. Nobody else can make this gateway call anything. */
export interface Webhooks {
  has(target: string): boolean;
  /**
   * Posts one message and waits until it was taken (2xx).
   * @throws not_found (no such target), unavailable (try again later), access_denied (the target refuses this message, or its address is a private one)
   */
  post(target: string, message: WebhookMessage, signal?: AbortSignal): Promise<void>;
}

export interface WebhookMessage {
  /** The same in every attempt, so that a receiver can tell a repetition. */
  id: string;
  /** JSON */
  body: string;
}
