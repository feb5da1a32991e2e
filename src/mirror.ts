import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLateStore } from '#blob/late-store';
import { createLocalDisk } from '#blob/local-disk';
import type { BlobStore } from '#contracts/blob-store';
import type { InstanceStore } from '#contracts/instance-store';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

export interface MirrorOptions {
  /** Absolute. */
  directory: string;
  instance: InstanceStore;
  random: Random;
}

/** What the database knows of the mirror. */
export interface KnownMirror {
  directory: string;
  id: string;
}

export const MIRROR_SETTING = 'mirror';
/** Lies in the mirror's directory and holds its id. */
export const MIRROR_MARK = 'cloudstore-mirror';

/**
 * The directory with the second copies, opened by the first that needs it. A directory that was the mirror and has not its mark any more is not used: most likely its
 * disk is not mounted, and what is written there would fill another.
 * @throws by its methods unavailable: one sentence that says what to do
 */
export function openMirror({ directory, instance, random }: MirrorOptions): BlobStore {
  const packs = join(directory, 'packs');
  return createLateStore(
    async () => {
      const known = await instance.setting<KnownMirror>(MIRROR_SETTING);
      const mark = await readMark(packs);
      if (known?.directory === directory && mark !== known.id) {
        throw new CloudStoreError(
          'unavailable',
          `The mirror ${directory} is not the one that was written there before: mount its disk, or name another directory with --mirror-dir or CLOUDSTORE_MIRROR_DIR.`,
        );
      }
      const store = await createLocalDisk({ directory: packs, disk: nodeDiskOps() });
      const id = mark ?? random(16).toString('hex');
      if (mark === null) await store.put(MIRROR_MARK, bytesOf(id), id.length);
      if (known?.id !== id || known.directory !== directory)
        await instance.putSetting(MIRROR_SETTING, { directory, id } satisfies KnownMirror);
      return store;
    },
    { shared: false, randomAccess: true },
  );
}

/** null: the directory is not there, or is no mirror yet. */
export async function readMark(packs: string): Promise<string | null> {
  const names = await readdir(packs).catch(() => [] as string[]);
  if (!names.includes(MIRROR_MARK)) return null;
  const file = await nodeDiskOps().open(join(packs, MIRROR_MARK), 'r');
  try {
    const bytes = Buffer.alloc(32);
    return bytes.toString('latin1', 0, await file.read(bytes, 0, bytes.length, 0));
  } finally {
    await file.close();
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, 'latin1');
}
