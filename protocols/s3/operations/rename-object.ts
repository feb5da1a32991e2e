import { createHash } from 'node:crypto';
import type { RenameObjectCommandInput } from '@aws-sdk/client-s3';
import type { Address } from '#core/address';
import { isCloudStoreError } from '#core/errors';
import { parseConditions } from '#http/conditional-headers';
import { S3Error } from '../errors.ts';
import { addressOf, type Exchange, type Handler } from '../exchange.ts';
import { decodePath } from '../uri.ts';

/**
 * AWS has it for directory buckets; here every bucket can, in one transaction and without moving a byte. The source is a key of the same bucket,
 * with or without the bucket before it. https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html
 */
export const renameObject: Handler<RenameObjectCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  const text = decodePath(input.RenameSource ?? '').replace(/^\//, '');
  const key = text.startsWith(`${bucket.name}/`) ? text.slice(bucket.name.length + 1) : text;
  if (key === '' || key.includes('\0')) throw badSource();
  if (key.endsWith('/') || at.key.endsWith('/'))
    throw new S3Error('InvalidRequest', 'A key that ends in a slash is not renamed.');
  if (key === at.key) throw new S3Error('InvalidRequest', 'The source and the destination of a rename are the same key.');
  const from = { bucket: bucket.id, key };
  await once(x, input, from, async () => {
    try {
      await x.deps.namespace.move(x.who, from, at, {
        overwrite: true,
        conditions: parseConditions(x.req.headers, 'x-amz-rename-source-'),
        targetConditions: parseConditions(x.req.headers),
      });
    } catch (error) {
      if (isCloudStoreError(error, 'not_found')) throw new S3Error('NoSuchKey', undefined, { Key: key });
      throw error;
    }
  });
  return {};
};

/** A try that did not end within this died with its gateway: one object moves in much less. */
const STALE_MS = 60_000;
const TOKEN = /^[\x21-\x7e]{1,64}$/;

/**
 * A rename that succeeded does nothing more when it is sent again with its client token within a day; one that failed may be tried again.
 * @throws IdempotencyParameterMismatch, OperationAborted while the first one still runs
 */
async function once(x: Exchange, input: RenameObjectCommandInput, from: Address, rename: () => Promise<void>): Promise<void> {
  const { ClientToken: token } = input;
  const { principal } = x.who;
  const store = x.deps.idempotency?.store;
  if (token === undefined || principal === null || store === undefined) return rename();
  if (!TOKEN.test(token)) {
    throw new S3Error('InvalidArgument', 'A client token has 1 to 64 printable ASCII characters.', {
      ArgumentName: 'x-amz-client-token',
    });
  }
  // No key of REST has a space.
  const key = `RenameObject ${token}`;
  const attempt = x.deps.random(16);
  const begun = await store.begin(principal.id, key, fingerprint(x, input, from), attempt, STALE_MS);
  if (begun.kind === 'other') throw new S3Error('IdempotencyParameterMismatch');
  if (begun.kind === 'running') throw new S3Error('OperationAborted');
  if (begun.kind === 'ended') return;
  try {
    await rename();
  } catch (error) {
    await store.release(principal.id, key, attempt).catch(() => undefined); // else it goes stale
    throw error;
  }
  // The answer says nothing.
  await store.end(principal.id, key, attempt, { status: 200, sealed: NOTHING, digest: NOTHING });
}

const NOTHING = Buffer.alloc(0);

function fingerprint(x: Exchange, input: RenameObjectCommandInput, { bucket, key }: Address): Buffer {
  const { Bucket: _, RenameSource: __, ...conditions } = input;
  return createHash('sha256')
    .update(JSON.stringify([bucket, key, x.target.key, conditions]))
    .digest();
}

function badSource(): S3Error {
  return new S3Error('InvalidArgument', 'Rename Source must be a key of the same bucket.', {
    ArgumentName: 'x-amz-rename-source',
  });
}
