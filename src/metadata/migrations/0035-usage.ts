import type { Knex } from 'knex';

/**
 * What a measurement of a bucket saw (docs/adr/0053-physical-usage.md): pieces and contents in the database beside bytes in packs; the marks by which one
 * sees that nothing has changed since (its head's revision and history, and how many buckets its domain had); and how long it took, which says when it is
 * worth another one. What was measured without them counts as changed.
 */
const MARKS = `
ALTER TABLE bucket_space
  ADD COLUMN own_chunks bigint NOT NULL DEFAULT 0, ADD COLUMN shared_chunks bigint NOT NULL DEFAULT 0, ADD COLUMN inline_bytes bigint NOT NULL DEFAULT 0,
  ADD COLUMN revision bigint NOT NULL DEFAULT -1, ADD COLUMN history_versions bigint NOT NULL DEFAULT 0, ADD COLUMN history_bytes bigint NOT NULL DEFAULT 0,
  ADD COLUMN siblings int NOT NULL DEFAULT 0, ADD COLUMN took_ms bigint NOT NULL DEFAULT 0`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(MARKS);
}

export async function down(): Promise<void> {
  throw new Error('This migration is not taken back: restore a backup instead.');
}
