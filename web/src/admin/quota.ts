import type { User } from '../../../clients/typescript/index.ts';
import { bytes, t } from '../i18n/index.ts';
import type { FormField } from '../ui/form.tsx';

const GIGABYTE = 1e9;

export function quotaField(bytes: number | null): FormField {
  return {
    name: 'quota',
    label: t('users.quotaIn'),
    kind: 'number',
    initial: bytes === null ? '' : String(bytes / GIGABYTE),
    optional: true,
    hint: t('users.quotaHint'),
  };
}

export function quotaFilesField(objects: number | null): FormField {
  return {
    name: 'objects',
    label: t('bucket.quotaFiles'),
    kind: 'number',
    initial: objects === null ? '' : String(objects),
    optional: true,
  };
}

/** What is used, where it is known, and of how much. */
export function sayQuota(
  { quotaBytes, quotaObjects }: Pick<User, 'quotaBytes' | 'quotaObjects'>,
  used?: { bytes: number },
): string {
  const most = [
    ...(quotaBytes === null ? [] : [bytes(quotaBytes)]),
    ...(quotaObjects === null ? [] : [t('users.files', { count: quotaObjects })]),
  ].join(', ');
  if (used === undefined) return most === '' ? t('unlimited') : most;
  const size = bytes(used.bytes);
  return most === '' ? t('users.usedFree', { size }) : t('users.usedOf', { size, most });
}

/** What was typed, in bytes; null: no limit. */
export function gigabytes(text: string): number | null {
  const value = Number(text);
  return text === '' || !Number.isFinite(value) || value < 0 ? null : Math.round(value * GIGABYTE);
}
