import type { Findings } from '../../../clients/typescript/index.ts';
import { t } from '../i18n/index.ts';
import { CopyField } from '../ui/copy-field.tsx';
import { Section } from '../ui/page.tsx';
import { keySetting, shell } from './restore-steps.tsx';

/** What is done without a gateway by its nature, or would take a page's word for too much: the exact command, and when it is the one. */
export function StoppedCommands({ about: { dataDirectory, masterKey } }: { about: Findings['about'] }) {
  const data = `--data-dir ${shell(dataDirectory)}`;
  // A key in the data directory is found there.
  const key =
    masterKey.from === 'file' && masterKey.path?.startsWith(`${dataDirectory}/`) === true
      ? ''
      : `${keySetting(masterKey, true)} `;
  const commands = [
    { name: 'doctor', stopped: false, line: `${key}cloudstore doctor ${data}` },
    { name: 'rebuild', stopped: true, line: `${key}cloudstore rebuild-index ${data}` },
    { name: 'export', stopped: true, line: `${key}cloudstore export --offline ${data} --to /path/to/empty/directory` },
    {
      name: 'restore',
      stopped: true,
      line: `${key}cloudstore restore --from /mnt/backup --data-dir /path/to/empty/directory --force`,
    },
    { name: 'spool', stopped: true, line: `${key}cloudstore disk forget-spool ${data}` },
    { name: 'withKey', stopped: false, line: `${key}cloudstore backup ${data} --to /mnt/backup --include-key` },
  ] as const;
  return (
    <Section title={t('stopped.title')}>
      <p class="muted">{t('stopped.text')}</p>
      <ol class="steps restore">
        {commands.map(({ name, stopped, line }) => (
          <li key={name}>
            <h3>{t(`stopped.${name}`)}</h3>
            <p class="muted">
              {t(`stopped.when.${name}`)} {t(stopped ? 'stopped.first' : 'stopped.beside')}
            </p>
            <CopyField text={line} block />
          </li>
        ))}
      </ol>
      <p class="muted small">{t('restore.checkout')}</p>
    </Section>
  );
}
