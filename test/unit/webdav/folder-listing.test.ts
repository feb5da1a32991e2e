import { expect } from 'chai';
import type { FolderEntry, FolderPage, FolderTeller } from '#contracts/metadata-store';
import { compareKeys, nameOf } from '#core/address';
import type { DirectoryInfo, ObjectAttributes, ShownObject } from '#core/object';
import type { Exchange } from '#protocols/webdav/exchange';
import { listFolder } from '#protocols/webdav/folder-listing';
import { createListingCache } from '#protocols/webdav/listing-cache';
import { CLOSE, OPEN } from '#protocols/webdav/multistatus';
import { encodeName } from '#protocols/webdav/names';
import { encodeSegment, type Place } from '#protocols/webdav/paths';
import { contextOf } from '#protocols/webdav/properties/context';
import { compileRenderer, type Renderer } from '#protocols/webdav/properties/render';
import { PROPERTIES, type PropertyName } from '#protocols/webdav/properties/table';
import { tellFolder } from '../../support/folder-rows.ts';
import { type Dice, quickDice, SEED } from '../../support/random.ts';

const PIECES = [
  'a',
  'b',
  '.',
  ' ',
  '&',
  '<',
  "'",
  '"',
  '%',
  'ä',
  '日',
  '😀',
  '\u0001',
  '\ufffe',
  '\uec5a',
  'empty',
  '~',
  '!',
  'x.txt',
];
const TIMES = [1, 999, 1_700_000_123_456, 951_782_400_007, 1_767_225_600_010, 253_402_300_799_999, 0, 253_402_300_800_000];
const ROUNDS = 400;

describe('WebDAV: a folder written as bytes', () => {
  it(`is what its entries are rendered as, one by one (CLOUDSTORE_TEST_SEED=${SEED})`, async () => {
    const dice = quickDice(SEED);
    let plain = 0;
    // As long as chance wants, within reason.
    for (let round = 0; round < ROUNDS || (round < 10 * ROUNDS && plain <= ROUNDS / 5); round++) {
      const folder = directoryOf(dice, dice.chance(0.3) ? '' : `${nameFrom(dice)}/`);
      const entries = entriesOf(dice, folder.key);
      const renderer = rendererOf(dice);
      const { x, place } = exchangeOf(dice, folder, entries);
      const locks = dice.chance(0.4) ? [lockOn(dice, entries)] : [];
      const known = { locks, quota: { used: 5, available: null }, head: null, ownerName: 'ann' };
      const context = contextOf(x, renderer.needs, { buckets: [], place, key: folder.key, below: true }, known);
      const late = dice.chance(0.2);
      const gathering = late
        ? new Promise<typeof context>((resolve) => setImmediate(resolve, context))
        : Promise.resolve(context);
      if (renderer.plain(context) !== null && locks.length === 0 && !late) plain++;
      const listing = listFolder(x, 1, place, renderer, gathering);
      const texts: string[] = [];
      for (let after: string | null = ''; after !== null; ) {
        const page = await listing.page(folder.key, { after });
        for (const block of await page.blocks(page.next === null)) texts.push(block.toString());
        after = page.next;
      }
      expect(texts.join(''), `round ${round}`).to.equal(rendered(renderer, folder, entries, place, context));
    }
    expect(plain, 'some were written').to.be.greaterThan(ROUNDS / 5);
  });
});

/** As a store gives them: pages of some, told a second time where the database was lost. */
function exchangeOf(dice: Dice, folder: DirectoryInfo, entries: FolderEntry[]): { x: Exchange; place: Place } {
  const limit = 1 + dice.below(12);
  const list = async (
    _who: unknown,
    _at: unknown,
    { after }: { after: string },
    begin: () => FolderTeller,
  ): Promise<FolderPage> => {
    const rest = entries.filter((entry) => compareKeys(keyOf(entry), after) > 0);
    const page = rest.slice(0, limit);
    if (dice.chance(0.2)) tellFolder(begin(), folder, page.slice(0, dice.below(page.length + 1)));
    tellFolder(begin(), folder, page);
    const last = page.at(-1);
    return { folder, count: page.length, next: rest.length > limit && last !== undefined ? keyOf(last) : null };
  };
  const deps = {
    namespace: { listFolder: list },
    listings: createListingCache({ small: 1 << 16, smallEach: 1 << 12, large: 1 << 16 }),
    clock: { now: () => 1_700_000_000_000 },
    principalsBase: '/dav/principals',
  };
  const place = { kind: 'place', bucket: 'home', key: folder.key.slice(0, -1), root: folder.key === '', href: '/dav/home/x' };
  const x = { deps, who: { principal: { id: 1, name: 'ann' } }, mount: { base: '/dav', bucket: null } };
  return { x: x as unknown as Exchange, place: { ...place, folder: false, slash: false } as Place };
}

/** The truth: each by itself, as text. */
function rendered(
  renderer: Renderer,
  folder: DirectoryInfo,
  entries: FolderEntry[],
  place: Place,
  context: ReturnType<typeof contextOf>,
): string {
  const href = `${place.href}/`;
  const files = new Set(entries.flatMap((entry) => (entry.kind === 'object' ? entry.info.key : [])));
  let text = OPEN + renderer.response(folder, place.root ? 'home' : nameOf(folder.key), href, context);
  for (const entry of entries) {
    if (entry.kind === 'object') {
      const name = entry.info.key.slice(folder.key.length);
      if (name === '' && entry.info.size === 0) continue;
      text += renderer.response(entry.info, name, href + encodeSegment(encodeName(name)), context);
    } else if (entry.directory !== null) {
      const name = nameOf(entry.prefix.slice(folder.key.length));
      const shown = encodeSegment(encodeName(name, files.has(entry.prefix.slice(0, -1))));
      text += renderer.response(entry.directory, name, `${href}${shown}/`, context);
    }
  }
  return text + CLOSE;
}

function rendererOf(dice: Dice): Renderer {
  const options = { compact: dice.chance(0.2), minimal: dice.chance(0.3) };
  const some = PROPERTIES.filter(({ needs }) => needs !== 'rights' && dice.chance(0.2));
  const names: PropertyName[] = [
    ...some.map(({ namespace = 'DAV:', name }) => ({ namespace, name })),
    { namespace: 'u', name: 'dead' },
  ];
  if (dice.chance(0.4)) return compileRenderer({ kind: 'prop', names: names.slice(dice.below(names.length)) }, options);
  if (dice.chance(0.1)) return compileRenderer({ kind: 'propname' }, options);
  return compileRenderer({ kind: 'allprop', include: dice.chance(0.7) ? [] : names }, options);
}

/** Sorted, with folders beside files of their names, and the folder's own marker. */
function entriesOf(dice: Dice, folder: string): FolderEntry[] {
  const keys = new Set(Array.from({ length: dice.below(40) }, () => `${folder}${nameFrom(dice)}${dice.chance(0.3) ? '/' : ''}`));
  if (folder !== '' && dice.chance(0.3)) keys.add(folder);
  return [...keys].sort(compareKeys).map((key) => {
    if (key === folder || !key.endsWith('/')) return { kind: 'object', info: fileOf(dice, key) };
    return { kind: 'prefix', prefix: key, directory: directoryOf(dice, key) };
  });
}

let attributes: ObjectAttributes = {};

function fileOf(dice: Dice, key: string): ShownObject {
  if (dice.chance(0.3))
    attributes = {
      ...(dice.chance(0.7) ? { contentType: dice.pick(['text/plain', 'a&b/<c>', '']) } : {}),
      ...(dice.chance(0.1) ? { contentLanguage: 'de & en' } : {}),
    };
  return {
    kind: 'object',
    bucket: 1,
    key,
    nodeId: dice.below(1000),
    size: dice.below(3) * 1000,
    etag: dice.chance(0.95) ? 'e'.repeat(1 + dice.below(40)) : '',
    modified: dice.pick(TIMES),
    mtime: dice.pick(TIMES),
    created: dice.pick(TIMES),
    attributes,
    properties: dice.chance(0.1)
      ? { 'u dead': '<x:dead xmlns:x="u">&lt;</x:dead>', 'DAV: displayname': '<d:displayname xmlns:d="DAV:"/>' }
      : null,
  };
}

function directoryOf(dice: Dice, key: string): DirectoryInfo {
  const times = { modified: dice.pick(TIMES), created: dice.pick(TIMES) };
  return {
    kind: 'directory',
    bucket: 1,
    key,
    directoryId: 7,
    explicit: false,
    etag: 'e-1',
    ...times,
    properties: null,
    bytes: 5,
  };
}

function lockOn(dice: Dice, entries: FolderEntry[]) {
  const key = dice.pick(['a', ...entries.map(keyOf).filter((one) => !one.endsWith('/'))]);
  const at = { bucket: 1, key };
  return {
    at,
    token: 'urn:uuid:1',
    principal: 1,
    exclusive: true,
    infinite: false,
    ownerXml: null,
    timeoutMs: 1,
    expires: 1_700_000_009_000,
  };
}

function keyOf(entry: FolderEntry): string {
  return entry.kind === 'object' ? entry.info.key : entry.prefix;
}

function nameFrom(dice: Dice): string {
  return Array.from({ length: 1 + dice.below(3) }, () => dice.pick(PIECES)).join('');
}
