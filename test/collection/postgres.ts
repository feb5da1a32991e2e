import { randomBytes } from 'node:crypto';
import { type ContentRef, decodeContentRef } from '#core/content-ref';
import { isCloudStoreError } from '#core/errors';
import type { Metadata } from '#metadata/open';
import { address, type MetadataRig, putIntent } from '../support/metadata-rig.ts';
import { Killed } from './model.ts';
import type { Turns } from './schedule.ts';
import {
  type ChunkNumber,
  chunksOfLeaf,
  type GatewayWorld,
  idOf,
  leafNumber,
  type Named,
  type Placed,
  RECORD_LENGTH,
  Refused,
  type World,
} from './world.ts';

/** The same schedules on Postgres: each call is one turn, and is over before the next begins. */
export async function createPostgresWorld(rig: MetadataRig, metadatas: Metadata[], { turn, io }: Turns): Promise<World> {
  const { database } = rig;
  await database.sql('UPDATE gateways SET fenced = true');
  const home = await rig.bucket();
  const { id: bucket, domain } = home;
  /** No two domains share an id, as their keys are their own. */
  const idIn: typeof idOf = (kind, number) => {
    const id = idOf(kind, number);
    id.writeUInt32BE((id.readUInt32BE(8) ^ Math.imul(domain, 0x85ebca6b)) >>> 0, 8);
    return id;
  };
  const sizeOf = (chunks: ChunkNumber[]): number => chunks.length * 1000;

  const contentOf = (named: Named): ContentRef =>
    named.kind === 'chunk'
      ? { kind: 'chunk', domain, size: 1000, id: idIn('chunk', named.chunk) }
      : {
          kind: 'manifest',
          domain,
          size: named.leaves.reduce((sum, leaf) => sum + sizeOf(leaf), 0),
          leaves: named.leaves.map((leaf) => ({ id: idIn('leaf', leafNumber(leaf)), size: sizeOf(leaf) })),
        };
  const namedOf = (content: ContentRef): Named | null => {
    if (content.kind === 'chunk') return { kind: 'chunk', chunk: content.id.readUInt32BE(0) };
    return content.kind === 'inline'
      ? null
      : { kind: 'manifest', leaves: content.leaves.map(({ id }) => chunksOfLeaf(id.readUInt32BE(0))) };
  };
  const recordsOf = (added: Placed[]) =>
    added.map(({ chunk, pack, offset }) => ({
      id: idIn('chunk', chunk),
      size: 1000,
      store: 0,
      pack,
      offset,
      length: RECORD_LENGTH,
    }));
  const leafRecordsOf = (leaves: ChunkNumber[][]) =>
    leaves.map((leaf) => {
      const size = Buffer.alloc(4);
      size.writeUInt32BE(1000);
      const entries = Buffer.concat(leaf.map((chunk) => Buffer.concat([idIn('chunk', chunk), size])));
      return { id: idIn('leaf', leafNumber(leaf)), size: sizeOf(leaf), entries };
    });
  /** Overwritten and removed ones are gone at once, as when their retention is over. */
  const forgetHistory = () =>
    database.sql(`DELETE FROM versions WHERE visibility = 'hidden' AND slot_id IN (SELECT id FROM slots WHERE bucket_id = $1)`, [
      bucket,
    ]);

  async function told<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (isCloudStoreError(error) && error.details.collected === true) throw new Refused('collected');
      if (isCloudStoreError(error) && error.details.fenced === true) throw new Refused('fenced');
      if (isCloudStoreError(error, 'upload_not_found')) throw new Refused('gone');
      throw error;
    }
  }

  async function createGateway(metadata: Metadata, name: string): Promise<GatewayWorld> {
    const about = { host: name, pid: 1, version: '0' };
    let number = await metadata.instance.register(about);
    const leases = new Set<{ end(): void }>();
    /** One turn, one call; what comes of it is nobody's when the gateway died meanwhile. */
    async function call<T>(work: () => Promise<T>): Promise<T> {
      const { life } = gateway;
      await turn();
      if (gateway.life !== life) throw new Killed();
      return io(told(work()));
    }
    const gateway: GatewayWorld = {
      name,
      life: 0,
      doubts: 0,
      asleep: false,
      lease() {
        const given = metadata.chunks.lease();
        const held = { end: () => void given.then((lease) => lease.end()) };
        leases.add(held);
        return held;
      },
      claim: (chunks) =>
        call(async () =>
          (
            await metadata.chunks.claim(
              domain,
              chunks.map((chunk) => idIn('chunk', chunk)),
            )
          ).map((place) => place !== null),
        ),
      record: (added, leaves) => call(() => metadata.chunks.record(domain, recordsOf(added), leafRecordsOf(leaves))),
      put: (key, named, added, leaves, completes) =>
        call(async () => {
          const more = {
            chunks: recordsOf(added),
            leaves: leafRecordsOf(leaves),
            ...(completes === undefined ? {} : { completesUpload: completes }),
          };
          await metadata.store.commit({
            ...putIntent(home, completes === undefined ? key : 'upload', more),
            content: contentOf(named),
          });
          await forgetHistory();
        }),
      remove: (key) =>
        call(async () => {
          await metadata.store.commit({ kind: 'remove', who: home.who, bucket, key, versionId: randomBytes(16).toString('hex') });
          await forgetHistory();
        }),
      beginUpload: () =>
        call(async () => (await metadata.uploads.create({ bucket, key: 'upload', principal: home.owner, attributes: {} })).id),
      putPart: (upload, part, named, added, leaves) =>
        call(async () => {
          const content = contentOf(named);
          const row = { number: part, size: content.size, etag: 'ab'.repeat(16), content, digests: {}, modified: Date.now() };
          await metadata.uploads.putPart(upload, row, recordsOf(added), leafRecordsOf(leaves));
        }),
      parts: (upload) =>
        call(async () => (await metadata.uploads.parts(upload, 0, 100)).flatMap(({ content }) => namedOf(content) ?? [])),
      abort: (upload) => call(() => metadata.uploads.abort(bucket, 'upload', upload)),
      async heartbeat() {
        try {
          await io(metadata.instance.heartbeat(number));
        } catch (error) {
          if (!isCloudStoreError(error, 'conflict')) throw error;
          gateway.doubts++;
          number = await io(metadata.instance.register(about));
        }
      },
      async silence() {
        gateway.asleep = true;
        await io(database.sql('UPDATE gateways SET seen_ms = 0 WHERE id = $1', [number]));
      },
      async wake() {
        gateway.asleep = false;
        await gateway.heartbeat();
      },
      async kill() {
        gateway.life++;
        gateway.asleep = false;
        for (const held of leases) held.end();
        leases.clear();
        await io(database.sql('UPDATE gateways SET seen_ms = 0 WHERE id = $1', [number]));
        number = await io(metadata.instance.register(about));
      },
    };
    return gateway;
  }

  const [first] = metadatas as [Metadata];
  const inTurns = <T extends object>(store: T): T =>
    new Proxy(store, {
      get:
        (_, name) =>
        async (...args: unknown[]) => {
          await turn();
          const method = Reflect.get(store, name) as (...given: unknown[]) => Promise<unknown>; // every member is one
          return io(told(method(...args)));
        },
    });
  async function everything() {
    const contents = await database.sql(
      `SELECT v.content FROM versions v JOIN slots s ON s.id = v.slot_id WHERE s.bucket_id = $1 AND v.content IS NOT NULL
       UNION ALL SELECT p.content FROM parts p JOIN uploads u ON u.id = p.upload_id WHERE u.bucket_id = $1`,
      [bucket],
    );
    const named = contents.flatMap(([content]) => namedOf(decodeContentRef(content as Buffer)) ?? []);
    const numbers = (rows: unknown[][]) => new Map(rows.map(([id, ...rest]) => [(id as Buffer).readUInt32BE(0), rest]));
    const leaves = numbers(await database.sql('SELECT id FROM leaves WHERE domain = $1', [domain]));
    const chunks = numbers(
      await database.sql(`SELECT id, encode(pack, 'hex'), pack_offset::int FROM chunks WHERE domain = $1`, [domain]),
    );
    const wanted = new Set(named.flatMap((one) => (one.kind === 'manifest' ? one.leaves.map(leafNumber) : [])));
    const live = new Set([
      ...named.flatMap((one) => (one.kind === 'chunk' ? [one.chunk] : [])),
      ...[...wanted].flatMap(chunksOfLeaf),
    ]);
    return { leaves, chunks, wanted, live };
  }
  return {
    gateways: await Promise.all(metadatas.map((metadata, n) => createGateway(metadata, 'abc'[n]!))),
    async current(key) {
      await turn();
      const info = await io(first.store.current(address(home, key)));
      return info?.content ? namedOf(info.content) : null;
    },
    collection: inTurns(first.collection),
    packs: inTurns(first.packs),
    async check(disk) {
      const { leaves, chunks, wanted, live } = await io(everything());
      for (const leaf of wanted)
        if (!leaves.has(leaf)) throw new Error(`a leaf that is named was removed: ${chunksOfLeaf(leaf)}`);
      for (const chunk of live) {
        const place = chunks.get(chunk) as [string, number] | undefined;
        if (place === undefined) throw new Error(`a chunk that is named was removed: ${chunk}`);
        if (!disk.holds({ chunk, pack: place[0], offset: place[1] }))
          throw new Error(`the pack of a chunk was removed: ${chunk}`);
      }
    },
    async garbage() {
      const { leaves, chunks, wanted, live } = await io(everything());
      return (
        [...leaves.keys()].filter((leaf) => !wanted.has(leaf)).length +
        [...chunks.keys()].filter((chunk) => !live.has(chunk)).length
      );
    },
    close: async () => undefined,
  };
}
