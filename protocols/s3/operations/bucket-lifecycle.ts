import type {
  LifecycleExpiration,
  LifecycleRuleFilter,
  PutBucketLifecycleConfigurationCommandInput,
  LifecycleRule as SdkRule,
} from '@aws-sdk/client-s3';
import type { LifecycleRule } from '#core/lifecycle';
import { readDocument, writeDocument } from '../documents.ts';
import { S3Error } from '../errors.ts';
import type { Handler } from '../exchange.ts';
import { checkTags } from '../tag-set.ts';

const RULES_MAX = 1000;
const ID_CHARS_MAX = 255;
const PREFIX_CHARS_MAX = 1024;
const TAGS_MAX = 10;
const NEWER_VERSIONS_MAX = 100;
const DAYS_MAX = 2_147_483_647;
const DAY_MS = 24 * 3600 * 1000;
const MINIMUM_SIZES = ['all_storage_classes_128K', 'varies_by_storage_class'];

interface Document {
  Rules: LifecycleRule[];
  TransitionDefaultMinimumObjectSize: string;
}

export const getBucketLifecycleConfiguration: Handler = async (x) => {
  const { Rules, TransitionDefaultMinimumObjectSize } = await readDocument<Document>(
    x,
    'lifecycle',
    'NoSuchLifecycleConfiguration',
  );
  return {
    TransitionDefaultMinimumObjectSize,
    Rules: Rules.map((rule) => {
      const { Date: date } = rule.Expiration ?? {};
      return date === undefined ? rule : { ...rule, Expiration: { Date: new Date(date) } };
    }),
  };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html */
export const putBucketLifecycleConfiguration: Handler<PutBucketLifecycleConfigurationCommandInput> = async (x, input) => {
  const given = input.LifecycleConfiguration?.Rules ?? [];
  const minimum = input.TransitionDefaultMinimumObjectSize ?? 'all_storage_classes_128K';
  if (!MINIMUM_SIZES.includes(minimum))
    throw new S3Error('InvalidArgument', 'The transition default minimum object size is not valid.', {
      ArgumentName: 'x-amz-transition-default-minimum-object-size',
    });
  if (given.length === 0 || given.length > RULES_MAX) throw new S3Error('MalformedXML');
  const named = new Set(given.map(({ ID }) => ID).filter((id) => id !== undefined && id !== ''));
  if (named.size < given.filter(({ ID }) => ID !== undefined && ID !== '').length)
    throw new S3Error('InvalidArgument', 'Rule ID must be unique. Found same ID for more than one rule');
  if (given.some(({ Filter }) => Filter !== undefined) && given.some(({ Prefix }) => Prefix !== undefined)) {
    if (given.some(({ Filter, Prefix }) => Filter !== undefined && Prefix !== undefined)) throw new S3Error('MalformedXML');
    throw new S3Error(
      'InvalidRequest',
      'Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.',
    );
  }
  const Rules = given.map((rule, index) => checkedRule(rule, freshId(named, x.cx.requestId, index)));
  await writeDocument(x, 'lifecycle', { Rules, TransitionDefaultMinimumObjectSize: minimum } satisfies Document);
  return { TransitionDefaultMinimumObjectSize: minimum };
};

export const deleteBucketLifecycle: Handler = async (x) => {
  await writeDocument(x, 'lifecycle', null);
  return {};
};

/** AWS names a rule that has no name. */
function freshId(taken: ReadonlySet<string | undefined>, request: string, index: number): string {
  for (let n = index; ; n += RULES_MAX) {
    const id = `${request.toLowerCase()}-${n}`;
    if (!taken.has(id)) return id;
  }
}

/** The transitions go: there is one storage class. @throws MalformedXML, InvalidArgument, InvalidRequest, InvalidTag, NotImplemented */
function checkedRule(rule: SdkRule, id: string): LifecycleRule {
  const { ID = '', Status, Filter, Prefix, Expiration, NoncurrentVersionExpiration, AbortIncompleteMultipartUpload } = rule;
  if ([...ID].length > ID_CHARS_MAX)
    throw new S3Error('InvalidArgument', `ID length should not exceed allowed limit of ${ID_CHARS_MAX}`);
  if (Status !== 'Enabled' && Status !== 'Disabled') throw new S3Error('MalformedXML');
  if (Filter === undefined && Prefix === undefined) throw new S3Error('MalformedXML');
  checkPrefix(Prefix);
  const { tagged, sized } = checkFilter(Filter ?? {});
  if (rule.Transitions !== undefined || rule.NoncurrentVersionTransitions !== undefined)
    throw new S3Error('NotImplemented', 'There is one storage class here: objects cannot move to another.', {
      Header: 'Transition',
    });
  if (Expiration === undefined && NoncurrentVersionExpiration === undefined && AbortIncompleteMultipartUpload === undefined)
    throw new S3Error('InvalidRequest', 'At least one action needs to be specified in a rule');
  checkExpiration(Expiration, tagged);
  const { NoncurrentDays, NewerNoncurrentVersions } = NoncurrentVersionExpiration ?? {};
  if (NoncurrentVersionExpiration !== undefined) {
    if (NoncurrentDays === undefined) throw new S3Error('MalformedXML');
    checkDays(NoncurrentDays, "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer");
  }
  if (NewerNoncurrentVersions !== undefined) {
    checkDays(
      NewerNoncurrentVersions,
      "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer",
    );
    if (NewerNoncurrentVersions > NEWER_VERSIONS_MAX)
      throw new S3Error('InvalidArgument', `'NewerNoncurrentVersions' must be at most ${NEWER_VERSIONS_MAX}`);
    if (Filter === undefined)
      throw new S3Error('InvalidRequest', 'NewerNoncurrentVersions can only be specified with a Filter element.');
  }
  if (AbortIncompleteMultipartUpload !== undefined) {
    const days = AbortIncompleteMultipartUpload.DaysAfterInitiation;
    if (days === undefined) throw new S3Error('MalformedXML');
    checkDays(days, "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer");
    if (tagged) throw new S3Error('InvalidRequest', 'AbortIncompleteMultipartUpload cannot be specified with Tags.');
    if (sized) throw new S3Error('InvalidRequest', 'AbortIncompleteMultipartUpload cannot be specified with Object Size.');
  }
  return JSON.parse(JSON.stringify({ ...rule, ID: ID === '' ? id : ID })) as LifecycleRule; // dates become text
}

function checkExpiration(expiration: LifecycleExpiration | undefined, tagged: boolean): void {
  if (expiration === undefined) return;
  const { Days, Date: date, ExpiredObjectDeleteMarker } = expiration;
  if ([Days, date, ExpiredObjectDeleteMarker].filter((one) => one !== undefined).length !== 1) throw new S3Error('MalformedXML');
  if (Days !== undefined) checkDays(Days, "'Days' for Expiration action must be a positive integer");
  if (date !== undefined && date.getTime() % DAY_MS !== 0) throw new S3Error('InvalidArgument', "'Date' must be at midnight GMT");
  if (ExpiredObjectDeleteMarker !== undefined && tagged)
    throw new S3Error('InvalidRequest', 'ExpiredObjectDeleteMarker cannot be specified with Tags.');
}

/** At most one condition, or an And of several. */
function checkFilter(filter: LifecycleRuleFilter): { tagged: boolean; sized: boolean } {
  const { Prefix, Tag, ObjectSizeGreaterThan, ObjectSizeLessThan, And } = filter;
  const conditions = [Prefix, Tag, ObjectSizeGreaterThan, ObjectSizeLessThan, And].filter((one) => one !== undefined);
  if (conditions.length > 1) throw new S3Error('MalformedXML');
  const several = And ?? { ...filter, ...(Tag === undefined ? {} : { Tags: [Tag] }) };
  const tags = several.Tags ?? [];
  const { ObjectSizeGreaterThan: above, ObjectSizeLessThan: below } = several;
  if (And !== undefined) {
    const count = tags.length + [And.Prefix, above, below].filter((one) => one !== undefined).length;
    if (count < 2) throw new S3Error('MalformedXML');
    if (new Set(tags.map(({ Key }) => Key)).size < tags.length)
      throw new S3Error('InvalidRequest', 'Duplicate Tag Keys are not allowed.');
  }
  checkPrefix(several.Prefix);
  checkTags(tags, TAGS_MAX);
  if ((above ?? 0) < 0 || (below ?? 1) < 1)
    throw new S3Error('InvalidRequest', 'The object size of a filter must be a positive integer.');
  if (above !== undefined && below !== undefined && above >= below)
    throw new S3Error('InvalidRequest', "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.");
  return { tagged: tags.length > 0, sized: above !== undefined || below !== undefined };
}

function checkPrefix(prefix: string | undefined): void {
  if (prefix !== undefined && Buffer.byteLength(prefix) > PREFIX_CHARS_MAX)
    throw new S3Error('InvalidRequest', `The maximum size of a prefix is ${PREFIX_CHARS_MAX}.`);
}

function checkDays(days: number, message: string): void {
  if (!Number.isSafeInteger(days) || days < 1 || days > DAYS_MAX) throw new S3Error('InvalidArgument', message);
}
