import type {
  NotificationConfiguration,
  NotificationConfigurationFilter,
  PutBucketNotificationConfigurationCommandInput,
} from '@aws-sdk/client-s3';
import { formatCursor } from '#contracts/journal';
import type { Bucket } from '#core/bucket';
import {
  isEventPattern,
  NOTIFICATIONS_JOB,
  type NotificationDocument,
  type NotificationEntry,
  notificationOf,
  overlap,
  targetOf,
} from '#core/notification';
import { writeDocument } from '../documents.ts';
import { S3Error } from '../errors.ts';
import { bucketOf, type Exchange, type Handler } from '../exchange.ts';

const ENTRIES_MAX = 100;
const VALUE_CHARS_MAX = 1024;

export const getBucketNotificationConfiguration: Handler = async (x) => notificationOf(await bucketOf(x))?.configuration ?? {};

/**
 * Targets are the webhooks of the settings, whichever kind of ARN names them. Each is sent the test event, and must take it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
 */
export const putBucketNotificationConfiguration: Handler<PutBucketNotificationConfigurationCommandInput> = async (x, input) => {
  const bucket = await bucketOf(x);
  const given = input.NotificationConfiguration ?? {};
  if (given.EventBridgeConfiguration !== undefined)
    throw new S3Error('NotImplemented', 'There is no EventBridge here; webhooks of the settings are the targets.', {
      Header: 'EventBridgeConfiguration',
    });
  const { configuration, entries } = checked(given, x.cx.requestId);
  if (entries.length === 0) {
    await writeDocument(x, 'notification', null);
    return {};
  }
  for (const { arn, target } of entries) if (!x.deps.webhooks.has(target)) throw unreachable(arn);
  if (input.SkipDestinationValidation !== true) {
    const targets = new Map(entries.map((entry) => [entry.target, entry.arn]));
    await Promise.all([...targets].map(([target, arn]) => sendTest(x, bucket, target, arn)));
  }
  const since = formatCursor(await x.deps.journal.head(bucket.id));
  await writeDocument(x, 'notification', { configuration, entries, since } satisfies NotificationDocument);
  await x.deps.jobs.start(NOTIFICATIONS_JOB);
  return {};
};

/** What the three kinds have in common. */
interface Given {
  Id?: string | undefined;
  Events: string[] | undefined;
  Filter?: NotificationConfigurationFilter | undefined;
}

function checked(
  given: NotificationConfiguration,
  request: string,
): { configuration: Record<string, unknown>; entries: NotificationEntry[] } {
  const entries: NotificationEntry[] = [];
  const kept = <T extends Given>(all: readonly T[] | undefined, arnOf: (one: T) => string | undefined): T[] | undefined =>
    all?.map((one) => {
      const Id = one.Id === undefined || one.Id === '' ? `${request.toLowerCase()}-${entries.length}` : one.Id;
      const arn = arnOf(one) ?? '';
      const target = targetOf(arn);
      if (target === null)
        throw new S3Error('InvalidArgument', 'The ARN could not be parsed', { ArgumentName: arn.slice(0, 200) });
      const events = one.Events ?? [];
      const unknown = events.find((event) => !isEventPattern(event));
      if (events.length === 0) throw new S3Error('MalformedXML');
      if (unknown !== undefined)
        throw new S3Error('InvalidArgument', 'A specified event is not supported for notifications.', {
          ArgumentName: 'Event',
          ArgumentValue: unknown.slice(0, 200),
        });
      entries.push({ id: Id, arn, target, events, ...filterOf(one.Filter) });
      return { ...one, Id };
    });
  const configuration = {
    TopicConfigurations: kept(given.TopicConfigurations, ({ TopicArn }) => TopicArn),
    QueueConfigurations: kept(given.QueueConfigurations, ({ QueueArn }) => QueueArn),
    LambdaFunctionConfigurations: kept(given.LambdaFunctionConfigurations, ({ LambdaFunctionArn }) => LambdaFunctionArn),
  };
  if (entries.length > ENTRIES_MAX)
    throw new S3Error('InvalidArgument', `A notification configuration has at most ${ENTRIES_MAX} entries.`);
  if (new Set(entries.map(({ id }) => id)).size < entries.length)
    throw new S3Error('InvalidArgument', 'Same ID used for multiple configurations. IDs must be unique');
  for (const [index, entry] of entries.entries()) {
    if (entries.slice(0, index).some((other) => other.target === entry.target && overlap(other, entry)))
      throw new S3Error(
        'InvalidArgument',
        'Configurations overlap. Configurations on the same bucket cannot share a common event type.',
      );
  }
  return { configuration, entries };
}

/** At most one prefix and one suffix, in any case of letters. */
function filterOf(filter: NotificationConfigurationFilter | undefined): { prefix: string; suffix: string } {
  const found = new Map<string, string>();
  for (const { Name = '', Value = '' } of filter?.Key?.FilterRules ?? []) {
    const name = Name.toLowerCase();
    if (name !== 'prefix' && name !== 'suffix')
      throw new S3Error('InvalidArgument', 'filter rule name must be either prefix or suffix', {
        ArgumentName: 'FilterRule.Name',
        ArgumentValue: Name.slice(0, 200),
      });
    if (found.has(name))
      throw new S3Error('InvalidArgument', `Cannot specify more than one ${name} rule in a filter.`, {
        ArgumentName: 'FilterRule.Name',
        ArgumentValue: Name,
      });
    if (Buffer.byteLength(Value) > VALUE_CHARS_MAX)
      throw new S3Error(
        'InvalidArgument',
        `Size of filter rule value cannot exceed ${VALUE_CHARS_MAX} bytes in UTF-8 representation`,
        {
          ArgumentName: 'FilterRule.Value',
        },
      );
    found.set(name, Value);
  }
  return { prefix: found.get('prefix') ?? '', suffix: found.get('suffix') ?? '' };
}

async function sendTest(x: Exchange, bucket: Bucket, target: string, arn: string): Promise<void> {
  const { requestId } = x.cx;
  const body = JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date(x.deps.clock.now()).toISOString(),
    Bucket: bucket.name,
    RequestId: requestId,
    HostId: requestId,
  });
  try {
    await x.deps.webhooks.post(target, { id: `test-${requestId}`, body }, x.cx.signal);
  } catch (error) {
    x.cx.log.info(
      { target, why: error instanceof Error ? error.message : String(error) },
      'a webhook did not take the test event',
    );
    throw unreachable(arn);
  }
}

function unreachable(arn: string): S3Error {
  return new S3Error('InvalidArgument', 'Unable to validate the following destination configurations', {
    ArgumentName: arn.slice(0, 200),
    ArgumentValue: 'The destination does not exist, or did not take the test event.',
  });
}
