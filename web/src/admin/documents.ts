import { t } from '../i18n/index.ts';
import type { FormField } from '../ui/form.tsx';

/** A document of a bucket as it is over the wire, and as people fill it in. */
export type Json = Record<string, unknown>;

export interface DocumentKind {
  name: string;
  /** It can be taken away again. */
  removable: boolean;
  /** What the text editor begins with where nothing is set. */
  example: Json;
  form?: DocumentForm;
}

export interface DocumentForm {
  fields(document: Json | null): FormField[];
  /** null: nothing is left, so the document goes. */
  build(values: Record<string, string>): Json | null;
}

type Values = Record<string, string>;

const words = (text = ''): string[] => text.split(/[\s,]+/).filter((one) => one !== '');
const lines = (text = ''): string[] =>
  text
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '');
const whole = (text = ''): number | undefined => (text.trim() === '' ? undefined : Math.round(Number(text)));
const defined = (of: Json): Json => Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
const listOf = (document: Json | null, name: string): Json[] => (document?.[name] as Json[] | undefined) ?? [];
const at = (document: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((value, name) => (value as Json | undefined)?.[name], document);
const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
const choice = (value: string): { value: string; label: string } => ({ value, label: value });

const versioning: DocumentForm = {
  fields: (document) => [
    {
      name: 'status',
      label: t('bucket.versioning'),
      kind: 'select',
      initial: text(document?.Status ?? 'Enabled'),
      choices: [
        { value: 'Enabled', label: t('versioning.enabled') },
        { value: 'Suspended', label: t('versioning.suspended') },
      ],
    },
  ],
  build: ({ status = '' }) => ({ Status: status }),
};

const objectLock: DocumentForm = {
  fields: (document) => [
    {
      name: 'mode',
      label: t('lock.mode'),
      kind: 'select',
      initial: text(at(document, 'Rule', 'DefaultRetention', 'Mode')),
      choices: [{ value: '', label: t('lock.none') }, choice('GOVERNANCE'), choice('COMPLIANCE')],
      optional: true,
      hint: t('lock.hint'),
    },
    {
      name: 'days',
      label: t('lock.days'),
      kind: 'number',
      initial: text(at(document, 'Rule', 'DefaultRetention', 'Days')),
      optional: true,
    },
  ],
  build: ({ mode = '', days }: Values) => ({
    ObjectLockEnabled: 'Enabled',
    ...(mode === '' ? {} : { Rule: { DefaultRetention: defined({ Mode: mode, Days: whole(days) }) } }),
  }),
};

const lifecycle: DocumentForm = {
  fields(document) {
    const [rule = {}] = listOf(document, 'Rules');
    const days = (...path: string[]): string => text(at(rule, ...path));
    return [
      {
        name: 'prefix',
        label: t('document.prefix'),
        initial: text(at(rule, 'Filter', 'Prefix')),
        optional: true,
        hint: t('document.prefixHint'),
      },
      { name: 'days', label: t('lifecycle.days'), kind: 'number', initial: days('Expiration', 'Days'), optional: true },
      {
        name: 'old',
        label: t('lifecycle.old'),
        kind: 'number',
        initial: days('NoncurrentVersionExpiration', 'NoncurrentDays'),
        optional: true,
      },
      {
        name: 'parts',
        label: t('lifecycle.parts'),
        kind: 'number',
        initial: days('AbortIncompleteMultipartUpload', 'DaysAfterInitiation'),
        optional: true,
      },
    ];
  },
  build({ prefix = '', days, old, parts }) {
    const [Days, NoncurrentDays, DaysAfterInitiation] = [whole(days), whole(old), whole(parts)];
    if (Days === undefined && NoncurrentDays === undefined && DaysAfterInitiation === undefined) return null;
    const rule = defined({
      Status: 'Enabled',
      Filter: { Prefix: prefix },
      Expiration: Days === undefined ? undefined : { Days },
      NoncurrentVersionExpiration: NoncurrentDays === undefined ? undefined : { NoncurrentDays },
      AbortIncompleteMultipartUpload: DaysAfterInitiation === undefined ? undefined : { DaysAfterInitiation },
    });
    return { Rules: [rule] };
  },
};

const cors: DocumentForm = {
  fields(document) {
    const [rule = {}] = listOf(document, 'CORSRules');
    const list = (name: string): string => ((rule[name] as string[] | undefined) ?? []).join('\n');
    return [
      { name: 'origins', label: t('cors.origins'), kind: 'lines', initial: list('AllowedOrigins'), hint: t('cors.originsHint') },
      { name: 'methods', label: t('cors.methods'), initial: list('AllowedMethods').replaceAll('\n', ' ') || 'GET HEAD' },
      { name: 'headers', label: t('cors.headers'), initial: list('AllowedHeaders').replaceAll('\n', ' '), optional: true },
      { name: 'expose', label: t('cors.expose'), initial: list('ExposeHeaders').replaceAll('\n', ' '), optional: true },
      { name: 'age', label: t('cors.age'), kind: 'number', initial: text(rule.MaxAgeSeconds), optional: true },
    ];
  },
  build: ({ origins, methods = '', headers, expose, age }) => ({
    CORSRules: [
      defined({
        AllowedOrigins: words(origins),
        AllowedMethods: words(methods.toUpperCase()),
        AllowedHeaders: words(headers),
        ExposeHeaders: words(expose),
        MaxAgeSeconds: whole(age),
      }),
    ],
  }),
};

const tagging: DocumentForm = {
  fields: (document) => [
    {
      name: 'tags',
      label: t('document.tagging'),
      kind: 'lines',
      initial: listOf(document, 'TagSet')
        .map(({ Key, Value }) => `${text(Key)}=${text(Value)}`)
        .join('\n'),
      optional: true,
      hint: t('tagging.hint'),
    },
  ],
  build({ tags }) {
    const TagSet = lines(tags).map((line) => {
      const cut = line.indexOf('=');
      return cut < 0 ? { Key: line, Value: '' } : { Key: line.slice(0, cut), Value: line.slice(cut + 1) };
    });
    return TagSet.length === 0 ? null : { TagSet };
  },
};

const ARN = 'arn:aws:sqs:us-east-1:000000000000:';

const notification: DocumentForm = {
  fields(document) {
    const [one = {}] = listOf(document, 'QueueConfigurations');
    const rules = (at(one, 'Filter', 'Key', 'FilterRules') as Json[] | undefined) ?? [];
    const rule = (name: string): string => text(rules.find(({ Name }) => text(Name).toLowerCase() === name)?.Value);
    return [
      {
        name: 'target',
        label: t('notification.target'),
        initial: text(one.QueueArn).split(':').at(-1) ?? '',
        hint: t('notification.hint'),
      },
      {
        name: 'events',
        label: t('notification.events'),
        kind: 'lines',
        initial: ((one.Events as string[] | undefined) ?? ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']).join('\n'),
      },
      { name: 'prefix', label: t('document.prefix'), initial: rule('prefix'), optional: true, hint: t('document.prefixHint') },
      { name: 'suffix', label: t('notification.suffix'), initial: rule('suffix'), optional: true },
    ];
  },
  build({ target = '', events, prefix = '', suffix = '' }) {
    const FilterRules = Object.entries({ prefix, suffix })
      .filter(([, Value]) => Value !== '')
      .map(([Name, Value]) => ({ Name, Value }));
    const one = { QueueArn: ARN + target, Events: words(events) };
    return { QueueConfigurations: [FilterRules.length === 0 ? one : { ...one, Filter: { Key: { FilterRules } } }] };
  },
};

const website: DocumentForm = {
  fields: (document) => [
    { name: 'index', label: t('website.index'), initial: text(at(document, 'IndexDocument', 'Suffix') ?? 'index.html') },
    { name: 'error', label: t('website.error'), initial: text(at(document, 'ErrorDocument', 'Key')), optional: true },
  ],
  build: ({ index = '', error = '' }) => ({
    IndexDocument: { Suffix: index },
    ...(error === '' ? {} : { ErrorDocument: { Key: error } }),
  }),
};

const logging: DocumentForm = {
  fields: (document) => [
    { name: 'bucket', label: t('logging.bucket'), initial: text(at(document, 'LoggingEnabled', 'TargetBucket')) },
    {
      name: 'prefix',
      label: t('document.prefix'),
      initial: text(at(document, 'LoggingEnabled', 'TargetPrefix') ?? 'logs/'),
      optional: true,
    },
  ],
  build: ({ bucket, prefix = '' }) => ({ LoggingEnabled: { TargetBucket: bucket, TargetPrefix: prefix } }),
};

/** In the order of the page. */
export const DOCUMENT_KINDS: readonly DocumentKind[] = [
  { name: 'versioning', removable: false, example: { Status: 'Enabled' }, form: versioning },
  { name: 'objectLock', removable: false, example: { ObjectLockEnabled: 'Enabled' }, form: objectLock },
  {
    name: 'lifecycle',
    removable: true,
    example: { Rules: [{ ID: 'old uploads', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 365 } }] },
    form: lifecycle,
  },
  {
    name: 'cors',
    removable: true,
    example: { CORSRules: [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'] }] },
    form: cors,
  },
  { name: 'notification', removable: true, example: { QueueConfigurations: [] }, form: notification },
  { name: 'website', removable: true, example: { IndexDocument: { Suffix: 'index.html' } }, form: website },
  { name: 'logging', removable: true, example: { LoggingEnabled: { TargetBucket: '', TargetPrefix: 'logs/' } }, form: logging },
  {
    name: 'encryption',
    removable: true,
    example: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
  },
  { name: 'tagging', removable: true, example: { TagSet: [] }, form: tagging },
  {
    name: 'policy',
    removable: true,
    example: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: '*', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::BUCKET/*'] }],
    },
  },
  {
    name: 'publicAccessBlock',
    removable: true,
    example: { blockPublicAcls: true, ignorePublicAcls: true, blockPublicPolicy: true, restrictPublicBuckets: true },
    form: {
      fields: (document) =>
        (['blockPublicAcls', 'ignorePublicAcls', 'blockPublicPolicy', 'restrictPublicBuckets'] as const).map((name) => ({
          name,
          label: t(`block.${name}`),
          kind: 'check' as const,
          initial: document === null || document[name] === true ? 'yes' : '',
        })),
      build: (values) =>
        Object.fromEntries(
          ['blockPublicAcls', 'ignorePublicAcls', 'blockPublicPolicy', 'restrictPublicBuckets'].map((name) => [
            name,
            values[name] === 'yes',
          ]),
        ),
    },
  },
  {
    name: 'ownershipControls',
    removable: true,
    example: { objectOwnership: 'BucketOwnerEnforced' },
    form: {
      fields: (document) => [
        {
          name: 'objectOwnership',
          label: t('document.ownershipControls'),
          kind: 'select',
          initial: text(document?.objectOwnership ?? 'BucketOwnerEnforced'),
          choices: ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'].map(choice),
        },
      ],
      build: (values) => ({ objectOwnership: values.objectOwnership }),
    },
  },
  { name: 'acl', removable: true, example: { canned: 'private' } },
];

/** Whether filling in the form says all that the document says; otherwise it is changed as text only. */
export function formHolds({ form }: DocumentKind, document: Json | null): boolean {
  if (form === undefined) return false;
  if (document === null) return true;
  const values = Object.fromEntries(form.fields(document).map(({ name, initial }) => [name, initial ?? '']));
  return canonical(withoutMade(form.build(values))) === canonical(withoutMade(document));
}

/** What the gateway adds by itself. */
function withoutMade(document: Json | null): unknown {
  return JSON.parse(
    JSON.stringify(document, (name, value: unknown) =>
      ['ID', 'Id'].includes(name) || (Array.isArray(value) && value.length === 0) ? undefined : value,
    ),
  );
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
