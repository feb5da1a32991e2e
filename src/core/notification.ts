import type { Bucket } from './bucket.ts';

/** One line of a bucket's notification configuration, whichever kind of target AWS would have. */
export interface NotificationEntry {
  id: string;
  arn: string;
  /** The target's name, as the settings have it. */
  target: string;
  /** `s3:ObjectCreated:*`, as given. */
  events: string[];
  prefix: string;
  suffix: string;
}

/** As `config.notification` keeps it. */
export interface NotificationDocument {
  /** What S3 gives back: AWS's members. */
  configuration: Record<string, unknown>;
  entries: NotificationEntry[];
  /** Of the bucket's journal, when the document was put: `epoch.seq`. What came before is not told. */
  since: string;
}

/** The job that delivers. */
export const NOTIFICATIONS_JOB = 'notifications';

/** The events that can happen here, without `s3:`. */
export const EVENT_NAMES = [
  'ObjectCreated:Put',
  'ObjectCreated:Post',
  'ObjectCreated:Copy',
  'ObjectCreated:CompleteMultipartUpload',
  'ObjectRemoved:Delete',
  'ObjectRemoved:DeleteMarkerCreated',
  'LifecycleExpiration:Delete',
  'LifecycleExpiration:DeleteMarkerCreated',
  'ObjectTagging:Put',
  'ObjectTagging:Delete',
  'ObjectAcl:Put',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/** AWS's others: taken, and never happen. */
const ELSEWHERE = [
  'ReducedRedundancyLostObject',
  'ObjectRestore:Post',
  'ObjectRestore:Completed',
  'ObjectRestore:Delete',
  'Replication:OperationFailedReplication',
  'Replication:OperationNotTracked',
  'Replication:OperationMissedThreshold',
  'Replication:OperationReplicatedAfterThreshold',
  'LifecycleTransition',
  'IntelligentTiering',
  'TestEvent',
];

const KNOWN: ReadonlySet<string> = new Set(
  [...EVENT_NAMES, ...ELSEWHERE].flatMap((name) => [`s3:${name}`, ...(name.includes(':') ? [`s3:${name.split(':')[0]}:*`] : [])]),
);

export function isEventPattern(text: string): boolean {
  return KNOWN.has(text);
}

export function notificationOf(bucket: Bucket): NotificationDocument | null {
  return (bucket.config.notification as NotificationDocument | undefined) ?? null; // checked when it was put
}

export function wants(entry: NotificationEntry, name: EventName, key: string): boolean {
  return (
    entry.events.some((pattern) => patternHolds(pattern, name)) && key.startsWith(entry.prefix) && key.endsWith(entry.suffix)
  );
}

/** Whether two entries would tell the same event twice, which AWS refuses. */
export function overlap(a: NotificationEntry, b: NotificationEntry): boolean {
  const events = EVENT_NAMES.some(
    (name) => a.events.some((one) => patternHolds(one, name)) && b.events.some((one) => patternHolds(one, name)),
  );
  const either = (x: string, y: string, inside: (long: string, short: string) => boolean): boolean =>
    inside(x, y) || inside(y, x);
  return (
    events &&
    either(a.prefix, b.prefix, (long, short) => long.startsWith(short)) &&
    either(a.suffix, b.suffix, (long, short) => long.endsWith(short))
  );
}

function patternHolds(pattern: string, name: EventName): boolean {
  return pattern === `s3:${name}` || (pattern.endsWith(':*') && `s3:${name}`.startsWith(pattern.slice(0, -1)));
}

/**
 * The name of the target that an ARN means: the last part of AWS's own forms (`arn:aws:sqs:us-east-1:123456789012:NAME`, sns, lambda), of ours
 * (`arn:cloudstore:webhook:::NAME`), or the part before `:webhook` in MinIO's. null: it is no ARN.
 */
export function targetOf(arn: string): string | null {
  const parts = arn.split(':');
  if (parts.length < 6 || parts[0] !== 'arn') return null;
  const name = parts.at(-1) === 'webhook' ? parts.at(-2) : parts.at(-1);
  return name === undefined || name === '' ? null : name;
}
