import type { Version } from '../../../clients/typescript/index.ts';
import type { Place } from '../api/client.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { t } from '../i18n/index.ts';

const LIMIT = 100;

export async function versionsPage({ bucket, key }: Place, cursor: string | null, limit = LIMIT) {
  const query = { limit, ...(cursor === null ? {} : { cursor }) };
  const page = await client.call('ListVersions', { path: { bucket, key }, query });
  // With no `version` asked for, the answer is the list.
  const { versions, next } = page as Exclude<typeof page, Blob>;
  return { items: versions, next };
}

/** How much larger a version is than the one before it; null: there is none to compare with. */
export function growth(versions: readonly Version[], index: number): number | null {
  const version = versions[index];
  const before = versions.slice(index + 1).find(({ kind }) => kind === 'file');
  return version === undefined || version.kind === 'deletion' || before === undefined ? null : version.size - before.size;
}

/** Retention or a legal hold keeps it: nobody removes it. */
export function isHeld({ lock }: Version): boolean {
  if (lock === undefined) return false;
  return lock.legalHold || (lock.until !== undefined && Date.parse(lock.until) > Date.now());
}

/** “by berta · network drive”; empty where it is not known. */
export function writtenBy({ writer }: Pick<Version, 'writer'>): string {
  if (writer == null) return '';
  const who = writer.name === null ? t('versions.byUnknown') : t('versions.by', { name: visible(writer.name) });
  return `${who} · ${t(`door.${writer.protocol}`)}`;
}
