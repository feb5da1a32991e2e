import type { MasterKeyChanged, MasterKeyFacts, MasterKeyWanted } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { confirmIdentity } from '../pages/confirm-identity.ts';
import { CopyField } from '../ui/copy-field.tsx';
import { ask } from '../ui/dialog.tsx';
import { askForm, type FormField } from '../ui/form.tsx';
import { openMenu } from '../ui/menu.tsx';
import { inItsWords, Told } from '../ui/said.ts';
import { shell } from './restore-steps.tsx';

type Kind = MasterKeyWanted['kind'];

/** Asks what the new master key is to be, changes it, and says what is to be done with it. */
export async function changeMasterKey(event: MouseEvent, facts: MasterKeyFacts): Promise<void> {
  const kind = await chooseKind(event, facts);
  if (kind === null || !(await confirmIdentity())) return;
  const changed = await askForm({
    title: t(`keys.to.${kind}`),
    text: (
      <>
        <p>{t('keys.changeText')}</p>
        <p>{t(kind === 'same' ? 'keys.changeSame' : 'keys.changeElsewhere')}</p>
        <p>{t('keys.changeOthers')}</p>
      </>
    ),
    action: t('keys.change'),
    fields: fieldsOf(kind),
    act: async ({ path = '', words = '', again = '' }) => {
      if (kind === 'passphrase' && words !== again) throw new Told(t('keys.differ'));
      const body: MasterKeyWanted =
        kind === 'file' ? { kind, path: path.trim() } : kind === 'passphrase' ? { kind, words } : { kind };
      try {
        return await client.call('ChangeMasterKey', { body });
      } catch (error) {
        throw inItsWords(error);
      }
    },
  });
  if (changed !== null) await tellChanged(changed, kind);
}

/** What cannot be done here is told where it is asked for. */
async function chooseKind(event: MouseEvent, { inPlace, elsewhere }: MasterKeyFacts): Promise<Kind | null> {
  if (!inPlace && !elsewhere) {
    await ask({
      title: t('keys.change'),
      body: (
        <>
          <p>{t('keys.processes')}</p>
          <CopyField text="cloudstore master-key rotate --new-key-file /path/to/new/master.key" block />
        </>
      ),
      choices: [],
    });
    return null;
  }
  return new Promise((resolve) => {
    const item = (kind: Kind) => ({ label: t(`keys.to.${kind}`), act: () => resolve(kind) });
    openMenu(event, t('keys.change'), [
      ...(inPlace ? [item('same')] : []),
      ...(elsewhere ? [item('file'), item('passphrase')] : []),
    ]);
  });
}

function fieldsOf(kind: Kind): FormField[] {
  if (kind === 'same') return [];
  if (kind === 'file') return [{ name: 'path', label: t('keys.path'), hint: t('keys.pathHint') }];
  return [
    { name: 'words', label: t('keys.words'), kind: 'password', hint: t('keys.wordsHint') },
    { name: 'again', label: t('keys.wordsAgain'), kind: 'password' },
  ];
}

async function tellChanged({ path, todo }: MasterKeyChanged, kind: Kind): Promise<void> {
  await ask({
    title: t('keys.changed'),
    body: (
      <div class="form">
        {path === null ? (
          <p>{t('keys.changedWords')}</p>
        ) : (
          <>
            <p>{t('keys.changedFile')}</p>
            <CopyField text={path} block />
          </>
        )}
        <p>{t(kind === 'same' ? 'keys.oldBeside' : 'keys.oldThere')}</p>
        {todo !== null && (
          <>
            <p class="note warn">{t('keys.todo')}</p>
            <CopyField
              text={
                path === null
                  ? 'CLOUDSTORE_MASTER_PASSPHRASE_FILE=/path/to/passphrase'
                  : `CLOUDSTORE_MASTER_KEY_FILE=${shell(path)}`
              }
              block
            />
          </>
        )}
      </div>
    ),
    choices: [{ value: 'done', label: t('keys.understood'), kind: 'primary' }],
  });
}
