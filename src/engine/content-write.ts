import { setImmediate } from 'node:timers/promises';
import type { UploadLease } from '#contracts/chunk-index';
import type { ChunkRecord, Staged, WriteOptions } from '#contracts/content';
import type { DomainKeys, Keyring } from '#contracts/keyring';
import type { Repair } from '#contracts/repair';
import { type ChunkRef, type ContentRef, INLINE_BYTES_MAX } from '#core/content-ref';
import type { DigestName, Digests } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import { type Bytes, dispose, type Take } from '#core/stream';
import { eachOf, throwIfAborted } from './abortable.ts';
import { type BodyUpload, createBodyUpload, type UploadDeps } from './body-upload.ts';
import { sealInline } from './inline.ts';
import type { PlainPolicy } from './plain-policy.ts';
import type { Cipher } from './record-format.ts';
import type { RecordKeys } from './record-keys.ts';

export interface WriteDeps extends UploadDeps {
  keyring: Keyring;
  recordKeys: RecordKeys;
  cipher: Cipher;
  plain: PlainPolicy;
  repair?: Repair;
}

/** Up to here a body is gathered in a buffer of its own, and takes no slot. */
export const SMALL_BYTES_MAX = 64 << 10;

/** The engine's way in; the contract is Content.write. */
export async function writeContent(deps: WriteDeps, body: Bytes, options: WriteOptions): Promise<Staged> {
  const { size, signal } = options;
  const domain = await deps.keyring.load(options.domain);
  const names = digestNames(options);
  const loading = deps.digestMaker.ready(names);
  if (loading !== null) await loading;
  if (body.whole !== undefined && size !== undefined && size <= SMALL_BYTES_MAX) {
    const plaintext = await body.whole(size);
    throwIfAborted(signal);
    if (plaintext.length !== size) throw otherSize(plaintext.length, size);
    const staged = await stageSmall(deps, domain, plaintext, options, names);
    dispose(plaintext);
    return staged;
  }
  const small: Buffer[] = [];
  let big = null as { upload: BodyUpload; lease: UploadLease } | null;
  let received = 0;
  // Also while the disk hangs: the body is given up at once, and what it holds goes back as the disk lets go of it.
  const stop = (): void => big?.upload.abort();
  signal?.addEventListener('abort', stop, { once: true });
  const begin = async (): Promise<BodyUpload> => {
    const lease = await deps.chunks.lease();
    big = { lease, upload: createBodyUpload(deps, domain, names, size, options.contentHash !== false) };
    throwIfAborted(signal); // meanwhile, when there was nothing to stop yet
    for (const before of small.splice(0)) await big.upload.add(before);
    return big.upload;
  };
  const take: Take = (bytes) => {
    received += bytes.length;
    if (size !== undefined && received > size) throw otherSize(received, size);
    if (big === null && received <= SMALL_BYTES_MAX && (size ?? 0) <= SMALL_BYTES_MAX) {
      small.push(Buffer.from(bytes));
      return null;
    }
    const added = big === null ? begin().then((upload) => upload.add(bytes)) : big.upload.add(bytes);
    if (added !== null) return added.then(() => dispose(bytes));
    dispose(bytes);
    return null;
  };
  try {
    await eachOf(body, signal, take);
    if (size !== undefined && received !== size) throw otherSize(received, size);
    if (big === null) {
      const plaintext = small.length === 1 ? small[0]! : Buffer.concat(small, received);
      return await stageSmall(deps, domain, plaintext, options, names);
    }
    signal?.removeEventListener('abort', stop); // all of it is here: it is stored, or it is not
    const { only, leaves, records: chunks, leafRecords, contentHash, digests } = await big.upload.end();
    compare(options, digests);
    const content: ContentRef =
      only === null
        ? { kind: 'manifest', domain: domain.id, size: received, leaves }
        : { kind: 'chunk', domain: domain.id, size: received, id: only.id };
    return { content, size: received, digests, contentHash, chunks, leaves: leafRecords, release: releaseOf(big.lease) };
  } catch (error) {
    big?.upload.abort();
    big?.lease.end();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function stageSmall(
  deps: WriteDeps,
  domain: DomainKeys,
  plaintext: Buffer,
  options: WriteOptions,
  names: readonly DigestName[],
): Promise<Staged> {
  const size = plaintext.length;
  let sums = null as { contentHash: Buffer; digests: Digests } | null;
  const check = (): void => compare(options, (sums = deps.digestMaker.ofBuffer(plaintext, names)).digests);
  // Also for what lies in its row: whoever retires a key waits for those who may still write with it.
  const lease = size > 0 ? await deps.chunks.lease() : null;
  try {
    const stored = await writeSmall(deps, domain, plaintext, check);
    return { ...stored, size, ...sums!, leaves: [], release: releaseOf(lease) };
  } catch (error) {
    lease?.end();
    throw error;
  }
}

/**
 * Sealed in its row, or one chunk.
 * @param check as for `storeOne`
 */
export async function writeSmall(
  deps: WriteDeps,
  domain: DomainKeys,
  plaintext: Buffer,
  check = (): void => {},
): Promise<Pick<Staged, 'content' | 'chunks'>> {
  if (plaintext.length <= INLINE_BYTES_MAX) {
    check();
    return { content: sealInline(deps.recordKeys, domain, plaintext, deps.cipher), chunks: [] };
  }
  const { chunk, records } = await storeOne(deps, domain, plaintext, check);
  return { content: { kind: 'chunk', domain: domain.id, ...chunk }, chunks: records };
}

/**
 * One chunk, claimed or durably stored. While the database looks for it, this thread checks and seals it.
 * @param check nothing is stored where it throws
 */
export async function storeOne(
  deps: WriteDeps,
  domain: DomainKeys,
  plaintext: Buffer,
  check = (): void => {},
): Promise<{ chunk: ChunkRef; records: ChunkRecord[] }> {
  const hasher = deps.hashes.keyed(domain.chunkIdKey);
  hasher.update(plaintext);
  const chunk = { id: hasher.digest(), size: plaintext.length };
  const claimed = deps.claim(domain.id, [chunk.id]).then(([place]) => place ?? null);
  claimed.catch(() => {}); // awaited below, unless the check throws
  // The question goes out before this thread is busy.
  await setImmediate();
  check();
  const record = await deps.storeChunk(domain, { ...chunk, pieces: [plaintext] }, { durable: true, claimed, done() {} });
  return { chunk, records: (await claimed) === null ? [record] : [] };
}

/** The trailers of a body may fill `expect` in later, but its names stand from the beginning. */
function digestNames({ digests, expect }: WriteOptions): DigestName[] {
  const expected = typeof expect === 'function' ? expect() : expect;
  return [...new Set([...(digests ?? []), ...(Object.keys(expected ?? {}) as DigestName[])])];
}

function compare({ expect }: WriteOptions, digests: Digests): void {
  const expected = typeof expect === 'function' ? expect() : expect;
  for (const [name, value] of Object.entries(expected ?? {}) as [DigestName, Buffer | undefined][]) {
    const computed = digests[name];
    if (value === undefined || computed?.equals(value)) continue;
    throw new CloudStoreError('checksum_mismatch', `The body does not have the ${name} that was declared.`, {
      details: {
        algorithm: name,
        expected: value.toString('base64'),
        ...(computed === undefined ? {} : { computed: computed.toString('base64') }),
      },
    });
  }
}

function otherSize(received: number, size: number): CloudStoreError {
  const which = received > size ? 'longer' : 'shorter';
  return new CloudStoreError('incomplete_body', `The body is ${which} than the ${size} bytes that were declared.`, {
    details: { received, size },
  });
}

/** The lease ends once; a write that claimed nothing has none. */
export function releaseOf(lease: UploadLease | null): () => void {
  let held = lease;
  return () => {
    held?.end();
    held = null;
  };
}
