import { t } from '../i18n/index.ts';
import type { FormField } from '../ui/form.tsx';
import { at, canonical, defined, type Json, listOf, tagLines, tagsFrom, text, type Values, whole } from './json.ts';
import { RULE_FORMS, type RuleForm } from './rule-texts.ts';

export interface DocumentKind {
  name: string;
  /** It can be taken away again. */
  removable: boolean;
  /** What the text editor begins with where nothing is set. */
  example: Json;
  form?: DocumentForm;
  /** It lists rules, each of which has a form of its own. */
  rules?: RuleForm | undefined;
}

export interface DocumentForm {
  fields(document: Json | null): FormField[];
  /** null: nothing is left, so the document goes. */
  build(values: Record<string, string>): Json | null;
}

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

const tagging: DocumentForm = {
  fields: (document) => [
    {
      name: 'tags',
      label: t('document.tagging'),
      kind: 'lines',
      initial: tagLines(listOf(document, 'TagSet')),
      optional: true,
      hint: t('tagging.hint'),
    },
  ],
  build({ tags }) {
    const TagSet = tagsFrom(tags);
    return TagSet.length === 0 ? null : { TagSet };
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
    rules: RULE_FORMS.lifecycle,
  },
  {
    name: 'cors',
    removable: true,
    example: { CORSRules: [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'] }] },
    rules: RULE_FORMS.cors,
  },
  { name: 'notification', removable: true, example: { QueueConfigurations: [] }, rules: RULE_FORMS.notification },
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
