import type {
  GetObjectLegalHoldCommandInput,
  GetObjectRetentionCommandInput,
  PutObjectLegalHoldCommandInput,
  PutObjectLockConfigurationCommandInput,
  PutObjectRetentionCommandInput,
} from '@aws-sdk/client-s3';
import type { DefaultRetention } from '#core/retention';
import { S3Error } from '../errors.ts';
import { addressOf, bucketOf, type Handler } from '../exchange.ts';
import { assertAhead, missingLock, modeName, modeOf } from '../object-lock.ts';
import { versionOf } from '../representation.ts';

/** AWS's bounds of a default retention. */
const DAYS_MAX = 36_500;
const YEARS_MAX = 100;

/** Lock of a bucket whose versions are enabled; on it stays. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html */
export const putObjectLockConfiguration: Handler<PutObjectLockConfigurationCommandInput> = async (x, input) => {
  const given = input.ObjectLockConfiguration;
  if (given === undefined || given.ObjectLockEnabled !== 'Enabled') throw new S3Error('MalformedXML');
  if (given.Rule?.DefaultRetention?.DefaultEventHold !== undefined) throw noEventHold('DefaultEventHold');
  const rule = given.Rule === undefined ? null : defaultOf(given.Rule.DefaultRetention);
  const bucket = await bucketOf(x);
  if (!bucket.objectLock && bucket.versioning !== 'enabled') {
    throw new S3Error('InvalidBucketState', "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
  }
  await x.deps.buckets.update(x.who, bucket.id, { objectLock: true, config: { objectLock: rule } });
  return {};
};

/** Retention that begins when something happens. */
function noEventHold(name: string): S3Error {
  return new S3Error('NotImplemented', 'Holds until an event are not implemented: there are retention and legal holds.', {
    Header: name,
  });
}

function defaultOf(
  given: { Mode?: string | undefined; Days?: number | undefined; Years?: number | undefined } | undefined,
): DefaultRetention {
  const mode = modeOf(given?.Mode);
  const { Days, Years } = given ?? {};
  if (mode === undefined || (Days === undefined) === (Years === undefined)) throw new S3Error('MalformedXML');
  const [length, most] = Days === undefined ? [Years as number, YEARS_MAX] : [Days, DAYS_MAX];
  if (length < 1) throw new S3Error('InvalidArgument', 'Default retention period must be a positive integer value');
  if (length > most) throw new S3Error('InvalidArgument', 'Default retention period is too large');
  return Days === undefined ? { mode, years: length } : { mode, days: length };
}

export const getObjectLockConfiguration: Handler = async (x) => {
  const bucket = await bucketOf(x);
  await x.deps.authorizer.require(x.who, 'bucket.objectLock.read', bucket);
  if (!bucket.objectLock) throw new S3Error('ObjectLockConfigurationNotFoundError', undefined, { BucketName: bucket.name });
  const rule = bucket.config.objectLock as DefaultRetention | undefined; // as `putObjectLockConfiguration` wrote it
  const { mode, days, years } = rule ?? {};
  return {
    ObjectLockConfiguration: {
      ObjectLockEnabled: 'Enabled',
      ...(mode === undefined ? {} : { Rule: { DefaultRetention: { Mode: modeName(mode), Days: days, Years: years } } }),
    },
  };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html */
export const putObjectRetention: Handler<PutObjectRetentionCommandInput> = async (x, input) => {
  const { Mode, RetainUntilDate, EventHold, EventHoldDuration } = input.Retention ?? {};
  if (EventHold !== undefined || EventHoldDuration !== undefined) throw noEventHold('EventHold');
  const { bucket, at } = await addressOf(x);
  if (!bucket.objectLock) throw missingLock();
  const empty = Mode === undefined && RetainUntilDate === undefined;
  const mode = modeOf(Mode);
  if (!empty && (mode === undefined || RetainUntilDate === undefined)) throw new S3Error('MalformedXML');
  if (RetainUntilDate !== undefined) assertAhead(RetainUntilDate.getTime(), x.deps.clock.now());
  const retention = mode === undefined || RetainUntilDate === undefined ? null : { mode, until: RetainUntilDate.getTime() };
  await x.deps.history.lock(x.who, at, {
    ...versionOf(input.VersionId),
    retention,
    ...(input.BypassGovernanceRetention === true ? { bypassGovernance: true } : {}),
  });
  return {};
};

export const getObjectRetention: Handler<GetObjectRetentionCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  if (!bucket.objectLock) throw missingLock();
  const { lock } = await x.deps.history.lockOf(x.who, at, 'retention', versionOf(input.VersionId).version);
  if (lock.retention === null) throw new S3Error('NoSuchObjectLockConfiguration');
  return { Retention: { Mode: modeName(lock.retention.mode), RetainUntilDate: new Date(lock.retention.until) } };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html */
export const putObjectLegalHold: Handler<PutObjectLegalHoldCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  if (!bucket.objectLock) throw missingLock();
  const status = input.LegalHold?.Status;
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML');
  await x.deps.history.lock(x.who, at, { ...versionOf(input.VersionId), legalHold: status === 'ON' });
  return {};
};

/** A version of which it was never said whether it is under hold has none to give. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html */
export const getObjectLegalHold: Handler<GetObjectLegalHoldCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  if (!bucket.objectLock) throw missingLock();
  const { lock } = await x.deps.history.lockOf(x.who, at, 'hold', versionOf(input.VersionId).version);
  if (!lock.legalHold && lock.holdSet !== true) throw new S3Error('NoSuchObjectLockConfiguration');
  return { LegalHold: { Status: lock.legalHold ? 'ON' : 'OFF' } };
};
