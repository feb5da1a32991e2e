import { BadgeCheck, Download, Eye, FileX2, History, Lock, Trash2, Undo2 } from 'lucide';
import { useEffect, useRef } from 'preact/hooks';
import type { Version } from '../../../clients/typescript/index.ts';
import { mayVerify, verifyNow } from '../admin/verify-now.tsx';
import { fileUrl, type Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { useRights } from '../api/rights.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { ago, bytes, longDate, signedBytes, t } from '../i18n/index.ts';
import { Button, firstClick, IconButton, IconLink } from '../ui/button.tsx';
import { confirm, Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { lay } from '../ui/laid.tsx';
import { type Pages, usePages } from '../ui/pages.ts';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { fail, tell } from '../ui/toast.tsx';
import { showPast } from './past-viewer.tsx';
import { sayPurged, settle } from './restoring.ts';
import { growth, isHeld, versionsPage, writtenBy } from './version-rows.ts';

interface VersionsOf extends Place {
  name: string;
  /** The id of a version to point at. */
  pointed?: string;
}

/** Everything that a file was, and what can be done with it. */
export function showVersions(file: VersionsOf): void {
  lay((close) => <Versions file={file} close={close} />);
}

function Versions({ file, close }: { file: VersionsOf; close: () => void }) {
  const versions = usePages((cursor) => versionsPage(file, cursor), [file.bucket, file.key]);
  useEffect(() => {
    // It may stand on a later page.
    const { items, more, loading } = versions;
    if (file.pointed === undefined || items === null || !more || loading) return;
    if (!items.some(({ versionId }) => versionId === file.pointed)) versions.next();
  }, [versions.items]);
  const rights = useRights(file, ['version.restore', 'write', 'version.delete']);
  return (
    <Dialog title={t('versions.of', { name: visible(file.name) })} onClose={close} wide>
      <p class="muted dialog-lead">{t('versions.text')}</p>
      <Rows
        file={file}
        versions={versions}
        mayRestore={rights['version.restore'] === true && rights.write === true}
        mayPurge={rights['version.delete'] === true}
      />
    </Dialog>
  );
}

interface RowsProps {
  file: VersionsOf;
  versions: Pages<Version>;
  mayRestore: boolean;
  mayPurge: boolean;
}

function Rows({ file, versions, mayRestore, mayPurge }: RowsProps) {
  const { items, error } = versions;
  if (items === null) {
    if (isApiError(error, 'access_denied')) return <Empty icon={History} title={t('versions.notForYou')} />;
    if (isApiError(error, 'not_found')) return <Empty icon={History} title={t('versions.none')} />;
    return error !== null ? <Failed error={error} retry={versions.reload} /> : <Loading rows={3} />;
  }
  const old = items.filter(({ current, kind }) => !current && kind === 'file');
  return (
    <>
      <ul class="versions" aria-label={t('versions.title')} aria-busy={versions.loading}>
        {items.map((version, index) => (
          <Row
            key={version.versionId}
            file={file}
            version={version}
            grown={growth(items, index)}
            pointed={version.versionId === file.pointed}
            reload={versions.reload}
            mayRestore={mayRestore}
            mayPurge={mayPurge}
          />
        ))}
      </ul>
      {error !== null && <Failed error={error} retry={versions.reload} />}
      <footer class="dialog-actions">
        {versions.more && (
          <Button busy={versions.coming} onClick={() => versions.next()}>
            {t('showMore')}
          </Button>
        )}
        {mayPurge && old.length > 0 && (
          <Button kind="quiet" icon={Trash2} onClick={() => void purgeHistory(file, versions.reload)}>
            {t('versions.purgeAll')}
          </Button>
        )}
      </footer>
    </>
  );
}

interface RowProps extends Pick<RowsProps, 'file' | 'mayRestore' | 'mayPurge'> {
  version: Version;
  grown: number | null;
  /** Whoever opened the list was sent to this one. */
  pointed: boolean;
  reload: () => void;
}

function Row({ file, version, grown, pointed, reload, mayRestore, mayPurge }: RowProps) {
  const { versionId, kind, current, size, modified } = version;
  const past = { bucket: file.bucket, key: file.key, past: versionId };
  const time = longDate(modified);
  const written = writtenBy(version);
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (pointed) row.current?.scrollIntoView({ block: 'center' });
  }, [pointed]);
  return (
    <li ref={row} class={pointed ? 'version pointed' : 'version'} aria-current={pointed ? 'true' : undefined}>
      <Icon of={kind === 'deletion' ? FileX2 : History} class={current ? 'good' : 'faint'} />
      <div class="version-text">
        <span class="row">
          <strong>{time}</strong>
          {current && <span class="badge good">{t('versions.current')}</span>}
          {kind === 'deletion' && <span class="badge">{t('versions.deletion')}</span>}
          {isHeld(version) && (
            <span class="badge warn">
              <Icon of={Lock} size={13} />
              {version.lock?.until === undefined ? t('versions.held') : t('link.until', { time: longDate(version.lock.until) })}
            </span>
          )}
        </span>
        <span class="muted small">
          {ago(modified)}
          {kind === 'file' && ` · ${bytes(size)}`}
          {grown !== null && ` (${grown === 0 ? t('versions.sameSize') : signedBytes(grown)})`}
        </span>
        {written !== '' && (
          <bdi class="muted small wrap" title={t('versions.writer')}>
            {written}
          </bdi>
        )}
      </div>
      {kind === 'file' && (
        <>
          <IconButton
            icon={Eye}
            label={t('versions.view', { time })}
            onClick={() => showPast({ ...past, name: file.name }, version)}
          />
          <IconLink
            icon={Download}
            label={t('versions.download', { time })}
            href={fileUrl(past, { download: true })}
            download={file.name}
          />
          {mayVerify() && (
            <IconButton
              icon={BadgeCheck}
              label={t('verify.versionNow', { time })}
              onClick={() => verifyNow({ bucket: file.bucket, key: file.key, name: file.name, versionId })}
            />
          )}
        </>
      )}
      {kind === 'file' && !current && mayRestore && (
        <IconButton
          icon={Undo2}
          label={t('versions.restore', { time })}
          onClick={firstClick(() => void restore(file, version).then((done) => done && reload(), fail))}
        />
      )}
      {!current && mayPurge && (
        <IconButton
          icon={Trash2}
          label={t('versions.purge', { time })}
          disabled={isHeld(version)}
          onClick={() => void purge(file, version).then((done) => done && reload(), fail)}
        />
      )}
    </li>
  );
}

/** The one that is there now goes into history, so nothing is asked. */
async function restore({ bucket, key, name }: VersionsOf, { versionId, modified }: Version): Promise<boolean> {
  const answer = await client.call('RestoreVersion', { body: { bucket, key, versionId, conflict: 'replace' } });
  settle(bucket, answer);
  tell(t('versions.restored', { name: visible(name), time: longDate(modified) }));
  return true;
}

async function purge({ bucket, key }: VersionsOf, { versionId, modified }: Version): Promise<boolean> {
  const sure = await confirm(t('trash.purge'), t('versions.purgeText', { time: longDate(modified) }), t('trash.purge'));
  if (!sure) return false;
  sayPurged(bucket, await client.call('PurgeTrash', { body: { bucket, key, versionId } }));
  return true;
}

async function purgeHistory({ bucket, key, name }: VersionsOf, reload: () => void): Promise<void> {
  const sure = await confirm(t('trash.purge'), t('versions.purgeAllText', { name: visible(name) }), t('trash.purge'));
  if (!sure) return;
  try {
    sayPurged(bucket, await client.call('PurgeTrash', { body: { bucket, key, what: 'history' } }), reload);
    reload();
  } catch (error) {
    fail(error);
  }
}
