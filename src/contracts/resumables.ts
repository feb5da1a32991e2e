import type { Address } from '#core/address';
import type { Conditions } from '#core/conditions';
import type { Digests } from '#core/digest';
import type { ObjectAttributes, ObjectInfo } from '#core/object';
import type { Who } from '#core/principal';
import type { Bytes } from '#core/stream';
import type { PutResult } from './namespace.ts';
import type { Resumable, ResumableKind } from './resumable-store.ts';

/**
 * Uploads that go on where they broke, authorized: whoever began one goes on with it, from any device and over any gateway, as long as it may write there.
 * Bytes that were acknowledged are durable.
 */
export interface Resumables {
  /** Refuses what would be refused at the end, as far as it is known. @throws as Namespace.put before its body */
  begin(who: Who, at: Address, options: ResumableOptions): Promise<Resumable>;
  /** @throws upload_not_found, access_denied */
  find(who: Who, id: string): Promise<Resumable>;
  list(who: Who, before: string | null, limit: number): Promise<Resumable[]>;
  /**
   * Appends a body at exactly `offset`, in steps that are durable one by one: a body that breaks off leaves what came of it. Somebody else who appends to it on
   * this gateway is told to stop first. With `expect` all of the body is one step, or nothing.
   * @throws conflict (details.received), too_large, checksum_mismatch, incomplete_body (after what came is stored), and what Content.write throws
   */
  append(
    who: Who,
    id: string,
    offset: number,
    body: Bytes,
    options: { expect?: Digests; signal?: AbortSignal },
  ): Promise<Resumable>;
  /** What the whole adds up to, as its sender says, who need not know it before the last bytes: `finish` holds all that is stored against it. */
  announce(who: Who, id: string, sum: AnnouncedSum): Promise<void>;
  /** What was announced of it; null: nothing. */
  announced(upload: Resumable): AnnouncedSum | null;
  /** Whether it can end: all its bytes are there, and their sum, if one was promised. */
  complete(upload: Resumable): boolean;
  /** Tells whoever appends to it on this gateway to stop, and waits until what came is stored. */
  settle(id: string): Promise<void>;
  setLength(who: Who, id: string, length: number): Promise<Resumable>;
  /**
   * Makes the object of the bytes, without moving them; one that was made already is given again. A refusal leaves the bytes where they are.
   * @throws conflict when bytes are missing or the sum that was promised, checksum_mismatch when they are not those that were announced (the upload is gone then), and what the commit throws
   */
  finish(who: Who, id: string, options?: { key?: string; conditions?: Conditions }): Promise<PutResult>;
  /** One object of partial ones, in order, which end with it. @throws conflict when one has not all its bytes, upload_not_found when it ends meanwhile */
  join(
    who: Who,
    at: Address,
    parts: readonly string[],
    options: ResumableOptions,
  ): Promise<{ upload: Resumable; result: PutResult }>;
  /** What a completed one made; null when it is gone, or was overwritten and expired. */
  made(who: Who, upload: Resumable): Promise<ObjectInfo | null>;
  remove(who: Who, id: string): Promise<void>;
}

/** `sha-256-8mib`: SHA-256 of the SHA-256 sums of each 8 MiB, of which the last may be shorter. */
export interface AnnouncedSum {
  algorithm: 'sha-256' | 'sha-256-8mib';
  /** 32 bytes in base64. */
  value: string;
}

export interface ResumableOptions {
  kind: ResumableKind;
  length: number | null;
  conditions: Conditions;
  attributes: ObjectAttributes;
  mtime?: number;
  metadata: string;
  concat: string | null;
  /** A sum of the whole will be announced: it is made as the bytes go by, and before it came there is no file. */
  summed?: boolean;
}
