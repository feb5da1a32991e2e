import { type ChunkRow, type Damage, damageName, type HurtFile } from '#contracts/integrity-store';
import type { DomainId } from '#core/content-ref';
import type { VersionId } from '#core/object';
import type { Database } from './database.ts';

const PAGE = 5_000;
const ENTRY_BYTES = 36;
const REF_HEAD_BYTES = 14;
const LEAF_REF_BYTES = 40;
const KIND_CHUNK = 2;
const KIND_MANIFEST = 3;

const LEAVES = {
  name: 'hurt-leaves',
  text: 'SELECT domain, id, entries FROM leaves WHERE (domain, id) > ($1, $2) ORDER BY domain, id LIMIT $3',
};
/** What is sealed, one chunk or a manifest, of a page of versions; of the first two only those asked for leave the database. */
const VERSIONS = {
  name: 'hurt-versions',
  text: `WITH page AS (SELECT v.id, v.slot_id, v.size, v.content FROM versions v WHERE v.id > decode($1, 'hex') ORDER BY v.id LIMIT $2)
         SELECT encode(p.id, 'hex'), s.bucket_id, b.name, s.key, coalesce(s.version_id = p.id, false), NOT s.live, p.size, p.content,
                (SELECT encode(max(id), 'hex') FROM page)
           FROM page p JOIN slots s ON s.id = p.slot_id JOIN buckets b ON b.id = s.bucket_id
          WHERE encode(p.id, 'hex') = ANY($4)
             OR length(p.content) > ${REF_HEAD_BYTES} AND (get_byte(p.content, 1) = ${KIND_MANIFEST}
                OR get_byte(p.content, 1) = ${KIND_CHUNK} AND substring(p.content FROM ${REF_HEAD_BYTES + 1}) = ANY($3::bytea[])
                OR substring(p.content FROM 3 FOR 4) = ANY($5::bytea[]))
         UNION ALL SELECT NULL, 0, '', '', false, false, 0, NULL, (SELECT encode(max(id), 'hex') FROM page)
         ORDER BY 1 NULLS LAST`,
};

type VersionColumns = [string | null, number, string, string, boolean, boolean, number, Buffer | null, string | null];

/** What is damaged, by what it is: subject to the names of the damage that hurts it. */
interface Hurting {
  chunks: Map<string, Set<string>>;
  leaves: Map<string, Set<string>>;
  versions: Map<string, Set<string>>;
  domains: Map<number, Set<string>>;
}

/**
 * Which versions stand on what is damaged. No index leads from a chunk to its files, because it would cost every upload; so all leaves and
 * versions are gone through, in pages, when somebody asks while there is damage.
 */
export async function* hurtFiles(
  database: Database,
  damage: Damage[],
  quarantined: ChunkRow[],
  from: VersionId | '' = '',
): AsyncGenerator<HurtFile[]> {
  const hurting: Hurting = { chunks: new Map(), leaves: new Map(), versions: new Map(), domains: new Map() };
  for (const { kind, subject } of damage) {
    const name = new Set([damageName({ kind, subject })]);
    if (kind === 'chunk') hurting.chunks.set(subject, name);
    else if (kind === 'leaf') hurting.leaves.set(subject, name);
    else if (kind === 'version') hurting.versions.set(subject, name);
    else if (kind === 'keys') hurting.domains.set(Number(subject), name);
  }
  for (const { domain, id } of quarantined) {
    const subject = `${domain}:${id.toString('hex')}`;
    if (!hurting.chunks.has(subject)) hurting.chunks.set(subject, new Set([damageName({ kind: 'chunk', subject })]));
  }
  const { chunks, leaves, versions, domains } = hurting;
  if (chunks.size + leaves.size + versions.size + domains.size === 0) return;
  await addLeavesOf(database, hurting);
  const ids = [...new Set([...chunks.keys()].map((subject) => Buffer.from(subject.split(':')[1] ?? '', 'hex')))];
  const heads = [...domains.keys()].map((domain) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(domain);
    return head;
  });
  for (let after: string | null = from; after !== null; ) {
    const wanted = [after, PAGE, ids, [...versions.keys()], heads];
    const rows: VersionColumns[] = await database.read<VersionColumns>(VERSIONS, wanted);
    after = rows.at(-1)?.[8] ?? null;
    const hurt = rows.flatMap(([version, bucket, bucketName, key, current, deleted, size, content]): HurtFile[] => {
      if (version === null) return [];
      const by = new Set(versions.get(version));
      addContent(by, content, hurting);
      return by.size === 0 ? [] : [{ bucket, bucketName, key, version, current, deleted, size, by: [...by] }];
    });
    if (hurt.length > 0) yield hurt;
  }
}

async function addLeavesOf(database: Database, { chunks, leaves }: Hurting): Promise<void> {
  if (chunks.size === 0) return;
  let [domain, id]: [DomainId, Buffer] = [-1, Buffer.alloc(0)];
  for (;;) {
    const rows: [DomainId, Buffer, Buffer][] = await database.read<[DomainId, Buffer, Buffer]>(LEAVES, [domain, id, PAGE / 50]);
    for (const [of, leaf, entries] of rows) {
      for (let at = 0; at + ENTRY_BYTES <= entries.length; at += ENTRY_BYTES) {
        const names = chunks.get(`${of}:${entries.toString('hex', at, at + 32)}`);
        if (names === undefined) continue;
        const subject = `${of}:${leaf.toString('hex')}`;
        leaves.set(subject, new Set([...(leaves.get(subject) ?? []), ...names]));
      }
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    [domain, id] = last;
  }
}

/** Layout of a reference: docs/FORMAT.md. */
function addContent(by: Set<string>, content: Buffer | null, { chunks, leaves, domains }: Hurting): void {
  if (content === null || content.length <= REF_HEAD_BYTES) return;
  const domain = content.readUInt32BE(2);
  const add = (names: Iterable<string> = []): void => {
    for (const name of names) by.add(name);
  };
  add(domains.get(domain));
  if (content[1] === KIND_CHUNK) add(chunks.get(`${domain}:${content.toString('hex', REF_HEAD_BYTES)}`));
  if (content[1] !== KIND_MANIFEST) return;
  for (let at = REF_HEAD_BYTES; at + LEAF_REF_BYTES <= content.length; at += LEAF_REF_BYTES)
    add(leaves.get(`${domain}:${content.toString('hex', at, at + 32)}`));
}
