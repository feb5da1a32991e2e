import type { LeafRow, NewDamage, VersionRow } from '#contracts/integrity-store';
import { type ContentRef, type DomainId, decodeContentRef } from '#core/content-ref';
import { isCloudStoreError } from '#core/errors';
import { lacksKeys, subjectOf } from './repair.ts';
import type { Pass, ScrubState } from './scrub.ts';

const LEAVES_AT_ONCE = 32;
const VERSIONS_AT_ONCE = 256;
/** What reading a row costs, against a byte of a pack. */
const ROW_BYTES = 512;

/**
 * Every row that names stored bytes: leaves against their ids and the chunks that they name, versions and parts of uploads against their sizes, seals,
 * leaves and chunks. What is found is looked at once more before it is told, for rows come and go meanwhile.
 */
export async function scrubRows(pass: Pass): Promise<void> {
  const { state } = pass;
  if (state.phase === 'leaves') await scrubLeaves(pass);
  if (state.phase === 'versions') await scrubVersions(pass);
  if (state.phase === 'parts') await scrubParts(pass);
}

async function next(pass: Pass, phase: ScrubState['phase']): Promise<void> {
  Object.assign(pass.state, { phase, after: '' });
  await pass.save();
}

async function scrubLeaves(pass: Pass): Promise<void> {
  const { deps, state } = pass;
  for (;;) {
    const [domain, id] = state.after.split(':');
    const after = id === undefined ? null : { domain: Number(domain), id: Buffer.from(id, 'hex') };
    const leaves = await deps.rows.leavesAfter(after, LEAVES_AT_ONCE);
    for (const leaf of leaves) {
      await checkLeaf(pass, leaf);
      state.counts.leaves++;
      state.after = subjectOf(leaf);
      await pass.step(leaf.entries.length + ROW_BYTES);
    }
    if (leaves.length < LEAVES_AT_ONCE) break;
  }
  await next(pass, 'versions');
}

async function checkLeaf(pass: Pass, row: LeafRow): Promise<void> {
  const { deps, state } = pass;
  const { domain } = row;
  try {
    let chunks = await deps.records.leaf(domain, row, row.entries);
    if (chunks === null) {
      state.counts.damaged++;
      const entries = await deps.repair.leaf(domain, row, row.entries);
      const healed = entries === null ? null : await deps.rows.leaf(domain, row.id);
      chunks = healed && (await deps.records.leaf(domain, healed, healed.entries));
      state.counts[chunks === null ? 'lost' : 'healed']++;
      if (chunks === null) {
        const reason = 'A leaf of a manifest is damaged.';
        await deps.rows.note({ kind: 'leaf', subject: subjectOf(row), reason });
        return await restoreUnderItsId(pass, row);
      }
    }
    const known = await deps.rows.chunks(domain, chunks.ids);
    for (const [index, id] of chunks.ids.entries()) {
      if (known[index]?.size === chunks.sizes[index]) continue;
      if ((await deps.rows.leaf(domain, row.id)) === null) return; // collected meanwhile
      await missingChunk(
        pass,
        domain,
        id,
        known[index] ? 'A leaf names a chunk by another size.' : 'A leaf names a chunk that is not there.',
      );
    }
  } catch (error) {
    await withoutKeys(pass, error, domain);
  }
}

/** Perhaps only the row's id is wrong: then the leaf is missed where it belongs. */
async function restoreUnderItsId({ deps }: Pass, { domain, entries }: LeafRow): Promise<void> {
  const leaf = await deps.records.leafOf(domain, entries);
  if ((await deps.rows.leafSizes(domain, [leaf.id]))[0] !== null) return;
  try {
    await deps.rows.restoreLeaf(domain, { ...leaf, entries });
  } catch (error) {
    if (!isCloudStoreError(error)) throw error; // it names chunks that are gone: nobody misses it
    return;
  }
  deps.logger.warn({ leaf: subjectOf({ domain, id: leaf.id }) }, 'a leaf was found under another id, and is under its own again');
}

async function scrubVersions(pass: Pass): Promise<void> {
  const { deps, state } = pass;
  for (;;) {
    const versions = await deps.rows.versionsAfter(state.after, VERSIONS_AT_ONCE);
    const suspects = await findSuspects(pass, versions);
    for (const { row, why } of suspects) {
      const now = await deps.rows.version(row.id);
      const still = now === null ? [] : await findSuspects(pass, [now]);
      if (still.length > 0) await tellRow(pass, { kind: 'version', subject: row.id, reason: why });
    }
    state.counts.versions += versions.length;
    state.after = versions.at(-1)?.id ?? state.after;
    await pass.step(versions.length * ROW_BYTES);
    if (versions.length < VERSIONS_AT_ONCE) break;
  }
  await next(pass, 'parts');
}

async function scrubParts(pass: Pass): Promise<void> {
  const { deps, state } = pass;
  for (;;) {
    const parts = await deps.rows.partsAfter(state.after, VERSIONS_AT_ONCE);
    const rows = parts.map(({ at, size, content }) => ({ id: at, deleteMarker: false, size, content, contentHash: null }));
    for (const { row, why } of await findSuspects(pass, rows))
      await tellRow(pass, { kind: 'part', subject: row.id, reason: why });
    state.after = parts.at(-1)?.at ?? state.after;
    await pass.step(parts.length * ROW_BYTES);
    if (parts.length < VERSIONS_AT_ONCE) break;
  }
  await next(pass, 'rescue');
}

async function tellRow({ deps, state }: Pass, damage: NewDamage): Promise<void> {
  state.counts.damaged++;
  state.counts.lost++;
  await deps.rows.note(damage);
  deps.logger.error({ [damage.kind]: damage.subject, why: damage.reason }, 'a row is damaged');
}

interface Suspect {
  row: VersionRow;
  why: string;
}

/** Rows whose content is not what it should be. Chunks and leaves that are missing are told as such, for many rows may name them. */
async function findSuspects(pass: Pass, rows: VersionRow[]): Promise<Suspect[]> {
  const suspects: Suspect[] = [];
  const chunks = new Map<DomainId, { row: VersionRow; id: Buffer; size: number }[]>();
  const leaves = new Map<DomainId, { row: VersionRow; id: Buffer; size: number }[]>();
  for (const row of rows) {
    const content = readContent(row);
    if (content === null) continue;
    if (typeof content === 'string') suspects.push({ row, why: content });
    else if (content.kind === 'inline') {
      const why = await checkInline(pass, row, content);
      if (why !== null) suspects.push({ row, why });
    } else if (content.kind === 'chunk') push(chunks, content.domain, { row, id: content.id, size: content.size });
    else for (const { id, size } of content.leaves) push(leaves, content.domain, { row, id, size });
  }
  for (const [domain, wanted] of chunks) suspects.push(...(await checkChunks(pass, domain, wanted)));
  for (const [domain, wanted] of leaves) suspects.push(...(await checkLeaves(pass, domain, wanted)));
  return suspects;
}

/** null: nothing to look at. A sentence: what is wrong. */
function readContent({ content, size, deleteMarker }: VersionRow): ContentRef | string | null {
  if (content === null) return deleteMarker ? null : 'A version has no content.';
  if (deleteMarker) return 'A delete marker has content.';
  try {
    const ref = decodeContentRef(content);
    return ref.size === size ? ref : 'The size of a version is not that of its content.';
  } catch (error) {
    if (!isCloudStoreError(error, 'corrupt')) throw error;
    return error.message;
  }
}

async function checkInline(
  pass: Pass,
  row: VersionRow,
  content: Extract<ContentRef, { kind: 'inline' }>,
): Promise<string | null> {
  try {
    const { contentHash } = await pass.deps.records.inline(content);
    if (row.contentHash === null || row.contentHash.equals(contentHash)) return null;
    return 'A small content is not what its hash says.';
  } catch (error) {
    if (!isCloudStoreError(error, 'corrupt')) throw error;
    return error.message;
  }
}

type Wanted = { row: VersionRow; id: Buffer; size: number };

async function checkChunks(pass: Pass, domain: DomainId, wanted: Wanted[]): Promise<Suspect[]> {
  const { rows } = pass.deps;
  const known = await rows.chunks(
    domain,
    wanted.map(({ id }) => id),
  );
  const suspects: Suspect[] = [];
  for (const [index, { row, id, size }] of wanted.entries()) {
    const chunk = known[index];
    if (chunk?.size === size) continue;
    if (chunk) suspects.push({ row, why: 'A version names a chunk by another size.' });
    else if (await stillNamed(pass, row)) await missingChunk(pass, domain, id, 'A version names a chunk that is not there.');
  }
  return suspects;
}

async function checkLeaves(pass: Pass, domain: DomainId, wanted: Wanted[]): Promise<Suspect[]> {
  const { rows, logger } = pass.deps;
  const sizes = await rows.leafSizes(
    domain,
    wanted.map(({ id }) => id),
  );
  const suspects: Suspect[] = [];
  for (const [index, { row, id, size }] of wanted.entries()) {
    if (sizes[index] === size) continue;
    if (sizes[index] !== null) suspects.push({ row, why: 'A version names a leaf by another size.' });
    else if (await stillNamed(pass, row)) {
      const subject = subjectOf({ domain, id });
      pass.state.counts.damaged++;
      pass.state.counts.lost++;
      await rows.note({ kind: 'leaf', subject, reason: 'A version names a leaf that is not there.', details: { missing: true } });
      logger.error({ leaf: subject }, 'a version names a leaf that is not there');
    }
  }
  return suspects;
}

async function missingChunk({ deps, state }: Pass, domain: DomainId, id: Buffer, reason: string): Promise<void> {
  const subject = subjectOf({ domain, id });
  if (state.missing.includes(subject)) return;
  if (state.missing.length < MISSING_MAX) state.missing.push(subject);
  state.counts.damaged++;
  state.counts.lost++;
  await deps.rows.note({ kind: 'chunk', subject, reason, details: { missing: true } });
  deps.logger.error({ chunk: subject }, reason);
}

/** More than that are lost with their whole index; a restore is then the way. */
const MISSING_MAX = 10_000;

async function stillNamed({ deps }: Pass, row: VersionRow): Promise<boolean> {
  if (row.id.includes(':')) return (await deps.rows.partsAfter(before(row.id), 1))[0]?.at === row.id;
  return (await deps.rows.version(row.id)) !== null;
}

function before(part: string): string {
  const [upload, number] = part.split(':');
  return `${upload}:${Number(number) - 1}`;
}

function push(map: Map<DomainId, Wanted[]>, domain: DomainId, wanted: Wanted): void {
  const list = map.get(domain);
  if (list === undefined) map.set(domain, [wanted]);
  else list.push(wanted);
}

async function withoutKeys({ deps, state }: Pass, error: unknown, domain: DomainId): Promise<void> {
  if (!lacksKeys(error, domain)) throw error;
  state.counts.unreachable++;
  const reason = `The keys of domain ${domain} cannot be opened, so that nothing of it can be read.`;
  await deps.rows.note({ kind: 'keys', subject: String(domain), reason });
}
