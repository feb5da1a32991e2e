import { ArchiveRestore, ChevronRight, Clock, Ellipsis, Eye, Folder as FolderIcon, Settings2, Trash2, Undo2 } from 'lucide';
import { useEffect, useState } from 'preact/hooks';
import type { Trashed } from '../../../clients/typescript/index.ts';
import { bucketLabel, buckets } from '../api/buckets.ts';
import { type Place, unlessGone } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { follow } from '../api/events.ts';
import { useRights } from '../api/rights.ts';
import { client } from '../api/session.ts';
import { createClashAsker } from '../drive/clash.tsx';
import { visible } from '../drive/entry-list.tsx';
import { iconOf, kindOf } from '../drive/kinds.ts';
import { isAbort, type RunningWork, startWork } from '../drive/work.tsx';
import { ago, bytes, longDate, t } from '../i18n/index.ts';
import { driveHref, go, href, route } from '../router.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { openMenu } from '../ui/menu.tsx';
import { Page } from '../ui/page.tsx';
import { usePages } from '../ui/pages.ts';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { fail, tell } from '../ui/toast.tsx';
import { showPast } from './past-viewer.tsx';
import { restoreAsOf } from './restore-as-of.tsx';
import { bringBack, sayPurged } from './restoring.ts';
import { changeRetention, retentionOf, sayRetention } from './retention.tsx';
import { findTasks } from './tasks.tsx';
import { trashHref } from './trash-href.ts';

const LIMIT = 200;
const SETTLE_MS = 400;

/** What was deleted, bucket by bucket and folder by folder, until the bucket's retention ends. */
export function TrashPage() {
  const { rest } = route.value;
  const [bucket = buckets.value?.[0]?.name ?? '', ...segments] = rest.length > 0 && rest[0] !== '' ? rest : [];
  const key = segments.join('/');
  if (bucket === '')
    return <Page title={t('nav.trash')}>{buckets.value === null ? <Loading /> : <Nothing folder={false} />}</Page>;
  return <TrashOf key={`${bucket}/${key}`} place={{ bucket, key }} />;
}

function TrashOf({ place }: { place: Place }) {
  const { bucket, key } = place;
  const trash = usePages(
    async (cursor) => {
      const query = { limit: LIMIT, ...(cursor === null ? {} : { cursor }) };
      const { entries, next } = await client.call('ListTrash', { path: place, query });
      return { items: entries, next };
    },
    [bucket, key],
  );
  const rights = useRights(place, ['version.restore', 'version.delete', 'bucket.configure']);
  const retention = useLoad(() => retentionOf(bucket), [bucket]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { reload } = trash;
  useEffect(() => {
    void findTasks(bucket, reload).catch(() => undefined);
  }, [bucket]);
  useFollow(place, reload);
  const items = trash.items ?? [];
  const some = items.filter((item) => chosen.has(item.key));

  const restore = async (which: readonly Trashed[]): Promise<void> => {
    const asker = createClashAsker();
    const work = startWork(t('work.restoring', { count: which.length }), which.length);
    let count = 0;
    for (const one of which) {
      if (work.cancelled()) break;
      try {
        count += await bringBack({ bucket, key: one.key }, { asker, work, several: which.length > 1, onEnd: reload });
      } catch (error) {
        if (isAbort(error)) break;
        fail(error);
        if (isApiError(error, 'unreachable', 'quota_exceeded', 'insufficient_storage')) break;
      }
      work.step();
    }
    work.end(count);
    if (count > 0) tell(t('history.restored', { count }), { label: t('show'), act: () => go(driveHref(bucket, key)) });
    setChosen(new Set());
    reload();
  };
  const restoreAll = async (): Promise<void> => {
    const work = startWork(t('work.restoringAll'), 1);
    try {
      const count = await bringBack(place, { work, onEnd: reload });
      if (count > 0) tell(t('history.restored', { count }), { label: t('show'), act: () => go(driveHref(bucket, key)) });
    } catch (error) {
      if (!isAbort(error)) fail(error);
    }
    work.end();
    reload();
  };
  const purgeAt = (key: string, { ask, signal }: RunningWork) =>
    ask(() => client.call('PurgeTrash', { body: { bucket, key, ...unlessGone(signal) }, signal }));
  const purge = async (which: readonly Trashed[]): Promise<void> => {
    if (!(await confirm(t('trash.purge'), t('trash.purgeText', { count: which.length }), t('trash.purge')))) return;
    const work = startWork(t('work.removing', { count: which.length }), which.length);
    let done = 0;
    for (const one of which) {
      if (work.cancelled()) break;
      try {
        sayPurged(bucket, await purgeAt(one.key, work), reload);
        done++;
      } catch (error) {
        if (isAbort(error)) break;
        fail(error);
        if (isApiError(error, 'unreachable')) break;
      }
      work.step();
    }
    work.end(done);
    setChosen(new Set());
    reload();
  };
  const empty = async (): Promise<void> => {
    const where = key === '' ? bucket : `${bucket}/${visible(key)}`;
    if (!(await confirm(t('trash.empty'), t('trash.emptyText', { name: where }), t('trash.empty')))) return;
    const work = startWork(t('work.emptying'), 1);
    try {
      sayPurged(bucket, await purgeAt(key, work), reload);
    } catch (error) {
      if (!isAbort(error)) fail(error);
    }
    work.end();
    reload();
  };

  const mayRestore = rights['version.restore'] === true;
  const mayPurge = rights['version.delete'] === true;
  const more = [
    ...(mayRestore ? [{ label: t('asOf.action'), icon: Clock, act: () => restoreAsOf(place, reload) }] : []),
    ...(rights['bucket.configure'] === true
      ? [
          {
            label: t('retention.change'),
            icon: Settings2,
            act: () => void changeRetention(bucket).then((changed) => changed && retention.reload()),
          },
        ]
      : []),
    ...(mayPurge && items.length > 0 ? [{ label: t('trash.empty'), icon: Trash2, danger: true, act: () => void empty() }] : []),
  ];
  return (
    <Page
      title={t('nav.trash')}
      text={retention.data === null ? t('trash.text') : sayRetention(retention.data)}
      actions={
        <>
          {mayRestore && items.length > 0 && (
            <Button icon={ArchiveRestore} onClick={() => void restoreAll()}>
              {t('trash.restoreAll')}
            </Button>
          )}
          {more.length > 0 && (
            <IconButton
              icon={Ellipsis}
              label={t('more')}
              aria-haspopup="menu"
              onClick={(event) => openMenu(event, t('nav.trash'), more)}
            />
          )}
        </>
      }
    >
      <Where place={place} />
      {trash.items === null ? (
        isApiError(trash.error, 'access_denied') ? (
          <Empty icon={Trash2} title={t('trash.notForYou')} />
        ) : trash.error !== null ? (
          <Failed error={trash.error} retry={reload} />
        ) : (
          <Loading rows={5} />
        )
      ) : items.length === 0 ? (
        <Nothing folder={key !== ''} />
      ) : (
        <>
          {(mayRestore || mayPurge) && (
            <div class="trash-bar" role="toolbar" aria-label={t('selection')}>
              <label class="tick">
                <input
                  type="checkbox"
                  checked={some.length === items.length}
                  ref={(box) => {
                    if (box !== null) box.indeterminate = some.length > 0 && some.length < items.length;
                  }}
                  onChange={(event) => setChosen(new Set(event.currentTarget.checked ? items.map((item) => item.key) : []))}
                />{' '}
                {some.length === 0 ? t('trash.all') : t('selection.count', { count: some.length })}
              </label>
              <span class="grow" />
              {mayRestore && some.length > 0 && (
                <Button icon={Undo2} onClick={() => void restore(some)}>
                  {t('history.restore')}
                </Button>
              )}
              {mayPurge && some.length > 0 && (
                <Button icon={Trash2} kind="quiet" onClick={() => void purge(some)}>
                  {t('trash.purge')}
                </Button>
              )}
            </div>
          )}
          <ul class="trash" aria-label={t('nav.trash')} aria-busy={trash.loading}>
            {items.map((item) => (
              <Row
                key={item.key}
                bucket={bucket}
                item={item}
                chosen={chosen.has(item.key)}
                choose={(on) => {
                  const next = new Set(chosen);
                  if (on) next.add(item.key);
                  else next.delete(item.key);
                  setChosen(next);
                }}
                restore={mayRestore ? () => void restore([item]) : null}
                purge={mayPurge ? () => void purge([item]) : null}
              />
            ))}
          </ul>
          {trash.error !== null && <Failed error={trash.error} retry={reload} />}
          {trash.more && (
            <Button busy={trash.coming} onClick={() => trash.next()}>
              {t('showMore')}
            </Button>
          )}
        </>
      )}
    </Page>
  );
}

/** Lists anew when something is deleted or comes back, from whichever device. */
function useFollow({ bucket, key }: Place, reload: () => void): void {
  useEffect(() => {
    const waiting = { timer: 0 };
    const soon = (): void => {
      clearTimeout(waiting.timer);
      waiting.timer = window.setTimeout(reload, SETTLE_MS);
    };
    const unfollow = follow({ bucket, prefix: key, onChange: soon, onBegin: soon, onReset: soon, onError: soon });
    return () => {
      clearTimeout(waiting.timer);
      unfollow();
    };
  }, [bucket, key]);
}

function Where({ place: { bucket, key } }: { place: Place }) {
  const names = key === '' ? [] : key.slice(0, -1).split('/');
  return (
    <div class="trash-where">
      <select
        aria-label={t('connect.bucket')}
        class="input"
        value={bucket}
        onChange={(event) => go(href('trash', [event.currentTarget.value]))}
      >
        {[...new Set([...(buckets.value ?? []).map(({ name }) => name), bucket])].map((name) => (
          <option key={name} value={name}>
            {bucketLabel(name)}
          </option>
        ))}
      </select>
      {names.length > 0 && (
        <nav aria-label={t('breadcrumbs')} class="trash-path">
          <a href={trashHref({ bucket, key: '' })}>{bucketLabel(bucket)}</a>
          {names.map((name, index) => (
            <span key={index}>
              <Icon of={ChevronRight} size={15} class="faint" />
              {index === names.length - 1 ? (
                <strong>
                  <bdi>{visible(name)}</bdi>
                </strong>
              ) : (
                <a href={trashHref({ bucket, key: `${names.slice(0, index + 1).join('/')}/` })}>
                  <bdi>{visible(name)}</bdi>
                </a>
              )}
            </span>
          ))}
        </nav>
      )}
    </div>
  );
}

interface RowProps {
  bucket: string;
  item: Trashed;
  chosen: boolean;
  choose: (on: boolean) => void;
  restore: (() => void) | null;
  purge: (() => void) | null;
}

function Row({ bucket, item, chosen, choose, restore, purge }: RowProps) {
  const name = visible(item.name);
  const size = item.kind === 'file' ? `${bytes(item.version.size)} · ` : '';
  const kind =
    item.kind === 'folder' ? 'folder' : kindOf({ kind: 'file', name: item.name, contentType: item.version.contentType });
  return (
    <li class="trash-row">
      {(restore !== null || purge !== null) && (
        <input
          type="checkbox"
          aria-label={t('trash.choose', { name })}
          checked={chosen}
          onChange={(event) => choose(event.currentTarget.checked)}
        />
      )}
      <Icon of={item.kind === 'folder' ? FolderIcon : iconOf(kind)} size={20} class={`kind ${kind}`} />
      <div class="trash-text">
        <span class="name" title={item.name}>
          {item.kind === 'folder' ? (
            <a href={trashHref({ bucket, key: item.key })}>
              <bdi>{name}</bdi>
            </a>
          ) : (
            <bdi>{name}</bdi>
          )}
        </span>
        <span class="muted small" title={longDate(item.deleted)}>
          {size}
          {t('trash.deleted', { time: ago(item.deleted) })}
        </span>
      </div>
      {item.kind === 'file' && (
        <IconButton
          icon={Eye}
          label={t('trash.view', { name })}
          onClick={() => showPast({ bucket, key: item.key, past: item.version.versionId, name: item.name }, item.version)}
        />
      )}
      {restore !== null && <IconButton icon={Undo2} label={t('trash.restoreOf', { name })} onClick={restore} />}
      {purge !== null && <IconButton class="rare" icon={Trash2} label={t('trash.purgeOf', { name })} onClick={purge} />}
    </li>
  );
}

function Nothing({ folder }: { folder: boolean }) {
  return (
    <Empty icon={Trash2} title={t(folder ? 'trash.noneHere' : 'trash.none')}>
      <p>{t('trash.noneText')}</p>
    </Empty>
  );
}
