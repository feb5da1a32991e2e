import { TriangleAlert } from 'lucide';
import { t } from '../i18n/index.ts';
import { CopyField } from './copy-field.tsx';
import { ask } from './dialog.tsx';
import { Icon } from './icon.tsx';

/** What is told once and never again. */
export async function tellSecrets(title: string, secrets: Record<string, string | undefined>): Promise<void> {
  await ask({
    title,
    body: (
      <div class="form">
        <p class="note warn row">
          <Icon of={TriangleAlert} /> {t('secret.once')}
        </p>
        {Object.entries(secrets)
          .filter(([, text]) => text !== undefined)
          .map(([name, text]) => (
            <div key={name} class="field">
              <span>{name}</span>
              <CopyField text={text ?? ''} block />
            </div>
          ))}
      </div>
    ),
    choices: [{ value: 'done', label: t('secret.kept'), kind: 'primary' }],
  });
}
