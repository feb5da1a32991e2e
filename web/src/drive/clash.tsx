import { api, type Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import type { FileEntry } from '../api/types.ts';
import { bytes, longDate, t } from '../i18n/index.ts';
import { ask } from '../ui/dialog.tsx';
import { numbered } from './kinds.ts';

export type Resolution = 'replace' | 'both' | 'skip';

/** What wants the name, and where: by size and time people know which of two they want. */
interface Rivals {
  to: Place;
  comes: Pick<FileEntry, 'size' | 'mtime'>;
}

/** Asks what to do about a name that is taken; a ticked answer holds for all that follow. */
export function createClashAsker() {
  const inner = { always: null as Resolution | null, asking: Promise.resolve<unknown>(null) };
  return (name: string, several: boolean, rivals?: Rivals): Promise<Resolution> => {
    const one = inner.asking.then(async (): Promise<Resolution> => {
      if (inner.always !== null) return inner.always;
      const { value, ticked } = await ask({
        title: t('clash.title'),
        body: <Question name={name} rivals={rivals} here={rivals === undefined ? null : await fileAt(rivals.to)} />,
        choices: [
          { value: 'skip', label: t('clash.skip') },
          { value: 'both', label: t('clash.both') },
          { value: 'replace', label: t('clash.replace'), kind: 'primary' },
        ],
        ...(several ? { tick: t('clash.all') } : {}),
        // To skip it is to cancel.
        cancel: false,
      });
      const resolution = (value ?? 'skip') as Resolution;
      if (ticked || value === null) inner.always = resolution;
      return resolution;
    });
    inner.asking = one;
    return one;
  };
}

function Question({ name, rivals, here }: { name: string; rivals: Rivals | undefined; here: FileEntry | null }) {
  return (
    <>
      <p>{t('clash.text', { name })}</p>
      {rivals !== undefined && here !== null && (
        <dl class="clash">
          <dt>{t('clash.here')}</dt>
          <dd>{facts(here)}</dd>
          <dt>{t('clash.comes')}</dt>
          <dd>{facts(rivals.comes)}</dd>
        </dl>
      )}
    </>
  );
}

function facts({ size, mtime }: Rivals['comes']): string {
  return `${bytes(size)} · ${longDate(mtime)}`;
}

/** null: it is a folder, gone again, or nothing that one is told of. */
async function fileAt(place: Place): Promise<FileEntry | null> {
  try {
    const there = await api.stat(place);
    return there.kind === 'file' ? there : null;
  } catch {
    return null;
  }
}

export type ClashAsker = ReturnType<typeof createClashAsker>;

/** A key beside the wanted one that nothing has yet. */
export async function freeKey(place: Place): Promise<string> {
  const folder = place.key.endsWith('/');
  const whole = folder ? place.key.slice(0, -1) : place.key;
  const slash = whole.lastIndexOf('/') + 1;
  for (let number = 2; ; number++) {
    const key = `${whole.slice(0, slash)}${numbered(whole.slice(slash), number, folder)}${folder ? '/' : ''}`;
    if (!(await exists({ bucket: place.bucket, key }))) return key;
  }
}

export async function exists(place: Place): Promise<boolean> {
  try {
    await api.stat(place);
    return true;
  } catch (error) {
    if (isApiError(error, 'not_found')) return false;
    throw error;
  }
}
