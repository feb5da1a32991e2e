import type { Link, LinkPatch, NewLink } from '../../../clients/typescript/index.ts';
import type { Place } from '../api/client.ts';
import { see } from '../api/seen.ts';
import { client } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { askForm, type FormField } from '../ui/form.tsx';

type Values = Record<string, string>;
type Mode = Link['mode'];

/** Makes a link to a place, with every term that a link has. null: cancelled. */
export function makeLink({ bucket, key }: Place): Promise<Link | null> {
  return askForm({
    title: t('link.new'),
    action: t('create'),
    fields: fieldsOf(null, isFolder(key)),
    act: (values) => {
      const { label, expires, downloadsMax, networks, filesMax, bytesMax, mode } = termsOf(values, null);
      const { password } = values;
      // What is not said is not limited.
      const given = Object.entries({ label, expires, downloadsMax, networks, filesMax, bytesMax, password: password || null });
      const body = { bucket, key, mode, ...Object.fromEntries(given.filter(([, value]) => value != null)) };
      return client.call('CreateLink', { body: body as NewLink });
    },
  });
}

/** Everything that a link has, later. Whether it was changed. */
export async function changeLink({ id }: Link): Promise<boolean> {
  const path = { link: String(id) };
  const { value: link, still: headers } = await see('GetLink', { path });
  const changed = await askForm({
    title: t('link.change'),
    action: t('save'),
    fields: fieldsOf(link, isFolder(link.key)),
    act: (values) => {
      const { password, open } = values;
      const body: LinkPatch = {
        ...termsOf(values, link),
        ...(open === 'yes' ? { password: null } : password ? { password } : {}),
      };
      return client.call('UpdateLink', { path, body, headers });
    },
  });
  return changed !== null;
}

function isFolder(key: string): boolean {
  return key === '' || key.endsWith('/');
}

function fieldsOf(link: Link | null, folder: boolean): FormField[] {
  const drops = ({ mode }: Values): boolean => mode === 'drop';
  const modes: Mode[] = ['download', 'view', ...(folder ? (['drop'] as const) : [])];
  const { day, hour } = momentOf(link?.expires ?? null);
  return [
    {
      name: 'mode',
      label: t('link.mode'),
      kind: 'select',
      initial: link?.mode ?? 'download',
      choices: modes.map((value) => ({ value, label: t(`link.${value}`) })),
    },
    { name: 'label', label: t('link.label'), optional: true, initial: link?.label ?? '' },
    {
      name: 'password',
      label: t('signIn.password'),
      kind: 'password',
      optional: true,
      ...(link?.protected === true ? { hint: t('link.passwordKept') } : {}),
    },
    ...(link?.protected === true ? [{ name: 'open', label: t('link.noPassword'), kind: 'check' as const }] : []),
    { name: 'day', label: t('key.expires'), kind: 'date', optional: true, initial: day },
    {
      name: 'hour',
      label: t('link.hour'),
      kind: 'time',
      optional: true,
      initial: hour,
      hint: t('link.hourHint'),
      when: ({ day }) => day !== '',
    },
    {
      name: 'downloads',
      label: t('link.downloadsMax'),
      kind: 'number',
      optional: true,
      initial: link?.downloadsMax?.toString() ?? '',
      when: (values) => !drops(values),
    },
    {
      name: 'networks',
      label: t('link.networks'),
      optional: true,
      hint: t('link.networksHint'),
      initial: link?.networks?.join(', ') ?? '',
    },
    {
      name: 'files',
      label: t('link.filesMax'),
      kind: 'number',
      optional: true,
      initial: link?.filesMax?.toString() ?? '',
      when: drops,
    },
    {
      name: 'room',
      label: t('link.bytesMax'),
      kind: 'number',
      optional: true,
      initial: link?.bytesMax == null ? '' : String(link.bytesMax / 1e6),
      when: drops,
    },
  ];
}

/** What of the form does not go with the mode is nothing, whatever stands in it. @throws Error with a sentence */
function termsOf({ mode, label, day, hour, downloads, networks, files, room }: Values, before: Link | null) {
  const drop = mode === 'drop';
  const was = momentOf(before?.expires ?? null);
  // A moment that nobody touched keeps its seconds.
  const kept = before !== null && day === was.day && hour === was.hour;
  return {
    mode: mode as Mode,
    label: label || null,
    expires: kept ? before.expires : day ? new Date(`${day}T${hour ? `${hour}:00` : '23:59:59'}`).toISOString() : null,
    downloadsMax: downloads && !drop ? whole(downloads) : null,
    networks: networks ? networks.split(/[\s,]+/).filter((one) => one !== '') : null,
    filesMax: files && drop ? whole(files) : null,
    bytesMax: room && drop ? megabytes(room) : null,
  };
}

/** As fields for days and hours have it, in the time of this place. */
function momentOf(time: string | null): { day: string; hour: string } {
  if (time === null) return { day: '', hour: '' };
  const at = new Date(time);
  const [day = '', clock = ''] = new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().split('T');
  return { day, hour: clock.startsWith('23:59:59') ? '' : clock.slice(0, 5) };
}

function whole(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(t('link.wholeNumber'));
  return number;
}

function megabytes(text: string): number {
  const number = Math.round(Number(text) * 1e6);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(t('link.wholeNumber'));
  return number;
}
