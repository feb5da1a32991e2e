import { language, type MessageKey, t } from '../i18n/index.ts';
import type { FormField } from '../ui/form.tsx';
import { lines, type Values, words } from './json.ts';
import { CORS, LIFECYCLE, NOTIFICATION, type RuleKind } from './rule-lists.ts';

/** Rules as people meet them: in a form, and in a sentence. */
export interface RuleForm {
  kind: RuleKind;
  /** The first rule that fits counts, so their order is shown and changed. */
  ordered: boolean;
  /** A rule can be off and stay. */
  switched: boolean;
  /** null: of a new rule. */
  fields(values: Values | null): FormField[];
  says(values: Values): string;
}

const list = (parts: string[]): string => new Intl.ListFormat(language.value, { type: 'conjunction' }).format(parts);
const sentence = (parts: (string | false)[]): string => parts.filter((part) => part !== false).join('; ');
const filled = (value?: string): boolean => value !== undefined && value !== '';
const nameField = (values: Values | null): FormField => ({
  name: 'name',
  label: t('rules.name'),
  initial: values?.name ?? '',
  optional: true,
});
const prefixField = (values: Values | null): FormField => ({
  name: 'prefix',
  label: t('document.prefix'),
  initial: values?.prefix ?? '',
  optional: true,
  hint: t('document.prefixHint'),
});

const lifecycle: RuleForm = {
  kind: LIFECYCLE,
  ordered: false,
  switched: true,
  fields(values) {
    const initial = (name: string): string => values?.[name] ?? '';
    const days = (name: string, label: MessageKey): FormField => ({
      name,
      label: t(label),
      kind: 'number',
      initial: initial(name),
      optional: true,
    });
    const open = ['tags', 'above', 'below'].some((name) => filled(values?.[name]));
    const more = (field: FormField): FormField => (open ? field : { ...field, when: (now) => now.more === 'yes' });
    return [
      prefixField(values),
      {
        name: 'ends',
        label: t('lifecycle.ends'),
        kind: 'select',
        initial: values === null ? 'days' : initial('ends'),
        optional: true,
        choices: [
          { value: 'days', label: t('lifecycle.endDays') },
          { value: 'date', label: t('lifecycle.endDate') },
          { value: 'markers', label: t('lifecycle.endMarkers') },
          { value: '', label: t('lifecycle.endNever') },
        ],
      },
      { ...days('days', 'lifecycle.days'), optional: false, when: ({ ends }) => ends === 'days' },
      {
        name: 'date',
        label: t('lifecycle.date'),
        kind: 'date',
        initial: initial('date'),
        hint: t('lifecycle.dateHint'),
        when: ({ ends }) => ends === 'date',
      },
      days('old', 'lifecycle.old'),
      { ...days('keep', 'lifecycle.keep'), when: ({ old }) => old !== '' },
      days('parts', 'lifecycle.parts'),
      ...(open ? [] : [{ name: 'more', label: t('lifecycle.more'), kind: 'check' as const }]),
      more({
        name: 'tags',
        label: t('lifecycle.tags'),
        kind: 'lines',
        initial: initial('tags'),
        optional: true,
        hint: t('tagging.hint'),
      }),
      more(days('above', 'lifecycle.above')),
      more(days('below', 'lifecycle.below')),
      more(nameField(values)),
    ];
  },
  says({ prefix = '', tags, above, below, ends, days, date = '', old, keep, parts }) {
    const size = (of?: string): string => t('lifecycle.bytes', { count: Number(of) });
    const which = [
      ...(prefix === '' ? [] : [t('rules.begins', { text: prefix })]),
      ...lines(tags).map((tag) => t('lifecycle.tagged', { tag })),
      ...(filled(above) ? [t('lifecycle.larger', { size: size(above) })] : []),
      ...(filled(below) ? [t('lifecycle.smaller', { size: size(below) })] : []),
    ];
    const what = sentence([
      ends === 'days' && t('lifecycle.saysDays', { count: Number(days) }),
      ends === 'date' && t('lifecycle.saysDate', { date: dayOf(date) }),
      ends === 'markers' && t('lifecycle.saysMarkers'),
      filled(old) && t('lifecycle.saysOld', { count: Number(old) }),
      filled(old) && filled(keep) && t('lifecycle.saysKeep', { count: Number(keep) }),
      filled(parts) && t('lifecycle.saysParts', { count: Number(parts) }),
    ]);
    const files = which.length === 0 ? t('lifecycle.allFiles') : t('lifecycle.someFiles', { which: list(which) });
    return t('rules.says', { who: files, what });
  },
};

function dayOf(date: string): string {
  const at = Date.parse(date);
  return Number.isNaN(at) ? date : new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeZone: 'UTC' }).format(at);
}

const cors: RuleForm = {
  kind: CORS,
  ordered: true,
  switched: false,
  fields: (values) => [
    {
      name: 'origins',
      label: t('cors.origins'),
      kind: 'lines',
      initial: values?.origins ?? '',
      hint: t('cors.originsHint'),
    },
    {
      name: 'methods',
      label: t('cors.methods'),
      kind: 'checks',
      initial: values?.methods ?? 'GET HEAD',
      choices: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'].map((value) => ({ value, label: value })),
    },
    { name: 'headers', label: t('cors.headers'), initial: values?.headers ?? '', optional: true, hint: t('cors.headersHint') },
    { name: 'expose', label: t('cors.expose'), initial: values?.expose ?? '', optional: true },
    { name: 'age', label: t('cors.age'), kind: 'number', initial: values?.age ?? '', optional: true },
    nameField(values),
  ],
  says({ origins, methods, headers, expose, age }) {
    const [from, asked, told] = [words(origins), words(headers), words(expose)];
    return t('rules.says', {
      who: from.includes('*') ? t('cors.everyPage') : t('cors.pages', { origins: list(from) }),
      what: sentence([
        t('cors.saysMethods', { methods: list(words(methods)) }),
        asked.length > 0 && (asked.includes('*') ? t('cors.saysAnyHeader') : t('cors.saysHeaders', { names: list(asked) })),
        told.length > 0 && t('cors.saysExpose', { names: list(told) }),
        filled(age) && t('cors.saysAge', { count: Number(age) }),
      ]),
    });
  },
};

const EVENTS: Readonly<Record<string, MessageKey>> = {
  's3:ObjectCreated:*': 'event.created',
  's3:ObjectRemoved:*': 'event.removed',
  's3:LifecycleExpiration:*': 'event.expired',
  's3:ObjectTagging:*': 'event.tagged',
  's3:ObjectAcl:Put': 'event.acl',
};

/** The events that can happen here: all of a kind, and single ones of it. */
const CHOICES: readonly { all: string; label: MessageKey; parts?: Readonly<Record<string, MessageKey>> }[] = [
  {
    all: 's3:ObjectCreated:*',
    label: 'event.pick.created',
    parts: {
      's3:ObjectCreated:Put': 'event.pick.put',
      's3:ObjectCreated:Post': 'event.pick.post',
      's3:ObjectCreated:Copy': 'event.pick.copy',
      's3:ObjectCreated:CompleteMultipartUpload': 'event.pick.multipart',
    },
  },
  {
    all: 's3:ObjectRemoved:*',
    label: 'event.pick.removed',
    parts: {
      's3:ObjectRemoved:Delete': 'event.pick.delete',
      's3:ObjectRemoved:DeleteMarkerCreated': 'event.pick.marker',
    },
  },
  {
    all: 's3:LifecycleExpiration:*',
    label: 'event.pick.expired',
    parts: {
      's3:LifecycleExpiration:Delete': 'event.pick.expiredDelete',
      's3:LifecycleExpiration:DeleteMarkerCreated': 'event.pick.expiredMarker',
    },
  },
  {
    all: 's3:ObjectTagging:*',
    label: 'event.pick.tagged',
    parts: { 's3:ObjectTagging:Put': 'event.pick.tagsPut', 's3:ObjectTagging:Delete': 'event.pick.tagsDelete' },
  },
  { all: 's3:ObjectAcl:Put', label: 'event.pick.acl' },
];

const notification: RuleForm = {
  kind: NOTIFICATION,
  ordered: false,
  switched: false,
  fields: (values) => [
    { name: 'target', label: t('notification.target'), initial: values?.target ?? '', hint: t('notification.hint') },
    {
      name: 'events',
      label: t('notification.events'),
      kind: 'checks',
      initial: values?.events ?? 's3:ObjectCreated:* s3:ObjectRemoved:*',
      choices: CHOICES.flatMap(({ all, label, parts = {} }) => [
        { value: all, label: t(label) },
        ...Object.entries(parts).map(([value, part]) => ({ value, label: t(part), part: true })),
      ]),
    },
    prefixField(values),
    { name: 'suffix', label: t('notification.suffix'), initial: values?.suffix ?? '', optional: true },
    nameField(values),
  ],
  says({ target = '', events, prefix = '', suffix = '' }) {
    const told = words(events).map((event) => (EVENTS[event] === undefined ? event : t(EVENTS[event])));
    const which = [
      ...(prefix === '' ? [] : [t('rules.begins', { text: prefix })]),
      ...(suffix === '' ? [] : [t('rules.ends', { text: suffix })]),
    ];
    return which.length === 0
      ? t('notification.says', { target, events: list(told) })
      : t('notification.saysOf', { target, events: list(told), which: list(which) });
  },
};

export const RULE_FORMS: Readonly<Record<string, RuleForm>> = { lifecycle, cors, notification };
