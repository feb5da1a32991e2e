import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createMemoryBlobs } from '#blob/memory';
import { IDENTITY_NAME } from '#blob/store-identity';
import type { BlobStore } from '#contracts/blob-store';
import type { ChunkPlace } from '#contracts/content';
import { bytesOf } from '#core/stream';
import { type Metadata, openMetadata } from '#metadata/open';
import { recognize } from '../../src/known-store.ts';
import { openPacks, type Packs, type PacksOptions } from '../../src/packs.ts';
import { freshDatabase, quiet, type TestDatabase } from '../support/database.ts';

const clock = { now: () => Date.now() };
const LOCAL: PacksOptions['settings'] = {
  'database-url': null,
  'chunks-url': null,
  'chunks-ack': 'auto',
  'chunks-local-bytes': 2 ** 30,
  'pack-dirs': [],
};

describe('a store of packs is the one that the database knows', () => {
  let directory: string;
  let database: TestDatabase;
  let metadata: Metadata;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-known-'));
    database = await freshDatabase({ schema: true });
    metadata = await openMetadata({ connection: database.connection, clock, random: randomBytes, log: quiet });
  });
  afterEach(async () => {
    await metadata.close();
    await database.drop();
    rmSync(directory, { recursive: true, force: true });
  });

  const open = (name: string, settings = LOCAL): Promise<Packs> =>
    openPacks({
      dataDirectory: join(directory, name),
      settings,
      instance: metadata.instance,
      registry: metadata.stores,
      clock,
      random: randomBytes,
      logger: quiet,
    });
  /** Why it does not open. */
  const refusal = async (name: string, settings = LOCAL): Promise<string> => {
    try {
      await (await open(name, settings)).close();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error(`${name} opened`);
  };
  /** A record whose chunk the database knows. */
  async function store(packs: Packs): Promise<{ place: ChunkPlace; bytes: Buffer }> {
    const bytes = randomBytes(1000);
    const place = await packs.log.append([bytes]);
    await metadata.chunks.record(1, [{ id: randomBytes(32), size: 900, ...place }], []);
    return { place, bytes };
  }
  const identityFile = (name: string): string => join(directory, name, 'packs', IDENTITY_NAME);

  it('is entered at the first start, and opens again', async () => {
    const packs = await open('one');
    const { place, bytes } = await store(packs);
    await packs.close();
    const [row] = await metadata.stores.list();
    expect(row).to.include({ number: 0, kind: 'local', state: 'active' });
    const file = JSON.parse(readFileSync(identityFile('one'), 'utf8'));
    expect(file).to.deep.equal({ format: 1, instance: await metadata.instance.setting('instance-id'), store: row!.identity });
    const again = await open('one');
    expect((await again.log.read(place, 0, 1000)).equals(bytes)).to.equal(true);
    await again.close();
    const pack = readFileSync(join(directory, 'one', 'packs', `${place.pack}.pack`));
    expect(pack.toString('hex', 24, 40)).to.equal(file.instance);
    // Moved to another path, it is the same.
    cpSync(join(directory, 'one'), join(directory, 'moved'), { recursive: true });
    await (await open('moved')).close();
    expect((await metadata.stores.list())[0]!.location).to.contain('moved');
  });

  it('refuses an empty directory in its place: the disk is not mounted, or it is another gateway', async () => {
    const packs = await open('one');
    await store(packs);
    await packs.close();
    expect(await refusal('two'))
      .to.contain('is not the store of packs that the database knows')
      .and.contain(join(directory, 'one'));
    expect(existsSync(identityFile('two'))).to.equal(false);
    expect(await metadata.stores.list()).to.have.length(1);
    await (await open('one')).close();
  });

  it('refuses the packs of another installation, and touches nothing there', async () => {
    const other = await freshDatabase({ schema: true });
    const otherMetadata = await openMetadata({ connection: other.connection, clock, random: randomBytes, log: quiet });
    const theirs = await openPacks({
      dataDirectory: join(directory, 'theirs'),
      settings: LOCAL,
      instance: otherMetadata.instance,
      registry: otherMetadata.stores,
      clock,
      random: randomBytes,
      logger: quiet,
    });
    await theirs.log.append([randomBytes(100)]);
    await theirs.close();
    await otherMetadata.close();
    await other.drop();
    const before = readFileSync(identityFile('theirs'), 'utf8');
    expect(await refusal('theirs')).to.contain('belongs to another installation');
    rmSync(identityFile('theirs'));
    expect(await refusal('theirs')).to.contain('another installation');
    expect(before).to.contain('instance');
    expect(await metadata.stores.list()).to.deep.equal([]);
  });

  it('takes in packs from before stores had identities, and a copy that lost its file, by the packs that it knows', async () => {
    const packs = await open('one');
    const kept = await store(packs);
    await packs.close();
    rmSync(identityFile('one'));
    const restored = await open('one');
    expect((await restored.log.read(kept.place, 0, 1000)).equals(kept.bytes)).to.equal(true);
    await restored.close();
    expect(existsSync(identityFile('one'))).to.equal(true);
    // As an older version left it: neither row nor file.
    await database.sql('DELETE FROM stores');
    rmSync(identityFile('one'));
    await (await open('one')).close();
    expect(await metadata.stores.list()).to.have.length(1);
    // And the same when the disk with its packs is not there.
    await database.sql('DELETE FROM stores');
    mkdirSync(join(directory, 'empty'));
    expect(await refusal('empty')).to.contain('is empty, and the database knows packs in it');
  });

  it('refuses to serve from the data directory when the packs are in S3', async () => {
    await metadata.stores.register({ identity: 'ab'.repeat(16), kind: 's3', location: 's3://there/' });
    expect(await refusal('one'))
      .to.contain('s3://there/')
      .and.contain('CLOUDSTORE_CHUNKS_URL');
  });

  describe('in a remote store', () => {
    const take = async (blobs: BlobStore, location: string): Promise<number> => {
      const rows = await metadata.stores.list();
      const { number } = await recognize({
        blobs,
        kind: 's3',
        location,
        setting: 'chunks-url',
        instance: await metadata.instance.settingOrInsert('instance-id', 'cd'.repeat(16)),
        registry: metadata.stores,
        random: randomBytes,
        expected: rows.find(({ kind }) => kind === 's3') ?? null,
        packs: async () => [],
      });
      return number;
    };
    const why = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => '',
        (error: Error) => error.message,
      );

    it('is entered once, however many gateways start at a time', async () => {
      const blobs = createMemoryBlobs();
      const numbers = await Promise.all(Array.from({ length: 8 }, () => take(blobs, 's3://a/')));
      expect(new Set(numbers)).to.deep.equal(new Set([1]));
      expect(await metadata.stores.list()).to.have.length(1);
    });

    it('refuses another bucket, an empty one and one of somebody else', async () => {
      const blobs = createMemoryBlobs();
      await take(blobs, 's3://a/');
      expect(await why(take(createMemoryBlobs(), 's3://b/')))
        .to.contain('s3://b/')
        .and.contain('(s3://a/)');
      const theirs = createMemoryBlobs();
      const text = Buffer.from(JSON.stringify({ format: 1, instance: 'ee'.repeat(16), store: 'ff'.repeat(16) }));
      await theirs.put(IDENTITY_NAME, bytesOf(text), text.length);
      expect(await why(take(theirs, 's3://c/'))).to.contain('belongs to another installation');
      const broken = createMemoryBlobs();
      await broken.put(IDENTITY_NAME, bytesOf(Buffer.from('{}')), 2);
      expect(await why(take(broken, 's3://d/')))
        .to.contain(IDENTITY_NAME)
        .and.contain('cannot be understood');
      await take(blobs, 's3://renamed/');
      expect((await metadata.stores.list())[0]!.location).to.equal('s3://renamed/');
    });
  });
});
