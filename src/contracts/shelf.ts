/** Files that are written once, whole, and read from their beginning: snapshots, backups. Names match /^[a-z0-9][a-z0-9._-]{0,199}$/. */
export interface Shelf {
  /** Durable when it resolves; until then there is no file of that name. @throws insufficient_storage, unavailable; what `body` throws */
  put(name: string, body: AsyncIterable<Uint8Array>): Promise<{ bytes: number }>;
  /** From its beginning. @throws not_found, unavailable */
  read(name: string): AsyncIterable<Buffer>;
  /** In byte order of names; what is being written is not among them. Empty where there is no shelf yet. */
  list(): Promise<{ name: string; bytes: number }[]>;
  /** Durable when it resolves. Removing what is absent is no error. */
  remove(name: string): Promise<void>;
}
