import type { DomainId } from '#core/content-ref';
import type { ChunkPlace, ChunkRecord, LeafRecord } from './content.ts';

/**
 * Which chunks a domain holds and where. Look-up and pin are one step: a claim never returns a condemned or quarantined chunk (the
 * caller stores it anew, and `record` replaces the place and lifts condemnation and quarantine), and GC waits until every upload
 * that began before a condemnation has ended, so a claimed chunk stays while its upload's lease runs.
 */
export interface ChunkIndex {
  /** The leaves and chunks that a lease's upload claims are safe until it ends. Call before the first claim. */
  lease(): Promise<UploadLease>;
  /** For each id its place, or null if the domain does not hold it (or it is condemned, or in quarantine). Order kept. One statement a call. */
  claim(domain: DomainId, ids: Buffer[]): Promise<(ChunkPlace | null)[]>;
  /** A claim that gives the plain bytes of each chunk instead: whoever names one must name its size. */
  claimSizes(domain: DomainId, ids: Buffer[]): Promise<(number | null)[]>;
  /** Records durable chunks ahead of the commit that names them (long uploads; garbage if none does). Idempotent; first place wins unless condemned or in quarantine. */
  record(domain: DomainId, chunks: ChunkRecord[], leaves: LeafRecord[]): Promise<void>;
  /** Places for reading, condemned ones too; those in quarantine are marked `damaged`. null: unknown chunk. */
  places(domain: DomainId, ids: Buffer[]): Promise<(ChunkPlace | null)[]>;
  /** The encoded entries of leaves. null: unknown leaf. */
  leaves(domain: DomainId, ids: Buffer[]): Promise<(Buffer | null)[]>;
}

/** Held in memory and reported with the gateway's heartbeat; costs no statement. */
export interface UploadLease {
  end(): void;
}
