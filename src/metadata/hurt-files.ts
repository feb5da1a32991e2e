import type { ChunkRow, Damage, HurtFile } from '#contracts/integrity-store';
import type { DomainId } from '#core/content-ref';
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
/** What one chunk or a manifest is made of, of a page of versions; of single chunks only those asked for leave the database. */
const VERSIONS = {
  name: 'hurt-versions',
  text: `WITH page AS (SELECT v.id, v.slot_id, v.size, v.content FROM versions v WHERE v.id > decode($1, 'hex') ORDER BY v.id LIMIT $2)
         SELECT encode(p.id, 'hex'), s.bucket_id, b.name, s.key, s.version_id = p.id, p.size, p.content,
                (SELECT encode(max(id), 'hex') FROM page)
           FROM page p JOIN slots s ON s.id = p.slot_id JOIN buckets b ON b.id = s.bucket_id
          WHERE encode(p.id, 'hex') = ANY($4)
             OR length(p.content) > ${REF_HEAD_BYTES} AND (get_byte(p.content, 1) = ${KIND_MANIFEST}
                OR get_byte(p.content, 1) = ${KIND_CHUNK} AND substring(p.content FROM ${REF_HEAD_BYTES + 1}) = ANY($3::bytea[]))
         UNION ALL SELECT NULL, 0, '', '', false, 0, NULL, (SELECT encode(max(id), 'hex') FROM page)`,
};

type VersionColumns = [string | null, number, string, string, boolean, number, Buffer | null, string | null];

/**
 * Which versions stand on what is damaged. No index leads from a chunk to its files, because it would cost every upload; so all leaves and
 * versions are gone through, in pages, when somebody asks while there is damage.
 */
export async function* hurtFiles(database: Database, damage: Damage[], quarantined: ChunkRow[]): AsyncGenerator<HurtFile[]> {
  const named = (...kinds: string[]) => damage.filter(({ kind }) => kinds.includes(kind)).map(({ subject }) => subject);
  const chunks = new Set([...named('chunk'), ...quarantined.map(({ domain, id }) => `${domain}:${id.toString('hex')}`)]);
  const leaves = new Set(named('leaf'));
  const versions = named('version');
  if (chunks.size + leaves.size + versions.length === 0) return;
  await addLeavesOf(database, chunks, leaves);
  const ids = [...new Set([...chunks].map((subject) => Buffer.from(subject.split(':')[1] ?? '', 'hex')))];
  for (let after: string | null = ''; after !== null; ) {
    const rows: VersionColumns[] = await database.read<VersionColumns>(VERSIONS, [after, PAGE, ids, versions]);
    after = rows.at(-1)?.[7] ?? null;
    const hurt = rows.flatMap(([version, bucket, bucketName, key, current, size, content]): HurtFile[] => {
      if (version === null || !(versions.includes(version) || isHurt(content, chunks, leaves))) return [];
      return [{ bucket, bucketName, key, version, current, size }];
    });
    if (hurt.length > 0) yield hurt;
  }
}

async function addLeavesOf(database: Database, chunks: Set<string>, leaves: Set<string>): Promise<void> {
  if (chunks.size === 0) return;
  let [domain, id]: [DomainId, Buffer] = [-1, Buffer.alloc(0)];
  for (;;) {
    const rows: [DomainId, Buffer, Buffer][] = await database.read<[DomainId, Buffer, Buffer]>(LEAVES, [domain, id, PAGE / 50]);
    for (const [of, leaf, entries] of rows) {
      for (let at = 0; at + ENTRY_BYTES <= entries.length; at += ENTRY_BYTES) {
        if (!chunks.has(`${of}:${entries.toString('hex', at, at + 32)}`)) continue;
        leaves.add(`${of}:${leaf.toString('hex')}`);
        break;
      }
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    [domain, id] = last;
  }
}

/** Layout of a reference: docs/FORMAT.md. */
function isHurt(content: Buffer | null, chunks: Set<string>, leaves: Set<string>): boolean {
  if (content === null || content.length < REF_HEAD_BYTES) return false;
  const domain = content.readUInt32BE(2);
  if (content[1] === KIND_CHUNK) return chunks.has(`${domain}:${content.toString('hex', REF_HEAD_BYTES)}`);
  if (content[1] !== KIND_MANIFEST) return false;
  for (let at = REF_HEAD_BYTES; at + LEAF_REF_BYTES <= content.length; at += LEAF_REF_BYTES) {
    if (leaves.has(`${domain}:${content.toString('hex', at, at + 32)}`)) return true;
  }
  return false;
}
