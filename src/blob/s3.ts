import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { BlobStat, BlobStore } from '#contracts/blob-store';
import { CloudStoreError } from '#core/errors';
import { blobCorrupt, blobNotFound, checkBlobName, sameAs } from './blob-names.ts';
import { createOneAtATime } from './one-at-a-time.ts';
import { createS3Calls, type S3Options } from './s3-calls.ts';
import { answerOf, isAbsent, s3Error } from './s3-error.ts';
import { createS3Put, otherSize, WHOLE_BYTES_MAX } from './s3-put.ts';

export interface S3Store extends BlobStore {
  /** Ends uploads in parts that began before `beforeMs` and that nobody will complete: what a killed gateway left. Gives how many. */
  abortStale(beforeMs: number): Promise<number>;
}

const COMPARE_BYTES = 1 << 20;

/**
 * Blobs as objects of an S3-compatible store, below a prefix. Every call has its time and its further attempts with growing pauses; whatever still
 * fails is `unavailable`, or `insufficient_storage` where the store says that it is full. A blob is there when the store has confirmed it.
 */
export function createS3Store(options: S3Options): S3Store {
  const calls = createS3Calls(options);
  const { bucket, prefix, where, send } = calls;
  const puts = createS3Put(calls);
  /** One put of a name at a time: not every store knows a conditional one. */
  const putting = createOneAtATime();
  const keyOf = (name: string): string => `${prefix}${name}`;

  async function stat(name: string): Promise<BlobStat | null> {
    try {
      const { ContentLength } = await send(0, (client, o) =>
        client.send(new HeadObjectCommand({ Bucket: bucket, Key: keyOf(name) }), o),
      );
      return { name, size: ContentLength ?? 0 };
    } catch (error) {
      // The answer to a HEAD has no body, so a missing bucket looks like a missing object; the calls with bodies tell.
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  /** As many bytes as there are, up to `length`. */
  async function readSome(name: string, offset: number, length: number, into?: Buffer): Promise<Buffer> {
    const out = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
    const Range = `bytes=${offset}-${offset + length - 1}`;
    return send(length, async (client, o) => {
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(name), Range }), o);
      const body = answer.Body as Readable; // node's client gives node's stream
      const stop = (): void => void body.destroy(new Error('no answer in time'));
      o.abortSignal.addEventListener('abort', stop, { once: true });
      try {
        if (o.abortSignal.aborted) stop();
        // A store that ignores ranges sends everything.
        const ranged = answer.ContentRange !== undefined;
        let skip = ranged ? 0 : offset;
        let filled = 0;
        for await (const chunk of body as AsyncIterable<Buffer>) {
          const rest = chunk.subarray(Math.min(skip, chunk.length), skip + length - filled);
          skip = Math.max(0, skip - chunk.length);
          out.set(rest, filled);
          filled += rest.length;
          if (filled === length && !ranged) break; // else to its end, so that the connection can be used again
        }
        if (ranged && filled < Math.min(length, answer.ContentLength ?? length)) throw new Error('the answer was cut short');
        return out.subarray(0, filled);
      } finally {
        o.abortSignal.removeEventListener('abort', stop);
        body.destroy();
      }
    });
  }

  async function put(name: string, body: AsyncIterable<Uint8Array>, size: number): Promise<void> {
    const found = puts.conditional() && size <= WHOLE_BYTES_MAX ? null : await stat(name);
    if (found !== null) return compare(name, found.size, body);
    const whole = size <= WHOLE_BYTES_MAX ? await gather(body, size) : null;
    const { put, confirmed, digest } =
      whole === null ? await puts.inParts(keyOf(name), body, size) : await puts.whole(keyOf(name), whole);
    if (confirmed) return;
    const there = await stat(name);
    if (there?.size === size && (await digestOf(name, size)).equals(digest)) return;
    if (put === 'exists' && there !== null) throw exists(name);
    await send(0, (client, o) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: keyOf(name) }), o));
    throw new CloudStoreError('unavailable', `The chunk store ${where} does not hold what it confirmed; ${name} was taken back.`);
  }

  async function compare(name: string, size: number, body: AsyncIterable<Uint8Array>): Promise<void> {
    const nothing = Buffer.alloc(0);
    const same = await sameAs(body, size, async (at, length) => (at < size ? readSome(name, at, length) : nothing));
    if (!same) throw exists(name);
  }

  async function digestOf(name: string, size: number): Promise<Buffer> {
    const sha = createHash('sha256');
    const window = Buffer.allocUnsafe(8 * COMPARE_BYTES);
    for (let at = 0; at < size; at += window.length) {
      const wanted = Math.min(window.length, size - at);
      const bytes = await readSome(name, at, wanted, window);
      if (bytes.length !== wanted) throw blobCorrupt(name);
      sha.update(bytes);
    }
    return sha.digest();
  }

  async function told<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof SourceError ? error.cause : s3Error(error, what, where);
    }
  }

  return {
    capabilities: { shared: true, randomAccess: false },
    async put(name, body, size) {
      checkBlobName(name);
      const source = marked(body);
      await putting(name, () => told(`writing ${name}`, () => put(name, source, size)));
    },
    async read(name, offset, length, into) {
      checkBlobName(name);
      const bytes = await told(`reading ${name}`, async () => {
        try {
          if (length > 0) return await readSome(name, offset, length, into);
          const found = await stat(name);
          if (found === null) throw blobNotFound(name);
          return offset > found.size ? null : Buffer.alloc(0);
        } catch (error) {
          if (isAbsent(error)) throw blobNotFound(name);
          if (answerOf(error).status === 416) return null;
          throw error;
        }
      });
      if (bytes?.length !== length) throw blobCorrupt(name);
      return bytes;
    },
    async stat(name) {
      checkBlobName(name);
      return told(`looking at ${name}`, () => stat(name));
    },
    async *list(below, after = '') {
      let token: string | undefined;
      const first = after === '' ? {} : { StartAfter: keyOf(after) };
      do {
        const from = token === undefined ? first : { ContinuationToken: token };
        const page = await told('listing', () =>
          send(0, (client, o) => client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: keyOf(below), ...from }), o)),
        );
        for (const { Key = '', Size = 0 } of page.Contents ?? []) {
          const name = Key.slice(prefix.length);
          // What lies deeper, or is named otherwise, is somebody else's.
          if (name > after && /^[a-z0-9][a-z0-9._-]{0,127}$/.test(name)) yield { name, size: Size };
        }
        token = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },
    async remove(name) {
      checkBlobName(name);
      await told(`removing ${name}`, async () => {
        try {
          await send(0, (client, o) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: keyOf(name) }), o));
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
      });
    },
    abortStale: (beforeMs) =>
      told('looking for unfinished uploads', async () => {
        let count = 0;
        let from: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
        while (from !== null) {
          const input: ListMultipartUploadsCommandInput = { Bucket: bucket, Prefix: prefix, ...from };
          const page: ListMultipartUploadsCommandOutput = await send(0, (client, o) =>
            client.send(new ListMultipartUploadsCommand(input), o),
          );
          for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
            if (Key === undefined || UploadId === undefined || (Initiated?.getTime() ?? Infinity) >= beforeMs) continue;
            const stale = { Bucket: bucket, Key, UploadId };
            await send(0, (client, o) => client.send(new AbortMultipartUploadCommand(stale), o)).catch((error: unknown) => {
              if (!isAbsent(error)) throw error;
            });
            count++;
          }
          const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
          // One that says that there is more, and not behind what, would be asked the same for ever.
          const same: boolean = KeyMarker === from.KeyMarker && UploadIdMarker === from.UploadIdMarker;
          from =
            IsTruncated !== true || same ? null : { ...(KeyMarker && { KeyMarker }), ...(UploadIdMarker && { UploadIdMarker }) };
        }
        return count;
      }),
    async close() {
      calls.close();
    },
  };
}

function exists(name: string): CloudStoreError {
  return new CloudStoreError('already_exists', `The blob ${name} exists with other bytes.`);
}

/** A copy: what a body gives is ours until its next piece only. */
async function gather(body: AsyncIterable<Uint8Array>, size: number): Promise<Buffer> {
  const out = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  for await (const chunk of body) {
    if (filled + chunk.length > size) throw otherSize(filled + chunk.length, size);
    out.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled !== size) throw otherSize(filled, size);
  return out;
}

/** What the source of a body threw, which is the caller's own and no word of the store. */
class SourceError extends Error {}

async function* marked(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new SourceError('the body broke off', { cause: error });
  }
}
