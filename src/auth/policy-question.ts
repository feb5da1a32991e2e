import type { ActionFacts } from '#contracts/authorizer';
import type { Action } from '#core/actions';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { parseIsoTime } from '#core/iso-time';
import type { PrincipalId, Who } from '#core/principal';
import type { KeyValues } from './policy-conditions.ts';
import type { Variables } from './policy-template.ts';

/** One thing asked, as rules see it. */
export interface Question {
  who: Who;
  action: Action;
  bucket: Bucket | null;
  key: ObjectKey;
  about: ActionFacts | undefined;
  nowMs: number;
  /** Of the object that is there, where a rule asked for them; null: there is none. */
  object?: { tags: Record<string, string>; acl: string | null } | null;
}

/** The account of a user as policies write it: twelve digits. */
export function accountOf(id: PrincipalId): string {
  return String(id).padStart(12, '0');
}

export function arnOf({ id, name }: { id: PrincipalId; name: string }): string {
  return `arn:aws:iam::${accountOf(id)}:user/${name}`;
}

type Read = (question: Question, rest: string) => string | readonly string[] | undefined;

/** Keys that a condition may name, in lower case; those with a slash are prefixes. undefined: AWS has it, and no request of ours says it. */
const KEYS: Readonly<Record<string, Read | undefined>> = {
  'aws:currenttime': ({ nowMs }) => new Date(nowMs).toISOString(),
  'aws:epochtime': ({ nowMs }) => String(Math.floor(nowMs / 1000)),
  'aws:securetransport': ({ who }) => (who.context === undefined ? undefined : String(who.context.secure)),
  'aws:sourceip': ({ who }) => who.context?.remoteAddress,
  'aws:useragent': ({ who }) => who.context?.header('user-agent'),
  'aws:referer': ({ who }) => who.context?.header('referer'),
  'aws:username': ({ who }) => who.principal?.name,
  'aws:userid': ({ who }) => (who.principal === null ? undefined : accountOf(who.principal.id)),
  'aws:principalarn': ({ who }) => (who.principal === null ? undefined : arnOf(who.principal)),
  'aws:principalaccount': ({ who }) => (who.principal === null ? undefined : accountOf(who.principal.id)),
  'aws:principaltype': ({ who }) => (who.principal === null ? 'Anonymous' : 'User'),
  'aws:principalisawsservice': () => 'false',
  'aws:viaawsservice': () => 'false',
  // There is one.
  'aws:requestedregion': () => 'us-east-1',
  'aws:resourceaccount': ({ bucket }) => (bucket === null ? undefined : accountOf(bucket.owner)),
  's3:resourceaccount': ({ bucket }) => (bucket === null ? undefined : accountOf(bucket.owner)),
  's3:prefix': ({ action, key }) => (LISTS.has(action) ? key : undefined),
  's3:delimiter': ({ about }) => about?.delimiter,
  's3:max-keys': ({ about }) => (about?.maxKeys === undefined ? undefined : String(about.maxKeys)),
  's3:versionid': ({ about }) => about?.version,
  's3:existingobjecttag/': ({ object }, tag) => tagNamed(object?.tags, tag),
  's3:requestobjecttag/': ({ about }, tag) => tagNamed(about?.tags, tag),
  's3:requestobjecttagkeys': ({ about }) => (about?.tags === undefined ? undefined : Object.keys(about.tags)),
  's3:tlsversion': ({ who }) => who.context?.tlsVersion,
  's3:authtype': ({ who }) =>
    who.protocol !== 's3' || who.principal === null
      ? undefined
      : who.context?.op === 'PostObject'
        ? 'POST'
        : who.context?.header('authorization') === undefined
          ? 'REST-QUERY-STRING'
          : 'REST-HEADER',
  's3:signatureversion': ({ who }) =>
    who.protocol !== 's3' || who.principal === null ? undefined : who.context?.signatureV2 === true ? 'AWS' : 'AWS4-HMAC-SHA256',
  's3:signatureage': ({ who, nowMs }) =>
    who.context?.signedAt === undefined ? undefined : String(Math.max(0, nowMs - who.context.signedAt)),
  's3:if-match': header('if-match'),
  's3:if-none-match': header('if-none-match'),
  's3:object-lock-mode': header('x-amz-object-lock-mode'),
  's3:object-lock-retain-until-date': header('x-amz-object-lock-retain-until-date'),
  's3:object-lock-legal-hold': header('x-amz-object-lock-legal-hold'),
  's3:object-lock-remaining-retention-days': remainingDays,
  's3:x-amz-acl': header('x-amz-acl'),
  's3:x-amz-copy-source': ({ who }) => who.context?.copySource,
  's3:x-amz-metadata-directive': header('x-amz-metadata-directive'),
  's3:x-amz-content-sha256': header('x-amz-content-sha256'),
  's3:x-amz-storage-class': header('x-amz-storage-class'),
  's3:x-amz-website-redirect-location': header('x-amz-website-redirect-location'),
  's3:x-amz-object-ownership': header('x-amz-object-ownership'),
  's3:x-amz-server-side-encryption': header('x-amz-server-side-encryption'),
  's3:x-amz-server-side-encryption-aws-kms-key-id': header('x-amz-server-side-encryption-aws-kms-key-id'),
  's3:x-amz-server-side-encryption-customer-algorithm': header('x-amz-server-side-encryption-customer-algorithm'),
  's3:x-amz-grant-read': header('x-amz-grant-read'),
  's3:x-amz-grant-write': header('x-amz-grant-write'),
  's3:x-amz-grant-read-acp': header('x-amz-grant-read-acp'),
  's3:x-amz-grant-write-acp': header('x-amz-grant-write-acp'),
  's3:x-amz-grant-full-control': header('x-amz-grant-full-control'),
  's3:locationconstraint': undefined,
  's3:objectcreationoperation': creates,
  's3:dataaccesspointarn': undefined,
  's3:dataaccesspointaccount': undefined,
  's3:accesspointnetworkorigin': undefined,
  's3:buckettag/': undefined,
  'aws:calledvia': undefined,
  'aws:calledviafirst': undefined,
  'aws:calledvialast': undefined,
  'aws:multifactorauthage': undefined,
  'aws:multifactorauthpresent': undefined,
  'aws:principalorgid': undefined,
  'aws:principalorgpaths': undefined,
  'aws:principalservicename': undefined,
  'aws:principaltag/': undefined,
  'aws:requesttag/': undefined,
  'aws:resourceorgid': undefined,
  'aws:resourceorgpaths': undefined,
  'aws:resourcetag/': undefined,
  'aws:sourceaccount': undefined,
  'aws:sourcearn': undefined,
  'aws:sourceorgid': undefined,
  'aws:sourceidentity': undefined,
  'aws:sourcevpc': undefined,
  'aws:sourcevpce': undefined,
  'aws:tagkeys': undefined,
  'aws:tokenissuetime': undefined,
  'aws:vpcsourceip': undefined,
};

/** S3's writes, and whether they make an object of what they are sent. */
const CREATIONS: ReadonlyMap<string, string> = new Map([
  ...['PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload'].map((op) => [op, 'true'] as const),
  ...['CreateMultipartUpload', 'UploadPart', 'UploadPartCopy'].map((op) => [op, 'false'] as const),
]);

/** Parts and their beginning take no condition, so a policy that asks for one must be able to let them pass. */
function creates({ who }: Question): string | undefined {
  return who.protocol === 's3' ? CREATIONS.get(who.context?.op ?? '') : undefined;
}

/** Begun days count: what is kept for ten has ten left when it is put. */
function remainingDays({ who, about, nowMs }: Question): string | undefined {
  const until = about?.retainUntil ?? parseIsoTime(who.context?.header('x-amz-object-lock-retain-until-date') ?? '');
  return Number.isNaN(until) ? undefined : String(Math.ceil((until - nowMs) / DAY_MS));
}

const DAY_MS = 86_400_000;

/** Of the tags themselves: a policy may name one that every object of JavaScript seems to have. */
function tagNamed(tags: Readonly<Record<string, string>> | undefined, name: string): string | undefined {
  return tags !== undefined && Object.hasOwn(tags, name) ? tags[name] : undefined;
}

const LISTS: ReadonlySet<Action> = new Set(['list', 'list.versions', 'list.uploads']);

/** Keys that only lists have. */
export const LIST_KEYS: ReadonlySet<string> = new Set(['s3:prefix', 's3:delimiter', 's3:max-keys']);

/** A key as we keep it: in lower case, but for the name of a tag. null: AWS knows no such key. */
export function conditionKey(name: string): string | null {
  const slash = name.indexOf('/');
  if (slash < 0) {
    const lower = name.toLowerCase();
    return !lower.endsWith('/') && Object.hasOwn(KEYS, lower) ? lower : null;
  }
  const base = name.slice(0, slash + 1).toLowerCase();
  return slash < name.length - 1 && Object.hasOwn(KEYS, base) ? base + name.slice(slash + 1) : null;
}

/** What one question says of conditions' keys. */
export function valuesOf(question: Question): KeyValues {
  return (key) => {
    const slash = key.indexOf('/');
    const read = KEYS[slash < 0 ? key : key.slice(0, slash + 1)];
    const found = read?.(question, slash < 0 ? '' : key.slice(slash + 1));
    return typeof found === 'string' ? [found] : found;
  };
}

/** Of a key with several values a policy can make no variable. */
export function variablesOf(values: KeyValues): Variables {
  return (name) => {
    const key = conditionKey(name);
    const found = key === null ? undefined : values(key);
    return found?.length === 1 ? found[0] : undefined;
  };
}

function header(name: string): Read {
  return ({ who }) => (who.protocol === 's3' ? who.context?.header(name) : undefined);
}
