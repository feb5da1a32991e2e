import { randomBytes } from 'node:crypto';
import { stat, statfs } from 'node:fs/promises';
import type { Finding } from '#contracts/examiner';
import type { Config } from '../config/load.ts';
import {
  type KnownMirror,
  MIRROR_SETTING,
  type MirrorPlace,
  mirrorBlobs,
  mirrorLocation,
  mirrorPlaceOf,
  readMark,
} from '../mirror.ts';
import { ownerOf } from '../owner.ts';
import type { SeenStore } from './doctor-stores.ts';
import { describeFailure } from './output.ts';
import type { Session } from './session.ts';

const name = 'mirror';

/** Whether there is a second copy of everything, and whether it is ours. Writes nothing there. */
export async function mirrorFindings(config: Config, { metadata }: Session, stores: SeenStore[]): Promise<Finding[]> {
  const { instance } = metadata;
  const place = mirrorPlaceOf(config.values);
  const known = await instance.setting<KnownMirror>(MIRROR_SETTING);
  if (place === null) {
    if (known === null) return [{ name, status: 'ok', detail: 'none (mirror-dir and mirror-url are not set)' }];
    const advice = 'Set mirror-dir or mirror-url again, if that was not on purpose.';
    return [{ name, status: 'warn', detail: `there was one in ${known.directory}, and none is set now`, advice }];
  }
  const location = mirrorLocation(place);
  const expected = known?.directory === location ? known.id : null;
  const { owner } = await ownerOf(instance, randomBytes);
  try {
    const seen = await look(place);
    const mark = seen?.mark ?? null;
    const setting = place.kind === 's3' ? 'mirror-url' : 'mirror-dir';
    const first = place.kind === 's3' ? 'Check its bucket and prefix' : 'Mount its disk';
    if (expected !== null && mark?.id !== expected)
      return [
        fail(`${location} is not the mirror that was written there before`, `${first}, or name another place with ${setting}.`),
      ];
    if (mark !== null && mark.owner !== null && mark.owner !== owner)
      return [fail(`${location} is the mirror of another installation`, `Name another place with ${setting}.`)];
    if (mark === null) return [{ name, status: 'ok', detail: `${location} is not in use yet` }];
    const ours = new Set(stores.flatMap(({ packs }) => [...(packs ?? [])].flatMap(([pack, { open }]) => (open ? [] : [pack]))));
    const behind = [...ours].filter((pack) => !seen?.packs.has(pack)).length;
    const detail = `${location}: ${seen?.packs.size} packs, ${behind} to be copied yet`;
    return [{ name, status: 'ok', detail }, ...(await sameDisk(config, place))];
  } catch (error) {
    return [
      fail(
        describeFailure(error).text.split('\n')[0] ?? '',
        'Damage is not healed from it until it answers; writes and reads go on.',
      ),
    ];
  }
}

async function look(place: MirrorPlace) {
  const blobs = await mirrorBlobs(place, randomBytes, 'look').catch((error: unknown) => {
    if (place.kind === 's3') throw error;
    return null; // not there: not mounted, or not made yet
  });
  if (blobs === null) return null;
  try {
    const packs = new Set<string>();
    const mark = await readMark(blobs);
    for await (const one of blobs.list('')) if (one.name.endsWith('.pack')) packs.add(one.name.slice(0, -5));
    return { mark, packs };
  } finally {
    await blobs.close();
  }
}

async function sameDisk({ values }: Config, place: MirrorPlace): Promise<Finding[]> {
  if (place.kind === 's3' || (await diskOf(values['data-dir'])) !== (await diskOf(place.directory))) return [];
  const advice = 'Put it on another disk: it is to outlive this one.';
  const detail = 'the mirror lies on the same file system as the data directory';
  return [{ name: 'mirror disk', status: 'warn', detail, advice }];
}

async function diskOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  const system = await statfs(path).catch(() => null);
  return found === null || system === null ? path : `${found.dev} ${system.type}`;
}

function fail(detail: string, advice: string): Finding {
  return { name, status: 'fail', detail, advice };
}
