import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CloudStoreError } from '#core/errors';
import type { S3Calls } from './s3-calls.ts';
import { answerOf, isRefused, isUnknownCondition } from './s3-error.ts';

/** From here on a blob goes in parts. */
export const WHOLE_BYTES_MAX = 16 << 20;
const PART_BYTES = 8 << 20;
const PARTS_MAX = 10_000;
const PARTS_AT_ONCE = 3;

export interface Done {
  /** The blob is there now, or was there already, with whichever bytes. */
  put: 'stored' | 'exists';
  /** The store's ETag says that it has these very bytes. Else it may encrypt, and only a look tells. */
  confirmed: boolean;
  /** SHA-256 of the body. */
  digest: Buffer;
}

/** Two ways to put a blob, both only where none is; each byte is checked by the store against an MD5. */
export interface S3Put {
  /** False: the store does not know If-None-Match, so whoever puts looks first. Found out with the first put. */
  conditional(): boolean;
  whole(key: string, bytes: Buffer): Promise<Done>;
  /** Reads the body once, in parts. @throws incomplete_body, what the body throws; nothing is left then */
  inParts(key: string, body: AsyncIterable<Uint8Array>, size: number): Promise<Done>;
}

export function createS3Put({ send, bucket }: S3Calls): S3Put {
  let knows: 'unknown' | 'yes' | 'no' = 'unknown';

  /** Runs a call with the condition, and once more without it where the store does not know it. */
  async function onlyIfNone<T>(call: (condition: { IfNoneMatch?: string }) => Promise<T>): Promise<T | 'exists'> {
    try {
      return await call(knows === 'no' ? {} : { IfNoneMatch: '*' });
    } catch (error) {
      if (isRefused(error)) {
        knows = 'yes';
        return 'exists';
      }
      if (knows !== 'unknown' || !isUnknownCondition(error)) throw error;
      knows = 'no';
      return call({});
    }
  }

  /** Some stores ignore the header: a second put of the same bytes tells. */
  async function find(key: string, bytes: Buffer): Promise<void> {
    const again = await onlyIfNone((condition) => putObject(key, bytes, condition));
    knows = again === 'exists' ? 'yes' : 'no';
  }

  async function putObject(key: string, bytes: Buffer, condition: object): Promise<boolean> {
    const digest = createHash('md5').update(bytes).digest();
    const input = { Bucket: bucket, Key: key, Body: bytes, ContentMD5: digest.toString('base64'), ...condition };
    const { ETag } = await send(bytes.length, (client, o) => client.send(new PutObjectCommand(input), o));
    return ETag === `"${digest.toString('hex')}"`;
  }

  async function partsOf(key: string, upload: string, body: AsyncIterable<Uint8Array>, size: number) {
    const partBytes = Math.max(PART_BYTES, Math.ceil(size / PARTS_MAX));
    const sha = createHash('sha256');
    const parts: { PartNumber: number; ETag: string }[] = [];
    const sums: Buffer[] = [];
    const running = new Set<Promise<void>>();
    const failures: unknown[] = [];
    let received = 0;
    let part = Buffer.allocUnsafeSlow(partBytes);
    let filled = 0;

    async function flush(): Promise<void> {
      const bytes = part.subarray(0, filled);
      const number = parts.length + 1;
      const done = { PartNumber: number, ETag: '' };
      parts.push(done);
      const md5 = createHash('md5').update(bytes).digest();
      sums.push(md5);
      const ContentMD5 = md5.toString('base64');
      const input = { Bucket: bucket, Key: key, UploadId: upload, PartNumber: number, Body: bytes, ContentMD5 };
      const sending = send(bytes.length, (client, o) => client.send(new UploadPartCommand(input), o)).then(
        ({ ETag }) => {
          done.ETag = ETag ?? '';
        },
        (error: unknown) => {
          failures.push(error);
        },
      );
      running.add(sending);
      void sending.then(() => running.delete(sending));
      while (running.size >= PARTS_AT_ONCE) await Promise.race(running);
      part = Buffer.allocUnsafeSlow(partBytes);
      filled = 0;
    }

    try {
      for await (const chunk of body) {
        received += chunk.length;
        if (received > size) break;
        sha.update(chunk);
        for (let at = 0; at < chunk.length; ) {
          const some = Math.min(chunk.length - at, partBytes - filled);
          part.set(chunk.subarray(at, at + some), filled);
          filled += some;
          at += some;
          if (filled === partBytes) await flush();
          if (failures.length > 0) throw failures[0];
        }
      }
      if (received !== size) throw otherSize(received, size);
      if (filled > 0) await flush();
    } finally {
      await Promise.all(running);
    }
    if (failures.length > 0) throw failures[0];
    const etag = `"${createHash('md5').update(Buffer.concat(sums)).digest('hex')}-${parts.length}"`;
    return { parts, digest: sha.digest(), etag };
  }

  return {
    conditional: () => knows === 'yes',
    async whole(key, bytes) {
      const put = await onlyIfNone((condition) => putObject(key, bytes, condition));
      if (put !== 'exists' && knows === 'unknown') await find(key, bytes);
      const digest = createHash('sha256').update(bytes).digest();
      return put === 'exists' ? { put, confirmed: false, digest } : { put: 'stored', confirmed: put, digest };
    },
    async inParts(key, body, size) {
      const { UploadId = '' } = await send(0, (client, o) =>
        client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }), o),
      );
      try {
        const { parts, digest, etag } = await partsOf(key, UploadId, body, size);
        const put = await onlyIfNone((condition) => complete(key, UploadId, parts, condition));
        if (put !== 'exists') return { put: 'stored', confirmed: put === etag, digest };
        await abort(key, UploadId);
        return { put, confirmed: false, digest };
      } catch (error) {
        await abort(key, UploadId);
        throw error;
      }
    },
  };

  /** Gives its ETag. */
  async function complete(key: string, upload: string, parts: { PartNumber: number; ETag: string }[], condition: object) {
    const input = { Bucket: bucket, Key: key, UploadId: upload, MultipartUpload: { Parts: parts }, ...condition };
    try {
      const { ETag } = await send(0, (client, o) => client.send(new CompleteMultipartUploadCommand(input), o));
      return ETag ?? '';
    } catch (error) {
      // An attempt before this one completed it, and its answer was lost.
      if (answerOf(error).code === 'NoSuchUpload') return 'exists';
      throw error;
    }
  }

  /** Best effort: the first error is the one to report, and what stays is found by `abortStale`. */
  async function abort(key: string, upload: string): Promise<void> {
    const input = { Bucket: bucket, Key: key, UploadId: upload };
    await send(0, (client, o) => client.send(new AbortMultipartUploadCommand(input), o)).catch(() => undefined);
  }
}

export function otherSize(received: number, size: number): CloudStoreError {
  return new CloudStoreError('incomplete_body', `The blob has ${received} bytes, ${size} were declared.`);
}
