import type { ChunkRow } from '#contracts/integrity-store';
import type { DamagePart, RecordPart } from '#contracts/pack-inspector';
import type { InspectedRecord } from '#contracts/record-inspector';
import { isCloudStoreError } from '#core/errors';
import { damaged } from './record-format.ts';
import { isDamage, lacksKeys, subjectOf } from './repair.ts';
import type { Pass } from './scrub.ts';

/** Reasons of one pack that are kept. */
const REASONS_MAX = 8;

/**
 * Every pack that a store holds or a row names, in order of ids: each byte of the pack, and each row against the record that it names. A pack that only the
 * log has (it is open) is read row by row.
 */
export async function scrubPacks(pass: Pass): Promise<void> {
  const { state, deps } = pass;
  const listed = await listPacks(pass);
  const names = [...listed.keys()].sort();
  let index = 0;
  for (;;) {
    while (index < names.length && names[index]! <= state.after) index++;
    const named = await deps.rows.packAfter(state.after);
    const candidates = [names[index], named ?? undefined].filter((one) => one !== undefined).sort();
    const [pack] = candidates;
    if (pack === undefined) break;
    await scrubPack(pass, pack, listed.get(pack) ?? null);
    state.counts.packs++;
    Object.assign(state, { after: pack, from: 0, outside: [] });
    await pass.step(0);
  }
  Object.assign(state, { phase: 'leaves', after: '', from: 0, outside: [] });
  await pass.save();
}

async function listPacks({ deps }: Pass): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const number of deps.stores.numbers()) {
    for await (const { name } of deps.stores.of(number).list('')) {
      const pack = /^([0-9a-f]{32})\.pack$/.exec(name)?.[1];
      if (pack !== undefined && !found.has(pack)) found.set(pack, number);
    }
  }
  return found;
}

async function scrubPack(pass: Pass, pack: string, listedIn: number | null): Promise<void> {
  const { deps, state } = pass;
  const from = state.from;
  const rows = await deps.rows.chunksOf(pack);
  const open = new Map<string, ChunkRow>();
  for (const row of rows) if (row.place.offset >= from) open.set(subjectOf(row), row);
  const store = listedIn ?? (await restore(pass, pack, rows));
  if (store !== null) await readPack(pass, pack, store, open);
  // What no record answered for: its row names a place where no record lies, or the pack is open, gone, or cut short.
  for (const row of open.values()) await checkAlone(pass, row, store !== null);
  const left = await deps.rows.chunksOf(pack);
  const outside = state.outside.length > 0 && store !== null && (await settleOutside(pass, pack, store, left));
  const sound = !outside && left.every(({ place }) => !place.damaged);
  if (store !== null && sound) await deps.rows.checked(store, pack);
}

/** Of a pack that rows name and no store has: a copy of it. null: there is none, or the log has it open. */
async function restore({ deps, state }: Pass, pack: string, rows: ChunkRow[]): Promise<number | null> {
  const [first] = rows;
  if (first === undefined) return null;
  const store = first.place.store;
  if (!deps.stores.numbers().includes(store)) return null;
  const readable = await deps.repair.readGood(first).then(
    () => true,
    (error: unknown) => !isCloudStoreError(error, 'not_found'),
  );
  if (readable || !(await deps.repair.restorePack(store, pack))) return null;
  state.counts.damaged++;
  state.counts.healed++;
  return store;
}

/** Takes out of `open` whatever a record of the pack answers for, and what it passes by without one. */
async function readPack(pass: Pass, pack: string, number: number, open: Map<string, ChunkRow>): Promise<void> {
  const { deps, state } = pass;
  const store = deps.stores.of(number);
  const inOrder = [...open.values()];
  let upcoming = 0;
  const known = inOrder.map(({ place: { offset, length } }) => ({ offset, length }));
  const close = (row: ChunkRow): boolean => open.delete(subjectOf(row));
  try {
    for await (const part of deps.packs.inspect(store, pack, { known, from: state.from })) {
      if (part.kind === 'record') {
        const here: ChunkRow[] = [];
        const passed: ChunkRow[] = [];
        for (; upcoming < inOrder.length && inOrder[upcoming]!.place.offset <= part.offset; upcoming++) {
          const row = inOrder[upcoming]!;
          (row.place.offset === part.offset ? here : passed).push(row);
        }
        await checkRecord(pass, number, part, here);
        here.forEach(close);
        for (const row of passed.filter(close)) await checkAlone(pass, row, true);
        state.counts.records++;
        state.counts.bytes += part.length;
      } else tell(pass, part);
      state.from = Math.max(state.from, part.next);
      await pass.step(part.length);
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    // Removed while it was read, when nothing needed it any more; or a sector cannot be read: then the rows tell which records are hurt.
    if ((await store.stat(`${pack}.pack`)) !== null)
      tell(pass, { offset: state.from, reason: error instanceof Error ? error.message : String(error) });
  }
}

function tell({ state }: Pass, { offset, reason }: Pick<DamagePart, 'offset' | 'reason'>): void {
  if (state.outside.length < REASONS_MAX) state.outside.push(`at offset ${offset}: ${reason}`);
}

async function checkRecord(pass: Pass, store: number, part: RecordPart, rows: ChunkRow[]): Promise<void> {
  const { deps } = pass;
  let found: InspectedRecord;
  try {
    found = await deps.records.record(part.bytes);
  } catch (error) {
    if (!isCloudStoreError(error, 'corrupt')) throw error;
    if (rows.length === 0) harmless(pass, part, 'a record that no file needs is damaged');
    for (const row of rows) await mend(pass, row, error);
    return;
  }
  if (part.crc !== null && !part.fits) tell(pass, { offset: part.offset, reason: 'the checksum of a good record is wrong' });
  for (const row of rows) {
    const { place } = row;
    if (row.domain !== found.domain || !row.id.equals(found.id))
      await mend(pass, row, damaged('its row names the place of another chunk'));
    else if (row.size !== found.size || place.length !== part.length || place.store !== store) {
      await setRight(pass, row, found.size, { ...place, store, length: part.length });
    } else if (place.damaged) await deps.rows.release(row, place);
  }
}

/** The row named the right record, and something else of it was wrong. */
async function setRight({ deps, state }: Pass, row: ChunkRow, size: number, place: ChunkRow['place']): Promise<void> {
  const { store, pack, offset, length } = place;
  const move = { domain: row.domain, id: row.id, size, from: row.place, to: { store, pack, offset, length } };
  state.counts.damaged++;
  if ((await deps.rows.relocate([move])) > 0) state.counts.healed++;
  await deps.rows.clear('chunk', subjectOf(row));
  deps.logger.warn({ chunk: subjectOf(row), pack, offset }, "a chunk's row did not say what its record is, and was set right");
}

function harmless({ deps, state }: Pass, { offset }: RecordPart, what: string): void {
  state.counts.harmless++;
  deps.logger.info({ behind: state.after, offset }, what);
}

async function mend({ deps, state }: Pass, row: ChunkRow, error: unknown): Promise<void> {
  if (lacksKeys(error, row.domain)) {
    state.counts.unreachable++;
    const reason = `The keys of domain ${row.domain} cannot be opened, so that nothing of it can be read.`;
    await deps.rows.note({ kind: 'keys', subject: String(row.domain), reason });
    return;
  }
  const place = await deps.repair.heal(row, error instanceof Error ? error.message : String(error));
  if (place === null) {
    const [now] = await deps.rows.chunks(row.domain, [row.id]);
    if (!now) return; // collected meanwhile
    state.counts.damaged++;
    state.counts.lost++;
  } else if (place.pack !== row.place.pack || place.offset !== row.place.offset || row.place.damaged) {
    state.counts.damaged++;
    state.counts.healed++;
  }
}

async function checkAlone(pass: Pass, row: ChunkRow, inPack: boolean): Promise<void> {
  const { deps, state } = pass;
  const { store } = row.place;
  if (!deps.stores.numbers().includes(store)) {
    state.counts.unreachable++;
    return;
  }
  try {
    const { size } = await deps.repair.readGood(row);
    if (size !== row.size) await setRight(pass, row, size, row.place);
    else if (row.place.damaged) await deps.rows.release(row, row.place);
    state.counts.records++;
    state.counts.bytes += row.place.length;
  } catch (error) {
    if (!isDamage(error)) throw error;
    // The open pack of another gateway, which will seal it.
    if (!inPack && deps.stores.of(store).capabilities.shared && isCloudStoreError(error, 'not_found')) state.counts.unreachable++;
    else await mend(pass, row, error);
  }
  await pass.step(row.place.length);
}

/**
 * Damage outside of records that are needed (header, frames, padding, index, trailer, garbage): whatever the pack holds that is needed is written anew
 * elsewhere, and what stays is garbage for collection. True: something needed could not be moved, so the pack stays in the book of damage.
 */
async function settleOutside(pass: Pass, pack: string, store: number, rows: ChunkRow[]): Promise<boolean> {
  const { deps, state } = pass;
  const subject = `${store}:${pack}`;
  const needed = rows.filter(({ condemned }) => !condemned);
  if (needed.length === 0) {
    state.counts.harmless++;
    deps.logger.info(
      { store, pack, damage: state.outside },
      'a pack that no file needs any more is damaged; collection removes it',
    );
    await deps.rows.clear('pack', subject);
    return false;
  }
  state.counts.damaged++;
  await deps.rows.note({
    kind: 'pack',
    subject,
    reason: 'A pack is damaged outside of what files need.',
    details: { damage: state.outside },
  });
  deps.logger.warn({ store, pack, damage: state.outside }, 'a pack is damaged; the chunks in it that are good are written anew');
  let stayed = 0;
  for (const row of needed) {
    if (row.place.damaged) continue;
    if (!(await move(pass, row))) stayed++;
    await pass.step(row.place.length);
  }
  if (stayed > 0) {
    state.counts.lost++;
    return true;
  }
  state.counts.healed++;
  await deps.rows.clear('pack', subject);
  return false;
}

async function move({ deps }: Pass, row: ChunkRow): Promise<boolean> {
  try {
    const { record, size } = await deps.repair.readGood(row);
    await deps.repair.rewrite(row, record, size);
    return true;
  } catch (err) {
    if (!isDamage(err) && !isCloudStoreError(err, 'insufficient_storage')) throw err;
    deps.logger.warn({ err, chunk: subjectOf(row) }, 'a chunk of a damaged pack could not be written anew');
    return false;
  }
}
