import type { RetentionShown } from '../../../clients/typescript/index.ts';
import { isApiError } from '../api/error.ts';
import { see } from '../api/seen.ts';
import { client } from '../api/session.ts';
import { bytes, t } from '../i18n/index.ts';
import { askForm } from '../ui/form.tsx';

const GB = 1e9;

/** null: it is told to those only who manage the bucket. */
export async function retentionOf(bucket: string): Promise<RetentionShown | null> {
  try {
    return await client.call('GetRetention', { path: { bucket } });
  } catch (error) {
    if (isApiError(error, 'access_denied')) return null;
    throw error;
  }
}

export function sayRetention({ days, versions, bytes: most }: RetentionShown): string {
  return [
    days === null ? t('retention.forever') : t('retention.days', { count: days }),
    ...(versions === null ? [] : [t('retention.versions', { count: versions })]),
    ...(most === null ? [] : [t('retention.bytes', { size: bytes(most) })]),
  ].join(' ');
}

/** True when it was changed. */
export async function changeRetention(bucket: string): Promise<boolean> {
  const { value: now, still: headers } = await see('GetRetention', { path: { bucket } });
  const text = (value: number | null): string => (value === null ? '' : String(value));
  const changed = await askForm({
    title: t('retention.title', { name: bucket }),
    text: t('retention.text'),
    action: t('save'),
    fields: [
      { name: 'usual', label: t('retention.usual'), kind: 'check', initial: now.own ? '' : 'yes' },
      {
        name: 'days',
        label: t('retention.daysIn'),
        kind: 'number',
        initial: text(now.days),
        hint: t('users.quotaHint'),
        optional: true,
      },
      { name: 'versions', label: t('retention.versionsIn'), kind: 'number', initial: text(now.versions), optional: true },
      {
        name: 'bytes',
        label: t('retention.bytesIn'),
        kind: 'number',
        initial: text(now.bytes === null ? null : now.bytes / GB),
        optional: true,
      },
    ],
    act: ({ usual, days, versions, bytes: most }) =>
      client.call('PutRetention', {
        path: { bucket },
        headers,
        body:
          usual === 'yes'
            ? {}
            : { days: wholeOf(days), versions: wholeOf(versions), bytes: most ? Math.round(Number(most) * GB) : null },
      }),
  });
  return changed !== null;
}

function wholeOf(text: string | undefined): number | null {
  return text === undefined || text.trim() === '' ? null : Math.round(Number(text));
}
