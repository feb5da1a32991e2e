import { link, rename, stat } from 'node:fs/promises';
import { codeOf } from '#blob/disk-error';
import { CloudStoreError, isCloudStoreError } from '#core/errors';

/** What a file system says to a name that it cannot give, or has given to something else. */
export const REFUSED_NAMES: readonly string[] = ['ENAMETOOLONG', 'EEXIST', 'ENOTDIR', 'EISDIR', 'EILSEQ', 'EINVAL'];
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Gives a complete file its name, if nothing has that: false where something does. The file may keep its temporary name too. */
export async function placeFile(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!NO_LINKS.includes(codeOf(error) ?? '')) throw error;
  }
  // A file system without hard links, and nobody else writes here.
  if ((await stat(path).catch(() => null)) !== null) return false;
  await rename(temporary, path);
  return true;
}

/** What the disk refused, in a sentence; what is none of that as it is. @param goesOn the same command goes on from where it is */
export function diskRefusal(error: unknown, to: string, { goesOn }: { goesOn: boolean }): unknown {
  const code = codeOf(error);
  if (isCloudStoreError(error) || code === undefined) return error;
  const [later, again] = goesOn ? ['; it goes on from where it is.', ' The same command goes on from where it is.'] : ['.', ''];
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new CloudStoreError(
      'insufficient_storage',
      `The disk of ${to} is full. Make room and give the same command again${later}`,
      { cause: error },
    );
  return new CloudStoreError('unavailable', `${to} cannot be written (${code}).${again}`, { cause: error });
}
