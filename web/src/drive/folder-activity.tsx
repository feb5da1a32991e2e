import { useEffect } from 'preact/hooks';
import type { Activity } from '../../../clients/typescript/index.ts';
import { isApiError } from '../api/error.ts';
import { follow } from '../api/events.ts';
import { client } from '../api/session.ts';
import type { FolderEntry } from '../api/types.ts';
import { writtenBy } from '../history/version-rows.ts';
import { ago, longDate, type MessageKey, t } from '../i18n/index.ts';
import { ShowPages } from '../ui/paged.tsx';
import { usePages } from '../ui/pages.ts';
import { DetailsPart } from './details-part.tsx';
import { visible } from './entry-list.tsx';

const FEW = 5;
const MANY = 50;
/** Of pages, each of which may be of thousands of changes elsewhere in the bucket. */
const EMPTY_MAX = 5;
/** Of what comes in a row the last one asks. */
const QUIET_MS = 500;
const DONE: Record<Activity['kind'], MessageKey> = {
  put: 'details.stored',
  remove: 'details.wasDeleted',
  removeTree: 'details.wasDeleted',
  move: 'details.moved',
  copy: 'details.copied',
};

/** What was done in a folder and below, the latest first, as it comes, for those who may see what it was. */
export function FolderActivity({ folder: { bucket, key } }: { folder: FolderEntry }) {
  const latest = usePages(
    async (cursor, signal) => {
      const query = cursor === null ? { limit: FEW } : { limit: MANY, cursor };
      const { changes, next } = await client.call('ListActivity', { path: { bucket, key }, query, signal });
      return { items: changes, next };
    },
    [bucket, key],
    EMPTY_MAX,
  );
  const { reload } = latest;
  useEffect(() => {
    let timer = 0;
    const soon = (): void => {
      clearTimeout(timer);
      timer = window.setTimeout(reload, QUIET_MS);
    };
    const end = follow({ bucket, prefix: key, onChange: soon, onBegin: soon, onReset: soon, onError: soon });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [bucket, key]);
  if (isApiError(latest.error, 'access_denied', 'not_found')) return null;
  const below = (path: string): string =>
    path === key ? t('details.here') : visible(path.startsWith(key) ? path.slice(key.length) : path);
  return (
    <DetailsPart title={t('details.activity')}>
      <ShowPages of={latest} more={t('details.more')} rows={2} empty={<p class="muted small">{t('details.quiet')}</p>}>
        {(changes) => (
          <ul class="details-list">
            {changes.map((one) => (
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
        )}
      </ShowPages>
    </DetailsPart>
  );
}
