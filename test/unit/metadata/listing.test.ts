import { randomBytes, randomInt } from 'node:crypto';
import { expect } from 'chai';
import type {
  BriefRow,
  FolderEntry,
  FolderQuery,
  ListEntry,
  ListPage,
  ListQuery,
  MetadataStore,
} from '#contracts/metadata-store';
import { compareKeys } from '#core/address';
import type { ObjectAttributes } from '#core/object';
import type { Database } from '#metadata/database';
import { listBrief } from '#metadata/listing';
import { openMetadata } from '#metadata/open';
import { type BriefEntry, entryOf } from '../../support/brief-rows.ts';
import { freshDatabase, quiet } from '../../support/database.ts';
import { gatherFolder } from '../../support/folder-rows.ts';

const ROUNDS = 150;

/**
 * The keys one by one are the truth; a page with a delimiter must be what rolling them up by hand gives. With `/` it is read from
 * the table of folders, with another delimiter from the keys, so the rows of both have to agree after puts and removals.
 */
describe('a listing with a delimiter', () => {
  const seed = Number(process.env.LISTING_SEED ?? randomInt(2 ** 31));

  it(`is the keys rolled up, from any cursor, page by page (LISTING_SEED=${seed})`, async function () {
    this.timeout(60_000);
    const pick = pickFrom(seed);
    const db = await freshDatabase({ schema: true });
    const clock = { now: () => Date.now() };
    const metadata = await openMetadata({ connection: db.connection, clock, random: randomBytes, log: quiet });
    try {
      const domain = await metadata.keys.insert(Buffer.from('x'));
      const principal = await metadata.principals.create({ name: 'a', role: 'admin', passwordHash: null, domain });
      const bucket = (await metadata.buckets.create({ name: 'home-1', owner: principal.id, domain, alias: 'home' })).id;
      const base = { who: { principal, protocol: 's3' as const, requestId: 'r' }, bucket };
      const version = (): string => randomBytes(16).toString('hex');
      const content = { kind: 'inline' as const, domain, size: 3, sealed: Buffer.from('abc') };
      const written = { content, etag: 'e', contentHash: null, chunks: [], leaves: [] };
      const put = (key: string) =>
        metadata.store.commit({ ...base, kind: 'put', key, versionId: version(), attributes: attributesOf(key), ...written });
      const remove = (key: string) => metadata.store.commit({ ...base, kind: 'remove', key, versionId: version() });

      const keys = [...new Set(Array.from({ length: 120 }, () => keyOf(pick)))];
      await Promise.all(keys.map(put));
      const gone = keys.filter(() => pick(3) === 0);
      await Promise.all(gone.map(remove));
      const live = keys.filter((key) => !gone.includes(key)).sort(compareKeys);

      for (let round = 0; round < ROUNDS; round++) {
        const name = (): string =>
          pick(4) === 0 ? '' : pick(2) === 0 ? keyOf(pick) : [...keyOf(pick)].slice(0, 1 + pick(4)).join('');
        const query = { prefix: name(), delimiter: ['/', '/', '/', 'b', '/b', ''][pick(6)] ?? '/', after: name() };
        const expected = rolledUp(live, query);
        const found: string[] = [];
        for (let after: string | null = query.after; after !== null; ) {
          const limit = 1 + pick(8);
          const page = await metadata.store.list({ bucket, ...query, after, limit, directories: pick(2) === 0 });
          const shown: BriefEntry[] = [];
          const brief = await metadata.store.listBrief(
            { bucket, ...query, after, limit },
            () => (row) => shown.push(entryOf(row)),
          );
          expect(brief).to.deep.equal({ count: page.entries.length, next: page.next, etag: null });
          expect(shown).to.deep.equal(inBrief(page));
          expect(page.entries.length).to.be.at.most(limit);
          found.push(...page.entries.map(nameOf));
          after = page.next;
        }
        expect(found, JSON.stringify(query)).to.deep.equal(expected);
        if (round % 3 > 0) continue;
        const folder = ['', ...found.filter((one) => one.endsWith('/')).map((one) => one.replace(/^common /, ''))][pick(3)] ?? '';
        await listsAsOfOneMoment(metadata.store, { bucket, folder, after: pick(2) === 0 ? '' : name(), limit: 1 + pick(30) });
      }

      const files = ['1', '2', '3', '4', '5'].map((name) => `files/${name}`);
      await Promise.all(files.map(put));
      const walked: BriefEntry[] = [];
      for (let after: string | null = ''; after !== null && walked.length <= files.length; ) {
        const query: ListQuery = { bucket, prefix: 'files/', delimiter: '/', after, limit: 2 };
        after = (await metadata.store.listBrief(query, () => (row) => walked.push(entryOf(row))))?.next ?? null;
      }
      expect(walked.map((entry) => 'name' in entry && entry.name)).to.deep.equal(files);
    } finally {
      await metadata.close();
      await db.drop();
    }
  });
});

describe('a page whose database is lost while it comes', () => {
  it('is the one that comes then, whole', async () => {
    const row = (key: string): Buffer => {
      const columns = [Buffer.from(key), Buffer.alloc(8), Buffer.from('e'), Buffer.alloc(8), null, null, null];
      const lengths = columns.map((column) => Buffer.from(Int32Array.of(column?.length ?? -1).buffer).swap32());
      return Buffer.concat([
        Buffer.of(0, 7),
        ...columns.flatMap((column, at) => [lengths[at] as Buffer, column ?? Buffer.alloc(0)]),
      ]);
    };
    const readRows: Database['readRows'] = async (_statement, _values, begin) => {
      for (const keys of [
        ['a', 'b'],
        ['a', 'c', 'd'],
      ]) {
        const tell = begin();
        for (const key of keys) tell(row(key), 0);
      }
    };
    let shown: BriefEntry[] = [];
    const query = { bucket: 1, prefix: '', delimiter: '', after: '', limit: 3 };
    const begin = () => {
      shown = [];
      return (one: BriefRow) => shown.push(entryOf(one));
    };
    const page = await listBrief({ readRows } as Partial<Database> as Database, query, begin, null);
    expect(page).to.deep.equal({ count: 3, next: null });
    expect(shown.map((entry) => 'name' in entry && entry.name)).to.deep.equal(['a', 'c', 'd']);
  });
});

/** Of each kind that a list tells apart. */
function attributesOf(key: string): ObjectAttributes {
  const checksum = {
    algorithm: 'crc32c' as const,
    value: 'AAAAAA==',
    type: key.length % 2 ? ('COMPOSITE' as const) : ('FULL_OBJECT' as const),
  };
  const kinds: ObjectAttributes[] = [
    {},
    { contentType: 'x/y', checksum },
    { checksum, partSizes: [1, 2], extra: { 's3.storageClass': 'GLACIER' } },
    { extra: { other: 'x\u001fy' }, user: { checksum: 'none' } },
  ];
  return kinds[key.length % kinds.length] as ObjectAttributes;
}

/** What a folder lists is what a page by `/` gives, but for what no folder shows; and its row is the folder's. */
async function listsAsOfOneMoment(store: MetadataStore, query: FolderQuery): Promise<void> {
  const { bucket, folder: path, after, limit } = query;
  const told = JSON.stringify(query);
  const list = (options: Partial<FolderQuery> = {}) => gatherFolder((begin) => store.listFolder({ ...query, ...options }, begin));
  const { folder, ...page } = await list();
  expect(folder, told).to.deep.equal(await store.directory({ bucket, key: path }));
  const level = await store.list({ bucket, prefix: path, delimiter: '/', after, limit, directories: true });
  expect({ ...page, entries: page.entries?.map(shown) }, told).to.deep.equal({ ...level, entries: level.entries.map(shown) });
  if (folder === null) return;
  const known = await list({ unless: folder.etag });
  expect(known, told).to.deep.equal({ folder, entries: null, next: null });
  const file = path === '' ? null : await store.current({ bucket, key: path.slice(0, -1) });
  const { folder: found } = await list({ fileFirst: true });
  expect(found === null, told).to.equal(file !== null);
}

function shown(entry: FolderEntry): unknown {
  if (entry.kind === 'prefix') return entry;
  const { kind, bucket, key, nodeId, size, etag, modified, mtime, created, attributes, properties } = entry.info;
  return { kind, bucket, key, nodeId, size, etag, modified, mtime, created, attributes, properties };
}

function inBrief({ entries }: ListPage): BriefEntry[] {
  return entries.map((entry) => {
    if (entry.kind === 'prefix') return { prefix: entry.prefix };
    const { key, size, etag, modified, attributes } = entry.info;
    const checksum = attributes.checksum ? { algorithm: attributes.checksum.algorithm, type: attributes.checksum.type } : null;
    return { name: key, size, etag, modified, checksum, storageClass: attributes.extra?.['s3.storageClass'] ?? null };
  });
}

/** What a bucket's keys show through a query, by the contract of `ListQuery`. */
function rolledUp(keys: string[], { prefix, delimiter, after }: { prefix: string; delimiter: string; after: string }): string[] {
  const names = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      return at < 0 ? key : `common ${key.slice(0, at + delimiter.length)}`;
    });
  return [...new Set(names)].filter((name) => compareKeys(name.replace(/^common /, ''), after) > 0);
}

function nameOf(entry: ListEntry): string {
  if (entry.kind === 'object') return entry.info.key;
  if (entry.directory !== null) expect(entry.directory.key).to.equal(entry.prefix);
  return `common ${entry.prefix}`;
}

/** Short keys of few characters, so that they share prefixes; with empty segments, markers, and what sorts around a slash. */
function keyOf(pick: (below: number) => number): string {
  const characters = ['a', 'b', '/', '/', '.', '0', '\u{10ffff}', '\uffff'];
  // Now and then what parts the entries of a page that comes as one text.
  const one = (): string => (pick(60) === 0 ? ['\u001e', '\u001f'][pick(2)] : characters[pick(characters.length)]) as string;
  return Array.from({ length: 1 + pick(6) }, one).join('');
}

/** mulberry32 */
function pickFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
