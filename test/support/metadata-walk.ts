import { randomBytes } from 'node:crypto';
import type { MetadataStore } from '#contracts/metadata-store';
import { ancestorsOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import type { Answer, Model, Operation } from './metadata-model.ts';
import { address, putIntent } from './metadata-rig.ts';
import type { Dice } from './random.ts';

/** A small world, so that keys meet: files beside folders of their name, markers, names that sort apart in UTF-16 and UTF-8. */
export const KEYS = [
  'a',
  'a/',
  'a/b',
  'a/b/',
  'a/b/c',
  'a/d',
  'b',
  'b/',
  'b/x',
  'b/y/z',
  'a-',
  'a0',
  '\ue000/x',
  '😀',
  '😀/x',
  'a/😀',
  'p/q/r/s',
];
export const FOLDERS = [...new Set(KEYS.flatMap(ancestorsOf)), 'new/', 'b/new/', 'b/new/deep/'].filter((key) => key !== '');
export const NAMES = KEYS.filter((key) => !key.endsWith('/'));

export type Home = Bucket & { who: Who };

/** Anything that may be asked, of few keys. */
export function roll(dice: Dice, model: Model): Operation {
  const key = dice.pick(KEYS);
  const flags = { requireParent: dice.chance(0.3), keepParent: dice.chance(0.4) };
  const kind = dice.below(20);
  if (kind < 8) {
    const ifMatch = dice.chance(0.15) ? (model.objects.get(dice.pick(KEYS))?.etag ?? 'none') : null;
    const put = { key, etag: randomBytes(16).toString('hex'), size: dice.below(100), ifMatch, ifNoneMatch: dice.chance(0.1) };
    return { kind: 'put', ...put, requireParent: flags.requireParent };
  }
  if (kind < 11) return { kind: 'remove', key, mustExist: dice.chance(0.3), keepParent: flags.keepParent };
  if (kind < 12) return { kind: 'annotate', key: dice.pick(NAMES), value: dice.chance(0.3) ? null : String(dice.below(9)) };
  if (kind < 13) return { kind: 'removeTree', key: dice.pick(['', ...FOLDERS, ...FOLDERS]), keepParent: flags.keepParent };
  const among = dice.chance(0.6) ? FOLDERS : NAMES;
  const places = { from: dice.pick(among), to: dice.chance(0.02) ? '' : dice.pick(among) };
  return { kind: dice.pick(['move', 'copy']), ...places, ...flags, overwrite: dice.chance(0.5), depth0: dice.chance(0.2) };
}

/** On the store: what it answers, as the model says it. `put` is told of every content that was stored. */
export async function run(
  store: MetadataStore,
  home: Home,
  operation: Operation,
  requestId = 'r',
  put: (etag: string) => void = () => undefined,
): Promise<Answer> {
  const who = { ...home.who, requestId };
  const versionId = randomBytes(16).toString('hex');
  try {
    switch (operation.kind) {
      case 'put': {
        const { key, etag, size, requireParent, ifMatch, ifNoneMatch } = operation;
        const conditions = {
          ...(ifMatch === null ? {} : { ifMatch: [ifMatch] }),
          ...(ifNoneMatch ? { ifNoneMatch: '*' as const } : {}),
        };
        const { created } = await store.commit(putIntent({ ...home, who }, key, { etag, size, requireParent, conditions }));
        put(etag);
        return { created };
      }
      case 'remove':
        return { existed: (await store.commit({ ...operation, who, bucket: home.id, versionId })).existed };
      case 'annotate': {
        const properties = { 'urn:x p': operation.value };
        await store.commit({ kind: 'annotate', who, bucket: home.id, key: operation.key, properties });
        return {};
      }
      case 'removeTree':
        return { count: (await store.removeTree({ ...operation, who, bucket: home.id })).removed };
      default: {
        const { kind, from, to, overwrite, requireParent, keepParent, depth0 } = operation;
        const intent = { who, from: address(home, from), to: address(home, to), overwrite, requireParent };
        const verdict = await (kind === 'move'
          ? store.move({ ...intent, keepParent })
          : store.copy({ ...intent, depth0, properties: true }));
        return { created: verdict.created, count: verdict.count };
      }
    }
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
