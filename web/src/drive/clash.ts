import { api, type Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { t } from '../i18n/index.ts';
import { ask } from '../ui/dialog.tsx';
import { numbered } from './kinds.ts';

export type Resolution = 'replace' | 'both' | 'skip';

/** Asks what to do about a name that is taken; a ticked answer holds for all that follow. */
export function createClashAsker() {
  const inner = { always: null as Resolution | null, asking: Promise.resolve<unknown>(null) };
  return (name: string, several: boolean): Promise<Resolution> => {
    const one = inner.asking.then(async (): Promise<Resolution> => {
      if (inner.always !== null) return inner.always;
      const { value, ticked } = await ask({
        title: t('clash.title'),
        body: t('clash.text', { name }),
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
