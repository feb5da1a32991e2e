import type { BucketDocument, BucketDocuments, DocumentRequest } from '#contracts/bucket-documents';
import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { CATALOGUE, S3Error } from './errors.ts';
import { bucketOf, type Exchange, type S3Deps } from './exchange.ts';
import { fromJson } from './json-document.ts';
import { OPERATIONS } from './model.ts';
import type { ModelMember } from './model-types.ts';
import { documentAction } from './operations/actions.ts';
import { createTable } from './operations/table.ts';
import { shapeOf } from './schema.ts';

/** The operations of S3 that get, put and remove each; `empty` is what is put to take away what has no removal of its own. */
const DOCUMENTS: Readonly<Record<BucketDocument, { get: string; put: string; remove?: string; empty?: object }>> = {
  versioning: { get: 'GetBucketVersioning', put: 'PutBucketVersioning' },
  objectLock: { get: 'GetObjectLockConfiguration', put: 'PutObjectLockConfiguration' },
  lifecycle: { get: 'GetBucketLifecycleConfiguration', put: 'PutBucketLifecycleConfiguration', remove: 'DeleteBucketLifecycle' },
  cors: { get: 'GetBucketCors', put: 'PutBucketCors', remove: 'DeleteBucketCors' },
  tagging: { get: 'GetBucketTagging', put: 'PutBucketTagging', remove: 'DeleteBucketTagging' },
  notification: { get: 'GetBucketNotificationConfiguration', put: 'PutBucketNotificationConfiguration', empty: {} },
  website: { get: 'GetBucketWebsite', put: 'PutBucketWebsite', remove: 'DeleteBucketWebsite' },
  logging: { get: 'GetBucketLogging', put: 'PutBucketLogging', empty: {} },
  encryption: { get: 'GetBucketEncryption', put: 'PutBucketEncryption', remove: 'DeleteBucketEncryption' },
};

/** The contract is BucketDocuments: the handlers of the S3 door are the one place that checks these documents, and they are asked here without a request of S3. */
export function createBucketDocuments(deps: S3Deps): BucketDocuments {
  const table = createTable();

  async function run(who: Who, cx: DocumentRequest, bucket: string, operation: string, input: object): Promise<object> {
    // Handlers of a bucket's documents look at no more of a request than this.
    const x = { deps, region: deps.region ?? 'us-east-1', cx, who, target: { bucket, key: null } } as unknown as Exchange;
    const handler = table.get(operation);
    if (handler === undefined) throw new CloudStoreError('not_implemented', `${operation} is not implemented.`);
    const action = documentAction(operation);
    if (action !== null) await deps.authorizer.require(who, action, await bucketOf(x));
    return (await handler(x, { ...input })) ?? {};
  }

  return {
    async get(who, cx, bucket, document) {
      const { get, put } = DOCUMENTS[document];
      try {
        const output: Record<string, unknown> = { ...(await run(who, cx, bucket, get, {})) };
        const { member, known } = payloadOf(put);
        const inner = output[member] ?? output;
        const members = Object.entries(inner).filter(([name, value]) => known.has(name) && value !== undefined);
        return members.length === 0 ? null : Object.fromEntries(members);
      } catch (error) {
        if (error instanceof S3Error && CATALOGUE[error.code][0] === 404 && error.code !== 'NoSuchBucket') return null;
        throw told(error);
      }
    },
    async put(who, cx, bucket, document, body) {
      const { put } = DOCUMENTS[document];
      const { member, type } = payloadOf(put);
      await run(who, cx, bucket, put, { [member]: fromJson(body, type) }).catch((error: unknown) => {
        throw told(error);
      });
    },
    async remove(who, cx, bucket, document) {
      const { put, remove, empty } = DOCUMENTS[document];
      if (remove === undefined && empty === undefined)
        throw new CloudStoreError('not_implemented', 'Once it is on, it can be suspended or left, and not be unset.');
      const [operation, input] = remove === undefined ? [put, { [payloadOf(put).member]: empty }] : [remove, {}];
      await run(who, cx, bucket, operation, input).catch((error: unknown) => {
        throw told(error);
      });
    },
  };
}

/** The member of an operation's input that is its XML body, and what may stand in it. */
function payloadOf(operation: string): { member: string; type: ModelMember[1]; known: ReadonlySet<string> } {
  const input = OPERATIONS.find(([name]) => name === operation)?.[5] ?? '';
  const found = shapeOf(input)?.[0].find(([, , traits]) => traits.payload === 1);
  if (found === undefined) throw new Error(`${operation} takes no document.`);
  const [member, type] = found;
  const shape = typeof type === 'string' ? undefined : shapeOf(type[1] as string);
  return { member, type, known: new Set((shape?.[0] ?? []).map(([name]) => name)) };
}

/** A refusal of S3 in the core's words: of what was typed it says which argument. */
function told(error: unknown): unknown {
  if (!(error instanceof S3Error)) return error;
  const { code, message, fields } = error;
  const [status] = CATALOGUE[code];
  if (![400, 409, 501].includes(status)) return error;
  // Of what does not fit its schema S3 says no more than that it is no good XML, which it was not.
  const text =
    code === 'MalformedXML' ? 'Something that must be there is missing, or a value is none of those allowed.' : message;
  const argument = fields.ArgumentName;
  const details =
    argument === undefined ? {} : { fields: [{ field: String(argument), message: String(fields.ArgumentValue ?? text) }] };
  return new CloudStoreError('invalid_argument', text, { details: { ...details, s3: code } });
}
