import type { Bucket } from './bucket.ts';

/** A rule of a bucket's lifecycle, in AWS's members, as `config.lifecycle` keeps it. */
export interface LifecycleRule {
  ID: string;
  Status: 'Enabled' | 'Disabled';
  /** The old form; never beside a Filter. */
  Prefix?: string;
  Filter?: LifecycleFilter & { And?: LifecycleFilter };
  Expiration?: {
    Days?: number;
    /** ISO 8601, midnight UTC. */
    Date?: string;
    ExpiredObjectDeleteMarker?: boolean;
  };
  NoncurrentVersionExpiration?: { NoncurrentDays?: number; NewerNoncurrentVersions?: number };
  AbortIncompleteMultipartUpload?: { DaysAfterInitiation?: number };
}

export interface LifecycleFilter {
  Prefix?: string;
  Tag?: Tag;
  Tags?: Tag[];
  ObjectSizeGreaterThan?: number;
  ObjectSizeLessThan?: number;
}

interface Tag {
  Key: string;
  Value: string;
}

/** What a filter looks at. `tags` null: not known, so that a filter on tags does not fit. */
export interface LifecycleSubject {
  key: string;
  size: number;
  tags: Readonly<Record<string, string>> | null;
}

export interface Expiry {
  /** ms since the epoch */
  at: number;
  rule: string;
}

const DAY_MS = 24 * 3600 * 1000;
/** The last that a Date can say: AWS takes days far beyond it. */
const TIME_MS_MAX = 100_000_000 * DAY_MS;

/** Those that are in force. */
export function lifecycleRules(bucket: Bucket): LifecycleRule[] {
  const { Rules = [] } = (bucket.config.lifecycle ?? {}) as { Rules?: LifecycleRule[] }; // checked when it was put
  return Rules.filter(({ Status }) => Status === 'Enabled');
}

export function prefixOf({ Prefix, Filter }: LifecycleRule): string {
  return Filter?.And?.Prefix ?? Filter?.Prefix ?? Prefix ?? '';
}

/** Whether a rule is about this object or version. */
export function covers(rule: LifecycleRule, { key, size, tags }: LifecycleSubject): boolean {
  if (!key.startsWith(prefixOf(rule))) return false;
  const filter: LifecycleFilter = rule.Filter?.And ?? rule.Filter ?? {};
  if (filter.ObjectSizeGreaterThan !== undefined && size <= filter.ObjectSizeGreaterThan) return false;
  if (filter.ObjectSizeLessThan !== undefined && size >= filter.ObjectSizeLessThan) return false;
  const wanted = tagsOf(rule);
  return wanted.length === 0 || (tags !== null && wanted.every(({ Key, Value }) => tags[Key] === Value));
}

/** The tags that a rule asks for. */
export function tagsOf({ Filter }: LifecycleRule): Tag[] {
  return [...(Filter?.Tag === undefined ? [] : [Filter.Tag]), ...(Filter?.And?.Tags ?? [])];
}

/** So many days later, rounded up to midnight UTC, as AWS counts. */
export function daysAfter(from: number, days: number): number {
  return Math.min(Math.ceil((from + days * DAY_MS) / DAY_MS) * DAY_MS, TIME_MS_MAX);
}

/** When a current object expires by these rules, and by which: the earliest. null: by none. */
export function expiryOf(rules: readonly LifecycleRule[], subject: LifecycleSubject, modified: number): Expiry | null {
  let earliest: Expiry | null = null;
  for (const rule of rules) {
    const { Days, Date: date } = rule.Expiration ?? {};
    const at = Days !== undefined ? daysAfter(modified, Days) : date === undefined ? null : Date.parse(date);
    if (at !== null && (earliest === null || at < earliest.at) && covers(rule, subject)) earliest = { at, rule: rule.ID };
  }
  return earliest;
}

/** What the rules want done with an old version: when, counting its newer noncurrent versions. null: nothing. */
export function noncurrentExpiryOf(
  rules: readonly LifecycleRule[],
  subject: LifecycleSubject,
  since: number,
  newerNoncurrent: number,
): Expiry | null {
  let earliest: Expiry | null = null;
  for (const rule of rules) {
    const { NoncurrentDays, NewerNoncurrentVersions = 0 } = rule.NoncurrentVersionExpiration ?? {};
    if (NoncurrentDays === undefined || newerNoncurrent < NewerNoncurrentVersions || !covers(rule, subject)) continue;
    const at = daysAfter(since, NoncurrentDays);
    if (earliest === null || at < earliest.at) earliest = { at, rule: rule.ID };
  }
  return earliest;
}

/**
 * When a delete marker that nothing is left behind goes: at once by ExpiredObjectDeleteMarker, else as an object of its age would. A
 * marker has no tags and no size, so rules that ask for those are not about it.
 */
export function markerExpiryOf(rules: readonly LifecycleRule[], key: string, modified: number): Expiry | null {
  const plain = rules.filter((rule) => {
    const filter = rule.Filter?.And ?? rule.Filter ?? {};
    const sized = filter.ObjectSizeGreaterThan !== undefined || filter.ObjectSizeLessThan !== undefined;
    return key.startsWith(prefixOf(rule)) && tagsOf(rule).length === 0 && !sized;
  });
  const atOnce = plain.find(({ Expiration }) => Expiration?.ExpiredObjectDeleteMarker === true);
  if (atOnce !== undefined) return { at: modified, rule: atOnce.ID };
  return expiryOf(plain, { key, size: 0, tags: null }, modified);
}

/** When an upload in parts that was begun then is given up. */
export function uploadExpiryOf(rules: readonly LifecycleRule[], key: string, begun: number): Expiry | null {
  let earliest: Expiry | null = null;
  for (const rule of rules) {
    const days = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
    if (days === undefined || !key.startsWith(prefixOf(rule))) continue;
    const at = daysAfter(begun, days);
    if (earliest === null || at < earliest.at) earliest = { at, rule: rule.ID };
  }
  return earliest;
}
