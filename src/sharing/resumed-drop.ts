import type { ResumedDrops } from '#contracts/links';
import type { Resumable } from '#contracts/resumable-store';
import type { Resumables } from '#contracts/resumables';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { type DropDeps, freeKey } from './drop.ts';

/** Among the attributes of an upload: the link that it came by, and the bytes that it took room for. Whatever ends it without a file gives them back by this. */
const OF_LINK = 'upload.link';
const NAME_TRIES_MAX = 10;

/** The contract is ResumedDrops. */
export function createResumedDrops(deps: DropDeps & { resumables: Resumables }): ResumedDrops {
  const { store, record, resumables, who } = deps;

  async function find(id: string): Promise<Resumable> {
    const upload = await resumables.find(who, id);
    // The maker's own uploads are no visitor's, nor are those of another link.
    if (upload.attributes.extra?.[OF_LINK]?.split(' ')[0] !== String(record.id))
      throw new CloudStoreError('upload_not_found', 'There is no such upload.');
    return upload;
  }

  return {
    find,
    async begin(name, { length, attributes, ...options }) {
      if (record.mode !== 'drop') throw new CloudStoreError('access_denied', 'This link takes no files.');
      const key = await freeKey(deps, name);
      if (!(await store.takeRoom(record.id, length, 1)))
        throw new CloudStoreError('quota_exceeded', 'This link takes no more than it has.');
      try {
        const upload = await resumables.begin(
          who,
          { bucket: record.at.bucket, key },
          {
            ...options,
            kind: 'whole',
            length,
            conditions: { ifNoneMatch: '*' },
            attributes: { ...attributes, extra: { ...attributes.extra, [OF_LINK]: `${record.id} ${length}` } },
            concat: null,
          },
        );
        // From here on the upload's own row says so.
        await store.keepRoom(record.id, length, 1).catch(() => undefined);
        return upload;
      } catch (error) {
        await store.giveBack(record.id, length, 1);
        throw error;
      }
    },
    async finish(id) {
      const upload = await find(id);
      for (let n = 0; ; n++) {
        try {
          return await resumables.finish(who, id, n === 0 ? {} : { key: await freeKey(deps, upload.key.slice(deps.key.length)) });
        } catch (error) {
          if (
            n === NAME_TRIES_MAX ||
            !(isCloudStoreError(error, 'precondition_failed') || isCloudStoreError(error, 'already_exists'))
          )
            throw error;
        }
      }
    },
    async remove(id) {
      await find(id);
      await resumables.remove(who, id);
    },
  };
}
