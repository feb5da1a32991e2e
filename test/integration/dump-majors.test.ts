import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { restoreDump } from '#metadata/dump/restore';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { type Metadata, openMetadata } from '#metadata/open';
import { freshDatabase, quiet, type TestDatabase } from '../support/database.ts';
import { contentsOf, dumpChain } from '../support/dump-chain.ts';
import { putIntent } from '../support/metadata-rig.ts';

/**
 * From one major version of Postgres to another, both ways. With CLOUDSTORE_TEST_DATABASE_URL (in CI Debian's) the other is that one, else another
 * database of the embedded version.
 */
describe('a dump moves between servers', function () {
  this.timeout(180_000);
  let directory: string;
  let server: EmbeddedPostgres;
  let embedded: TestDatabase;
  let other: TestDatabase;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cloudstore-majors-'));
    server = await startEmbeddedPostgres({ dataDirectory: directory, clock: Date, random: randomBytes, log: quiet });
    embedded = await databaseOn('source');
    other = await freshDatabase();
  });
  after(async () => {
    await other?.drop();
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function databaseOn(name: string): Promise<TestDatabase> {
    const { socketDirectory: host, port, user } = server.connection;
    const query = async (database: string, text: string, values: unknown[] = []): Promise<unknown[][]> => {
      const client = new pg.Client({ host, port, user, database });
      await client.connect();
      try {
        return (await client.query<unknown[]>({ text, values, rowMode: 'array' })).rows;
      } finally {
        await client.end();
      }
    };
    await query(server.connection.database, `CREATE DATABASE ${name}`);
    return {
      connection: { ...server.connection, database: name },
      sql: (text, values) => query(name, text, values),
      drop: async () => undefined,
    };
  }

  const open = ({ connection }: TestDatabase) => openMetadata({ connection, clock: Date, random: randomBytes, log: quiet });

  async function fill({ principals, keys, buckets, store, instance, uploads }: Metadata): Promise<void> {
    const domain = await keys.insert(Buffer.concat([Buffer.of(1), randomBytes(99)]));
    const { id, name, role } = await principals.create({ name: 'änn', role: 'admin', passwordHash: '$scrypt$', domain });
    await principals.addKey({
      id: 'KEY',
      principal: id,
      sealedSecret: Buffer.concat([Buffer.of(1), randomBytes(59)]),
      name: 'a "key"\n',
    });
    await instance.putSetting('odd', { text: '\\ \t ü 漢', number: 1.5, nothing: null });
    const who = { principal: { id, name, role }, protocol: 'rest', requestId: 'r' } as const;
    for (const versioning of ['off', 'enabled'] as const) {
      const bucket = { ...(await buckets.create({ name: `bucket-${versioning}`, owner: id, domain, versioning })), who };
      for (const key of ['a', 'a/b', 'ü/\n\\', 'x'.repeat(1000)]) {
        const attributes = { contentType: 'text/plain; "quoted"' };
        await store.commit(
          putIntent(bucket, key, { attributes: { ...attributes, tags: { 'k\\': '\u0001' } }, contentHash: randomBytes(32) }),
        );
        await store.commit(putIntent(bucket, key));
      }
      await store.commit({ kind: 'annotate', who, bucket: bucket.id, key: 'a/', properties: { 'DAV: p': '<x>&</x>' } });
      await uploads.create({ bucket: bucket.id, key: 'u', principal: id, attributes: {} });
    }
  }

  async function move(from: TestDatabase, to: TestDatabase): Promise<void> {
    const source = await open(from);
    const chain = dumpChain(() => source.dumps);
    try {
      await chain.take('base');
      await source.instance.putSetting('after-the-base', true);
      await chain.take('changes');
    } finally {
      await source.close();
    }
    const { head } = await restoreDump({ connection: to.connection, chain: chain.chain(), clock: Date, log: quiet });
    const [[from_], [to_]] = [await from.sql('SHOW server_version'), await to.sql('SHOW server_version')];
    console.log(`      from ${from_} to ${to_}`);
    expect(head.postgres).to.equal(from_?.[0]);
    expect(await contentsOf(to)).to.deep.equal(await contentsOf(from));
    const target = await open(to);
    try {
      const bucket = await target.buckets.resolve(null, 'bucket-enabled');
      const { epoch } = await target.journal.head(bucket!.id);
      expect(epoch).to.be.above(1_000_000);
      const made = await target.principals.create({ name: `new-${epoch}`, role: 'member', passwordHash: null, domain: 1 });
      expect(made.id).to.be.above(1_000);
      await target.principals.remove(made.id, (await target.principals.findByName('änn'))!.id);
    } finally {
      await target.close();
    }
  }

  it('from the embedded one to the other, and back', async () => {
    const metadata = await open(embedded);
    await fill(metadata);
    await metadata.close();
    await move(embedded, other);
    await move(other, await databaseOn('returned'));
  });

  it('is refused by a database that holds another installation', async () => {
    const source = await open(embedded);
    const chain = dumpChain(() => source.dumps);
    await chain.take('base');
    await source.close();
    const taken = await open(other);
    await taken.instance.putSetting('instance-id', 'another');
    await taken.close();
    const refused = await restoreDump({ connection: other.connection, chain: chain.chain(), clock: Date, log: quiet }).catch(
      (error: Error & { code?: string }) => error.code,
    );
    expect(refused).to.equal('conflict');
  });
});
