import { Pause, X } from 'lucide';
import { visible } from '../drive/entry-list.tsx';
import { bytes, t } from '../i18n/index.ts';
import { IconButton } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { fail } from '../ui/toast.tsx';
import type { Begun } from './remembered.ts';

interface CutRowsProps {
  cut: Begun[];
  choose: (one: Begun, file: File) => void;
  drop: (id: string) => void;
}

/** Uploads that were cut off, each with the question for its file. */
export function CutRows({ cut, choose, drop }: CutRowsProps) {
  return (
    <div class="uploads-cut">
      <p>
        <strong>{t('uploads.cut', { count: cut.length })}</strong>
        <br />
        <span class="small muted">{t('uploads.cutText')}</span>
      </p>
      <ul>
        {cut.map((one) => (
          <li key={one.id} class="upload">
            <Icon of={Pause} class="faint" />
            <span class="upload-text">
              <span class="name" title={`${one.bucket}/${one.key}`}>
                <bdi>{visible(one.name)}</bdi>
              </span>
              <span class="small muted">
                {bytes(one.size)}
                {!one.bucket.startsWith('/') && ` · ${one.bucket}`}
              </span>
            </span>
            <label class="button quiet">
              {t('uploads.choose')}
              <input
                type="file"
                class="unseen"
                aria-label={t('uploads.chooseOf', { name: one.name })}
                onChange={(event) => {
                  const file = event.currentTarget.files?.[0];
                  if (file === undefined) return;
                  if (file.size !== one.size || file.lastModified !== one.modified)
                    return fail(new Error(t('uploads.other', { name: one.name })));
                  choose(one, file);
                }}
              />
            </label>
            <IconButton icon={X} label={t('dismissOf', { name: one.name })} size={16} onClick={() => drop(one.id)} />
          </li>
        ))}
      </ul>
    </div>
  );
}
