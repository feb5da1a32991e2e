import { useState } from 'preact/hooks';
import type { Backups } from '../../../clients/typescript/index.ts';
import { longDate, t } from '../i18n/index.ts';
import { CopyField } from '../ui/copy-field.tsx';
import { Section } from '../ui/page.tsx';

const EMPTY = '/path/to/empty/directory';
const SOME = '/mnt/backup';

/** What brings a backup back where no gateway runs any more: done in a terminal. */
export function RestoreSteps({ data }: { data: Backups }) {
  const made = data.backups.flatMap(({ id, directory, made: one }) =>
    one === null ? [] : [{ id, directory, taken: one.taken }],
  );
  const [chosen, setChosen] = useState('');
  const backup = made.find(({ id }) => String(id) === chosen) ?? made[0];
  const from = shell(backup?.directory ?? SOME);
  const newest = backup === undefined || made.find(({ directory }) => directory === backup.directory)?.id === backup.id;
  const at = newest ? '' : ` --at ${backup.taken}`;
  const key = keySetting(data.masterKey, false);
  return (
    <Section title={t('restore.title')}>
      <p class="muted">{t('restore.text')}</p>
      {made.length > 1 && (
        <label class="field restore-choice">
          <span>{t('restore.which')}</span>
          <select value={String(backup?.id ?? '')} onChange={(event) => setChosen(event.currentTarget.value)}>
            {made.map(({ id, directory, taken }) => (
              <option key={id} value={String(id)}>
                {longDate(taken)} · {directory}
              </option>
            ))}
          </select>
        </label>
      )}
      <ol class="steps restore">
        <li>
          <h3>{t('restore.key')}</h3>
          <p class="muted">
            {t(`restore.key.${data.masterKey.from}`)}
            {data.masterKey.path !== null && (
              <>
                {' '}
                <code class="wrap">{data.masterKey.path}</code>
              </>
            )}
          </p>
        </li>
        <li>
          <h3>{t('restore.check')}</h3>
          <CopyField text={`${key} cloudstore restore --from ${from}${at} --check`} block />
        </li>
        <li>
          <h3>{t('restore.restore')}</h3>
          <p class="muted">{t('restore.restoreText', { directory: data.dataDirectory })}</p>
          <CopyField text={`${key} cloudstore restore --from ${from}${at} --data-dir ${EMPTY}`} block />
        </li>
        <li>
          <h3>{t('restore.serve')}</h3>
          <p class="muted">{t('restore.serveText')}</p>
          <CopyField text={`${key} cloudstore serve --data-dir ${EMPTY}`} block />
        </li>
      </ol>
      <p class="muted small">{t('restore.checkout')}</p>
    </Section>
  );
}

/** How a command is given the master key. @param here on this machine, where the gateway has it in a file, that file */
export function keySetting({ from, path }: Backups['masterKey'], here: boolean): string {
  if (from === 'passphrase') return 'CLOUDSTORE_MASTER_PASSPHRASE_FILE=/path/to/passphrase';
  return `CLOUDSTORE_MASTER_KEY_FILE=${here && path !== null ? shell(path) : '/path/to/master.key'}`;
}

/** As one word of a shell. */
export function shell(path: string): string {
  return /^[\w/.,:+@%-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
