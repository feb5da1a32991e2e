/** What has had its time, removed in bounded steps. Each returns how much went; 0: nothing more. Their chunks are collection's affair. */
export interface ExpiryStore {
  /** Unfinished uploads that were begun, and got their last part, longer ago than this; and what is left of completed ones after a day. */
  uploads(olderMs: number): Promise<{ count: number }>;
  /**
   * History that no S3 client sees, superseded longer ago than this, oldest first. Never what is locked or under legal hold, and never a version
   * that S3 shows.
   * @param bytesMax stops when so many bytes of objects are gone
   */
  history(olderMs: number, bytesMax?: number): Promise<{ count: number; bytes: number }>;
}
