import { at, canonical, defined, isObject, type Json, tagLines, tagsFrom, text, type Values, whole, words } from './json.ts';

/** One rule of a document that lists several. */
export interface Rule {
  /** The member of the document that lists it. */
  list: string;
  /** As it stands there. */
  raw: Json;
  /** As a form shows it. null: it has something that the form does not know. */
  values: Values | null;
}

/** How the rules of one kind of document are read into a form and written from it. */
export interface RuleKind {
  /** The members of the document that list rules; new ones go into the first. */
  lists: readonly string[];
  /** Where the form has a text of several lines; elsewhere a browser would drop line ends. */
  manyLines: readonly string[];
  read(raw: Json, list: string): Values;
  /** Writes what the form knows and nothing else; `before` is the rule that is changed. */
  write(values: Values, before: Json | null, list: string): Json;
  /** Equal for two rules only if they do the same, however they are written. */
  meaning(raw: Json): Json;
  /** What rules may have to look like beside each other. */
  together?(raws: Json[]): Json[];
}

/** The rules in the order in which they stand, list by list. */
export function rulesOf(kind: RuleKind, document: Json | null): Rule[] {
  return kind.lists.flatMap((list) => {
    const found = document?.[list];
    return Array.isArray(found) ? (found as Json[]).map((raw) => ({ list, raw, values: valuesOf(kind, raw, list) })) : [];
  });
}

/** The document with these rules in the place of its own; all else in it stays. null: nothing is left of it. */
export function documentOf(kind: RuleKind, before: Json | null, rules: readonly Rule[]): Json | null {
  const document = Object.fromEntries(
    Object.entries(before ?? {}).filter(([name, value]) => !(kind.lists.includes(name) && Array.isArray(value))),
  );
  for (const list of kind.lists) {
    const raws = rules.filter((rule) => rule.list === list).map(({ raw }) => raw);
    if (raws.length > 0) document[list] = kind.together?.(raws) ?? raws;
  }
  return Object.keys(document).length === 0 ? null : document;
}

/** What a filled-in form says, as a new rule or in the place of one. */
export function ruleFrom(kind: RuleKind, values: Values, before: Rule | null): Rule {
  const list = before?.list ?? kind.lists[0] ?? '';
  return { list, raw: kind.write(values, before?.raw ?? null, list), values };
}

/** null: a form would not say all that the rule says, or another thing. */
function valuesOf(kind: RuleKind, raw: Json, list: string): Values | null {
  if (!isObject(raw)) return null;
  const values = kind.read(raw, list);
  const torn = ([name, value]: [string, string]): boolean => (kind.manyLines.includes(name) ? /\r/ : /[\r\n]/).test(value);
  if (Object.entries(values).some(torn)) return null;
  const written = kind.meaning(kind.write(values, raw, list));
  return canonical(written) === canonical(kind.meaning(raw)) ? values : null;
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : []);
const given = (value = ''): string | undefined => (value === '' ? undefined : value);
const filled = <T>(list: T[]): T[] | undefined => (list.length === 0 ? undefined : list);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html */
export const LIFECYCLE: RuleKind = {
  lists: ['Rules'],
  manyLines: ['tags'],
  read(raw) {
    const filter = at(lifecycleMeaning(raw), 'Filter');
    const of = (...path: string[]): string => text(at(raw, ...path));
    const Tags = at(filter, 'Tags');
    const expiration = isObject(raw.Expiration) ? raw.Expiration : {};
    return {
      name: of('ID'),
      prefix: text(at(filter, 'Prefix')),
      tags: Array.isArray(Tags) ? tagLines(Tags as Json[]) : '',
      above: text(at(filter, 'ObjectSizeGreaterThan')),
      below: text(at(filter, 'ObjectSizeLessThan')),
      ends:
        'Days' in expiration
          ? 'days'
          : 'Date' in expiration
            ? 'date'
            : 'ExpiredObjectDeleteMarker' in expiration
              ? 'markers'
              : '',
      days: of('Expiration', 'Days'),
      date: of('Expiration', 'Date').slice(0, 'YYYY-MM-DD'.length),
      old: of('NoncurrentVersionExpiration', 'NoncurrentDays'),
      keep: of('NoncurrentVersionExpiration', 'NewerNoncurrentVersions'),
      parts: of('AbortIncompleteMultipartUpload', 'DaysAfterInitiation'),
    };
  },
  write(values, before) {
    const [NoncurrentDays, NewerNoncurrentVersions] = [whole(values.old), whole(values.keep)];
    const DaysAfterInitiation = whole(values.parts);
    return defined({
      ID: given(values.name),
      Status: before?.Status ?? 'Enabled',
      Filter: lifecycleFilter(values),
      Expiration: expirationOf(values),
      NoncurrentVersionExpiration:
        NoncurrentDays === undefined ? undefined : defined({ NoncurrentDays, NewerNoncurrentVersions }),
      AbortIncompleteMultipartUpload: DaysAfterInitiation === undefined ? undefined : { DaysAfterInitiation },
    });
  },
  meaning: lifecycleMeaning,
  /** A prefix that stands beside the filters of others is refused: in a filter of its own it does the same. */
  together: (raws) =>
    raws.some((raw) => isObject(raw) && 'Filter' in raw)
      ? raws.map((raw) => {
          if (!isObject(raw) || 'Filter' in raw) return raw;
          const { Prefix, ...rest } = raw;
          return Prefix === undefined ? raw : { ...rest, Filter: { Prefix } };
        })
      : raws,
};

/** One condition by itself, several in an And. */
function lifecycleFilter({ prefix, tags, above, below, more }: Values): Json {
  // Closed again, what stands in the further conditions was not meant.
  const Tags = more === '' ? [] : tagsFrom(tags);
  const others = defined({
    Prefix: given(prefix),
    ObjectSizeGreaterThan: more === '' ? undefined : whole(above),
    ObjectSizeLessThan: more === '' ? undefined : whole(below),
  });
  const [Tag] = Tags;
  const count = Tags.length + Object.keys(others).length;
  if (count === 0) return { Prefix: '' };
  if (count > 1) return { And: defined({ ...others, Tags: filled(Tags) }) };
  return Tag === undefined ? others : { Tag };
}

function expirationOf({ ends, days, date }: Values): Json | undefined {
  if (ends === 'days') return defined({ Days: whole(days) });
  if (ends === 'date') return { Date: `${date}T00:00:00.000Z` };
  return ends === 'markers' ? { ExpiredObjectDeleteMarker: true } : undefined;
}

/** With the filter's conditions beside each other, and a prefix of before there were filters among them. */
function lifecycleMeaning(raw: Json): Json {
  const { Filter, Prefix, ...rest } = raw;
  if (Filter !== undefined && (Prefix !== undefined || !isObject(Filter) || 'Tags' in Filter)) return raw;
  const filter = isObject(Filter) ? Filter : defined({ Prefix });
  const only = (name: string): unknown => (Object.keys(filter).length === 1 ? filter[name] : undefined);
  const [And, Tag] = [only('And'), only('Tag')];
  const { Prefix: prefix, ...conditions } = isObject(And) ? And : Tag !== undefined ? { Tags: [Tag] } : filter;
  const { Date: date, ...expiration } = isObject(rest.Expiration) ? rest.Expiration : {};
  const midnight = typeof date === 'string' && date.endsWith('T00:00:00Z') ? date.replace('00Z', '00.000Z') : date;
  return defined({
    ...rest,
    Expiration: date === undefined ? rest.Expiration : { ...expiration, Date: midnight },
    Filter: defined({ ...conditions, Prefix: prefix === '' ? undefined : prefix }),
  });
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html */
export const CORS: RuleKind = {
  lists: ['CORSRules'],
  manyLines: ['origins'],
  read: (raw) => ({
    origins: texts(raw.AllowedOrigins).join('\n'),
    methods: texts(raw.AllowedMethods).join(' '),
    headers: texts(raw.AllowedHeaders).join(' '),
    expose: texts(raw.ExposeHeaders).join(' '),
    age: text(raw.MaxAgeSeconds),
    name: text(raw.ID),
  }),
  write: ({ origins, methods = '', headers, expose, age, name }) =>
    defined({
      ID: given(name),
      AllowedOrigins: words(origins),
      AllowedMethods: words(methods.toUpperCase()),
      AllowedHeaders: filled(words(headers)),
      ExposeHeaders: filled(words(expose)),
      MaxAgeSeconds: whole(age),
    }),
  meaning(raw) {
    const empty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
    return Object.fromEntries(
      Object.entries(raw).filter(([name, value]) => !(['AllowedHeaders', 'ExposeHeaders'].includes(name) && empty(value))),
    );
  },
};

const ARN = 'arn:aws:sqs:us-east-1:000000000000:';
const ARN_OF: Readonly<Record<string, string>> = {
  QueueConfigurations: 'QueueArn',
  TopicConfigurations: 'TopicArn',
  LambdaFunctionConfigurations: 'LambdaFunctionArn',
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_NotificationConfiguration.html */
export const NOTIFICATION: RuleKind = {
  lists: Object.keys(ARN_OF),
  manyLines: [],
  read(raw, list) {
    const rules = at(notificationMeaning(raw), 'Filter', 'Key', 'FilterRules');
    const rule = (name: string): string =>
      Array.isArray(rules) ? text(at((rules as Json[]).find((one) => at(one, 'Name') === name) ?? {}, 'Value')) : '';
    return {
      target: targetIn(text(raw[ARN_OF[list] ?? ''])),
      events: texts(raw.Events).join(' '),
      prefix: rule('prefix'),
      suffix: rule('suffix'),
      name: text(raw.Id),
    };
  },
  write({ target = '', events, prefix = '', suffix = '', name }, before, list) {
    const FilterRules = Object.entries({ prefix, suffix })
      .filter(([, Value]) => Value !== '')
      .map(([Name, Value]) => ({ Name, Value }));
    const arn = ARN_OF[list] ?? '';
    return defined({
      Id: given(name),
      [arn]: withTarget(text(before?.[arn]), target),
      Events: words(events),
      Filter: FilterRules.length === 0 ? undefined : { Key: { FilterRules } },
    });
  },
  meaning: notificationMeaning,
};

/** Where an ARN has its target's name: at the end, or before MinIO's `:webhook`. */
function placeIn(parts: readonly string[]): number {
  return parts.length >= 6 && parts[0] === 'arn' ? parts.length - (parts.at(-1) === 'webhook' ? 2 : 1) : -1;
}

function targetIn(arn: string): string {
  const parts = arn.split(':');
  return parts[placeIn(parts)] ?? arn;
}

/** An ARN of the kind that was there. A whole one is taken as it is. */
function withTarget(before: string, target: string): string {
  if (placeIn(target.split(':')) >= 0) return target;
  const parts = before.split(':');
  const place = placeIn(parts);
  return place < 0 ? ARN + target : parts.with(place, target).join(':');
}

/** With the names of the filter's rules in small letters and in order, and none that asks for nothing. */
function notificationMeaning(raw: Json): Json {
  const { Filter, ...rest } = raw;
  if (Filter === undefined || !isObject(Filter)) return raw;
  const { Key, ...others } = Filter;
  if (Object.keys(others).length > 0 || (Key !== undefined && !isObject(Key))) return raw;
  const { FilterRules = [], ...more } = Key ?? {};
  if (Object.keys(more).length > 0 || !Array.isArray(FilterRules) || !FilterRules.every(isObject)) return raw;
  const rules = FilterRules.map((rule) => ({ ...rule, Name: text(rule.Name).toLowerCase() }))
    .filter((rule) => !('Value' in rule && rule.Value === '' && Object.keys(rule).length === 2))
    .sort((a, b) => (a.Name < b.Name ? -1 : a.Name > b.Name ? 1 : 0));
  return rules.length === 0 ? rest : { ...rest, Filter: { Key: { FilterRules: rules } } };
}
