import type { JournalEvent } from '#contracts/journal';
import type { MetadataStore } from '#contracts/metadata-store';
import type { Bucket } from '#core/bucket';
import type { EventName, NotificationEntry } from '#core/notification';
import type { ObjectInfo } from '#core/object';

/** One thing that happened to one object. */
export interface S3Event {
  name: EventName;
  key: string;
  size: number | null;
  etag: string | null;
  versionId: string | null;
  /** The commit that did it. */
  of: JournalEvent;
}

const PAGE = 1000;
/** What the lifecycle job writes for a request. */
const LIFECYCLE_REQUEST = 'lifecycle';

/**
 * What a journal row means in S3's words. A folder that was moved or copied is told by the objects that are below it now; one that was removed by
 * itself alone, because what was below it is not listed any more.
 */
export async function* s3EventsOf(
  store: Pick<MetadataStore, 'version' | 'list'>,
  bucket: Bucket,
  of: JournalEvent,
): AsyncIterable<S3Event> {
  const { key, fromKey, versionId } = of;
  const about = { key, size: of.size, etag: of.etag, versionId: await shownVersion(store, bucket, of), of };
  const gone = { size: null, etag: null, versionId: null, of };
  const expired = of.protocol === 'system' && of.requestId === LIFECYCLE_REQUEST;
  const removed: EventName = expired ? 'LifecycleExpiration:Delete' : 'ObjectRemoved:Delete';
  if (of.cause?.startsWith('gone ')) {
    yield { name: removed, key, ...gone, versionId: of.cause.slice('gone '.length) };
    return;
  }
  switch (of.kind) {
    case 'put':
      // A row of an earlier release: that of a removed version tells what is current behind it, which is older than the row.
      if (of.cause === undefined && (await isOlder(store, of))) yield { name: removed, key, ...gone };
      else yield { name: createdBy(of), ...about };
      return;
    case 'remove':
      if (versionId === null) yield { name: removed, key, ...gone };
      else
        yield {
          name: expired ? 'LifecycleExpiration:DeleteMarkerCreated' : 'ObjectRemoved:DeleteMarkerCreated',
          ...about,
          size: null,
          etag: null,
        };
      return;
    case 'removeTree':
      yield { name: removed, key, ...gone };
      return;
    case 'move':
    case 'copy': {
      const moved = of.kind === 'move' && fromKey !== null && (of.fromBucket === null || of.fromBucket === bucket.id);
      if (!key.endsWith('/')) {
        yield { name: 'ObjectCreated:Copy', ...about };
        if (moved) yield { name: 'ObjectRemoved:Delete', key: fromKey, ...gone };
        return;
      }
      for await (const { key: below, size, etag, ...version } of below_(store, bucket, key)) {
        yield { name: 'ObjectCreated:Copy', key: below, size, etag, versionId: shownId(version), of };
        if (moved) yield { name: 'ObjectRemoved:Delete', key: `${fromKey}${below.slice(key.length)}`, ...gone };
      }
      return;
    }
    case 'annotate':
      if (of.cause === 'tag' || of.cause === 'untag')
        yield { name: of.cause === 'tag' ? 'ObjectTagging:Put' : 'ObjectTagging:Delete', ...about };
      else if (of.cause === 'acl') yield { name: 'ObjectAcl:Put', ...about };
      return;
  }
}

/** What S3 calls the version: one that came while the bucket kept none is its key's null version. Of one that is gone, and of what has no versions, as the row says. */
async function shownVersion(
  store: Pick<MetadataStore, 'version'>,
  { versioning }: Bucket,
  of: JournalEvent,
): Promise<string | null> {
  const { bucket, key, versionId } = of;
  if (versioning === 'off' || versionId === null) return versionId;
  const version = await store.version({ bucket, key }, versionId, { hidden: true });
  return version === null ? versionId : shownId(version);
}

function shownId({ visibility, versionId }: Pick<ObjectInfo, 'visibility' | 'versionId'>): string {
  return visibility === 'id' ? versionId : 'null';
}

async function isOlder(store: Pick<MetadataStore, 'version'>, { bucket, key, versionId, at }: JournalEvent): Promise<boolean> {
  if (versionId === null) return false;
  const version = await store.version({ bucket, key }, versionId, { hidden: true });
  return version !== null && version.modified < at;
}

/** In rows of an earlier release, `-N` behind an MD5 is S3's mark of a multipart upload. */
function createdBy({ protocol, etag, cause }: JournalEvent): EventName {
  if (cause === 'copy') return 'ObjectCreated:Copy';
  if (cause === 'post') return 'ObjectCreated:Post';
  if (cause === 'complete') return 'ObjectCreated:CompleteMultipartUpload';
  return protocol === 's3' && /^[0-9a-f]{32}-\d+$/.test(etag ?? '')
    ? 'ObjectCreated:CompleteMultipartUpload'
    : 'ObjectCreated:Put';
}

async function* below_(store: Pick<MetadataStore, 'list'>, bucket: Bucket, prefix: string) {
  for (let after: string | null = ''; after !== null; ) {
    const page: Awaited<ReturnType<MetadataStore['list']>> = await store.list({
      bucket: bucket.id,
      prefix,
      delimiter: '',
      after,
      limit: PAGE,
    });
    for (const entry of page.entries) if (entry.kind === 'object') yield entry.info;
    after = page.next;
  }
}

/** The message as AWS writes it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
export function recordOf(event: S3Event, bucket: Bucket, entry: NotificationEntry, region: string): object {
  const { of } = event;
  const versioned = bucket.versioning !== 'off' && event.versionId !== null;
  return {
    Records: [
      {
        eventVersion: '2.3',
        eventSource: 'aws:s3',
        awsRegion: region,
        eventTime: new Date(of.at).toISOString(),
        eventName: event.name,
        userIdentity: { principalId: of.principal === null ? 's3.amazonaws.com' : canonicalId(of.principal) },
        requestParameters: { sourceIPAddress: '' },
        responseElements: { 'x-amz-request-id': of.requestId, 'x-amz-id-2': of.requestId },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: entry.id,
          bucket: {
            name: bucket.name,
            ownerIdentity: { principalId: canonicalId(bucket.owner) },
            arn: `arn:aws:s3:::${bucket.name}`,
          },
          object: {
            key: encodeURIComponent(event.key.toWellFormed()).replace(/%20/g, '+').replace(/%2F/g, '/'),
            ...(event.size === null ? {} : { size: event.size }),
            ...(event.etag === null ? {} : { eTag: event.etag }),
            ...(versioned ? { versionId: event.versionId } : {}),
            sequencer: of.cursor.seq.toString(16).toUpperCase().padStart(16, '0'),
          },
        },
      },
    ],
  };
}

function canonicalId(principal: number): string {
  return principal.toString(16).padStart(64, '0');
}
