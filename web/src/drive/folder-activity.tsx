import { useEffect, useState } from 'preact/hooks';
import type { Activity } from '../../../clients/typescript/index.ts';
import { isApiError } from '../api/error.ts';
import { follow } from '../api/events.ts';
import { client } from '../api/session.ts';
import type { FolderEntry } from '../api/types.ts';
import { writtenBy } from '../history/version-rows.ts';
import { ago, longDate, type MessageKey, t } from '../i18n/index.ts';
import { useLoad } from '../ui/load.ts';
import { Show } from '../ui/page.tsx';
import { DetailsPart } from './details-part.tsx';
import { visible } from './entry-list.tsx';

const FEW = 5;
const MANY = 50;
/** Of what comes in a row the last one asks. */
const QUIET_MS = 500;
const DONE: Record<Activity['kind'], MessageKey> = {
  put: 'details.stored',
  remove: 'details.wasDeleted',
  removeTree: 'details.wasDeleted',
  move: 'details.moved',
  copy: 'details.copied',
};

/** The latest of what was done in a folder and below, as it comes, for those who may see what it was. */
export function FolderActivity({ folder: { bucket, key } }: { folder: FolderEntry }) {
  const [limit, setLimit] = useState(FEW);
  const latest = useLoad(async () => {
    try {
      return (await client.call('ListActivity', { path: { bucket, key }, query: { limit } })).changes;
    } catch (error) {
      if (isApiError(error, 'access_denied', 'not_found')) return null;
      throw error;
    }
  }, [bucket, key, limit]);
  useEffect(() => {
    let timer = 0;
    const soon = (): void => {
      clearTimeout(timer);
      timer = window.setTimeout(latest.reload, QUIET_MS);
    };
    const end = follow({ bucket, prefix: key, onChange: soon, onReset: soon });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [bucket, key, latest.reload]);
  if (latest.data === null && !latest.loading && latest.error === null) return null;
  const below = (path: string): string =>
    path === key ? t('details.here') : visible(path.startsWith(key) ? path.slice(key.length) : path);
  return (
    <DetailsPart
      title={t('details.activity')}
      {...(limit === FEW && latest.data?.length === FEW ? { action: t('details.more'), act: () => setLimit(MANY) } : {})}
    >
      <Show of={latest} rows={2}>
        {(changes) =>
          changes?.length === 0 ? (
            <p class="muted small">{t('details.quiet')}</p>
          ) : (
            <ul class="details-list">
              {(changes ?? []).map((one) => (
                <li key={`${one.at} ${one.kind} ${one.key}`} class="told">
                  <bdi class="wrap">
                    {one.kind === 'move' && one.fromKey !== null
                      ? t('details.fromTo', { from: below(one.fromKey), to: below(one.key) })
                      : below(one.key)}
                  </bdi>
                  <span class="muted small" title={longDate(one.at)}>
                    {t(DONE[one.kind])} {ago(one.at)}
                    <br />
                    <bdi class="wrap">{writtenBy(one)}</bdi>
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </DetailsPart>
  );
}
