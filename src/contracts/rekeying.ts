import type { ContentRef } from '#core/content-ref';
import type { ChunkPlace } from './content.ts';
import type { PackedChunk } from './pack-store.ts';

/** The engine's part of giving what is stored the keys of now. */
export interface Rekeying {
  /**
   * A record under the key of now, and encrypted or not as it is wished now; without any plaintext leaving memory. `same`: it is so already. `gone`: it does not
   * lie there any more. Not durable before `sync`. @throws corrupt when the record fails its check; unavailable, insufficient_storage
   */
  record(chunk: PackedChunk): Promise<ChunkPlace | 'same' | 'gone'>;
  sync(places: ChunkPlace[]): Promise<void>;
  /** As `record`, of a content that lies in its row; null: it is so already. @throws corrupt */
  inline(content: ContentRef): Promise<ContentRef | null>;
}

/** Everything in the database that says with which key something is encrypted, in pages. */
export interface KeyedRows {
  /** Chunks by domain and id, condemned ones too. */
  chunks(after: string | null): Promise<{ next: string | null; chunks: PackedChunk[] }>;
  /** Contents that lie in rows of this kind, by id; only those that are not of these epochs, or not of this cipher. */
  inline(kind: InlineKind, after: string | null, wanted: WantedKeys): Promise<{ next: string | null; rows: InlineRow[] }>;
  /** Each row that still holds `before` holds `after` now; how many did. */
  replaceInline(kind: InlineKind, rows: { id: string; before: ContentRef; after: ContentRef }[]): Promise<number>;
}

export type InlineKind = 'versions' | 'parts';

export interface InlineRow {
  id: string;
  content: ContentRef;
}

export interface WantedKeys {
  /** The current epoch of every domain. */
  epochs: ReadonlyMap<number, number>;
  encrypted: boolean;
}
