import { signal } from '@preact/signals';
import { ChevronRight, Folder as FolderIcon, HardDrive, Undo2 } from 'lucide';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { buckets } from '../api/buckets.ts';
import { api, type Place } from '../api/client.ts';
import { t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { usePages } from '../ui/pages.ts';
import { Failed, Loading } from '../ui/states.tsx';
import { newFolder, parentOf } from './actions.tsx';
import { visible } from './entry-list.tsx';

const wanted = signal<{ start: Place; verb: 'move' | 'copy'; answer: (place: Place | null) => void } | null>(null);

/** Lets somebody walk to a folder of any bucket. null: cancelled. */
export function chooseFolder(start: Place, verb: 'move' | 'copy'): Promise<Place | null> {
  return new Promise((resolve) => {
    wanted.value = {
      start,
      verb,
      answer: (place) => {
        wanted.value = null;
        resolve(place);
      },
    };
  });
}

export function FolderQuestions() {
  return wanted.value === null ? null : <Chooser {...wanted.value} />;
}

function Chooser({ start, verb, answer }: { start: Place; verb: 'move' | 'copy'; answer: (place: Place | null) => void }) {
  const [place, setPlace] = useState<Place | null>(start);
  const folders = usePages(
    async (cursor, signal) => {
      if (place === null) return { items: [], next: null };
      const page = await api.list(place, { limit: 1000, cursor: cursor ?? undefined, signal });
      return { items: page.entries.filter(({ kind }) => kind === 'folder'), next: page.next };
    },
    [place?.bucket, place?.key],
  );
  const { items, error, reload } = folders;
  const list = useRef<HTMLUListElement>(null);
  const walked = useRef(false);
  const walk = (to: Place | null): void => {
    walked.current = true;
    setPlace(to);
  };
  // What was pressed goes with the folder that it stood in. The keyboard is taken along at once, and not when the next folder has
  // come: whoever goes on meanwhile is not called back.
  useLayoutEffect(() => {
    if (walked.current) list.current?.querySelector('button')?.focus();
  }, [place]);
  return (
    <Dialog title={t(verb === 'move' ? 'moveTo' : 'copyTo')} onClose={() => answer(null)}>
      <p class="chooser-path">
        <bdi>{place === null ? t('chooser.buckets') : `${place.bucket}/${visible(place.key)}`}</bdi>
      </p>
      <ul class="chooser" ref={list}>
        {place !== null && (
          <li>
            <button
              type="button"
              onClick={() => walk(place.key === '' ? null : { bucket: place.bucket, key: parentOf(place.key) })}
            >
              <Icon of={Undo2} /> {t('chooser.up')}
            </button>
          </li>
        )}
        {place === null &&
          buckets.value?.map(({ name }) => (
            <li key={name}>
              <button type="button" onClick={() => walk({ bucket: name, key: '' })}>
                <Icon of={HardDrive} /> <bdi>{name}</bdi> <Icon of={ChevronRight} class="faint" />
              </button>
            </li>
          ))}
        {error !== null && <Failed error={error} retry={folders.again} />}
        {place !== null && items === null && error === null && <Loading rows={3} />}
        {items?.map(({ key, name }) => (
          <li key={key}>
            <button type="button" onClick={() => place !== null && walk({ bucket: place.bucket, key })}>
              <Icon of={FolderIcon} class="kind folder" /> <bdi>{visible(name)}</bdi> <Icon of={ChevronRight} class="faint" />
            </button>
          </li>
        ))}
        {folders.more && error === null && (
          <li>
            <Button busy={folders.coming} onClick={folders.next}>
              {t('showMore')}
            </Button>
          </li>
        )}
        {place !== null && items?.length === 0 && !folders.more && <li class="muted">{t('chooser.none')}</li>}
      </ul>
      <footer class="dialog-actions">
        {place !== null && (
          <Button kind="quiet" onClick={() => void newFolder(place).then((name) => name !== null && reload())}>
            {t('folder.new')}
          </Button>
        )}
        <span class="grow" />
        <Button onClick={() => answer(null)}>{t('cancel')}</Button>
        <Button kind="primary" disabled={place === null} onClick={() => answer(place)}>
          {t(verb === 'move' ? 'chooser.move' : 'chooser.copy')}
        </Button>
      </footer>
    </Dialog>
  );
}
