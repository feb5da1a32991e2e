import { t } from '../i18n/index.ts';
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

/** What was typed, in bytes; null: no limit. */
export function gigabytes(text: string): number | null {
  const value = Number(text);
  return text === '' || !Number.isFinite(value) || value < 0 ? null : Math.round(value * GIGABYTE);
}
