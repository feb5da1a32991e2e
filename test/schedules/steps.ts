import type { ChunkIndex } from '#contracts/chunk-index';
import type { Staged } from '#contracts/content';
import type { ContentRef, DomainId } from '#core/content-ref';
import { type CloudStoreError, isCloudStoreError } from '#core/errors';
import { bytesOf, dispose } from '#core/stream';
import type { Dice } from '../support/random.ts';
import { Broken, blobOf, bodyOf, type Kept, type Opened } from './kept.ts';

/** What a step works on. */
export interface Stage {
  opened: Opened;
  kept: Kept;
  chunks: ChunkIndex;
  domain: DomainId;
  /** Makes rows of what was staged; when it resolves, the client is told. */
  commit(staged: Staged, acknowledge: () => void): Promise<void>;
  /** One at a time may sync without naming places, for only one learns of a loss. */
  syncing: boolean;
}

/** One thing that a client does, from acceptance to acknowledgement. @throws Broken; what the engine throws */
export async function runStep(stage: Stage, dice: Dice, number: number, worker: number): Promise<string> {
  const { log, content } = stage.opened;
  switch (dice.below(12)) {
    case 0:
    case 1:
      return write(stage, bodyOf(number, 1025 + dice.below(6000)));
    case 2:
      return write(stage, bodyOf(number, sizeOf(dice)));
    case 3: {
      // Once more what is there, perhaps by two at a time, or what somebody else is just bringing.
      const known = stage.kept.contents.length === 0 ? null : dice.pick(stage.kept.contents).bytes;
      const bytes = known ?? bodyOf(7, 3000);
      await Promise.all([write(stage, bytes), write(stage, bytes)]);
      return `wrote ${bytes.length} bytes again`;
    }
    case 4:
    case 5: {
      const sizes = Array.from({ length: 1 + dice.below(12) }, () => 1 + dice.below(dice.pick([200, 5000])));
      const appended = sizes.map((size, index) => appendOne(stage, bodyOf(number * 16 + index, size), 'append'));
      await allOf(appended);
      return `appended ${sizes.join(' ')}`;
    }
    case 6:
    case 7: {
      const sizes = Array.from({ length: 1 + dice.below(6) }, () => 1 + dice.below(dice.pick([300, 9000])));
      return appendThenSync(stage, dice, number, sizes);
    }
    case 8:
      return join(stage, dice);
    case 9: {
      const name = `blob-${worker}-${dice.below(3)}`;
      const change = dice.chance(0.6) ? put : remove;
      // Who was refused tries again.
      return change(stage, name).catch((error: unknown) => (isRefusal(error) ? change(stage, name) : Promise.reject(error)));
    }
    case 10:
      await log.sync([]);
      return list(stage, worker);
    default:
      if (stage.kept.contents.length > 0 && dice.chance(0.6)) {
        const { content: ref, bytes } = dice.pick(stage.kept.contents);
        const start = dice.below(bytes.length);
        const end = start + dice.below(bytes.length - start);
        const read: Uint8Array[] = [];
        for await (const piece of content.read(ref, { start, end })) read.push(piece);
        if (!Buffer.concat(read).equals(bytes.subarray(start, end + 1))) throw new Broken('a content was read as other bytes');
        // Else how much the next one reads at once is for the collector to say.
        read.forEach(dispose);
        return `read ${start} to ${end} of ${bytes.length} bytes`;
      }
      return readRecord(stage, dice);
  }
}

/** Mostly small ones, because everything is read again and again; now and then one of many chunks. */
function sizeOf(dice: Dice): number {
  if (dice.chance(0.02)) return 1_100_000 + dice.below(200_000);
  return dice.chance(0.3) ? 66_000 + dice.below(30_000) : 1 + dice.below(3000);
}

async function write(stage: Stage, bytes: Buffer): Promise<string> {
  const pieces = bytes.length > 66_000 ? [bytes.subarray(0, 50_000), bytes.subarray(50_000)] : [bytes];
  const staged = await stage.opened.content.write(bytesOf(...pieces.map((piece) => Buffer.from(piece))), {
    domain: stage.domain,
  });
  await acknowledge(stage, staged, bytes);
  return `wrote ${bytes.length} bytes`;
}

async function acknowledge({ commit, kept }: Stage, staged: Staged, bytes: Buffer): Promise<void> {
  await commit(staged, () => void kept.contents.push({ content: staged.content, bytes }));
  staged.release();
}

async function join(stage: Stage, dice: Dice): Promise<string> {
  if (stage.kept.contents.length < 2) return 'nothing to join';
  const parts = [dice.pick(stage.kept.contents), dice.pick(stage.kept.contents)];
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  if (bytes.length > 400_000) return 'too much to join';
  const refs: ContentRef[] = parts.map(({ content }) => content);
  await acknowledge(stage, await stage.opened.content.concat(refs, stage.domain), bytes);
  return `joined ${bytes.length} bytes`;
}

async function appendOne({ opened, kept }: Stage, bytes: Buffer, how: 'append' | 'appendUnsynced') {
  const cut = bytes.length >> 1;
  const place = await opened.log[how]([bytes.subarray(0, cut), bytes.subarray(cut)]);
  if (how === 'append') kept.records.push({ place, bytes });
  return { place, bytes };
}

async function appendThenSync(stage: Stage, dice: Dice, number: number, sizes: number[]): Promise<string> {
  const everything = !stage.syncing && dice.chance(0.3);
  if (everything) stage.syncing = true;
  try {
    const appended = await allOf(
      sizes.map((size, index) => appendOne(stage, bodyOf(number * 16 + index, size), 'appendUnsynced')),
    );
    await stage.opened.log.sync(everything ? undefined : appended.map(({ place }) => place));
    stage.kept.records.push(...appended);
  } finally {
    if (everything) stage.syncing = false;
  }
  return `appended and synced ${sizes.join(' ')}`;
}

async function readRecord({ opened, kept }: Stage, dice: Dice): Promise<string> {
  if (kept.records.length === 0) return 'nothing to read';
  const { place, bytes } = dice.pick(kept.records);
  const offset = dice.below(bytes.length);
  const read = await opened.log.read(place, offset, bytes.length - offset);
  if (!read.equals(bytes.subarray(offset)))
    throw new Broken(`the record at ${place.pack} ${place.offset} was read as other bytes`);
  return `read a record of ${bytes.length} bytes`;
}

async function put({ opened, kept }: Stage, name: string): Promise<string> {
  const bytes = blobOf(name);
  if (kept.blobs.get(name) !== true) kept.blobs.set(name, null);
  await opened.blobs.put(name, bytesOf(bytes.subarray(0, 50), bytes.subarray(50)), bytes.length);
  kept.blobs.set(name, true);
  return `put ${name}`;
}

async function remove({ opened, kept }: Stage, name: string): Promise<string> {
  if (kept.blobs.get(name) !== false) kept.blobs.set(name, null);
  await opened.blobs.remove(name);
  kept.blobs.set(name, false);
  return `removed ${name}`;
}

async function list({ opened, kept }: Stage, worker: number): Promise<string> {
  const prefix = `blob-${worker}-`;
  const names: string[] = [];
  for await (const { name } of opened.blobs.list(prefix)) names.push(name);
  for (const [name, there] of kept.blobs) {
    if (!name.startsWith(prefix) || there === null) continue;
    if (names.includes(name) !== there) throw new Broken(`${name} is ${there ? 'not ' : ''}listed`);
  }
  return `listed ${names.length} blobs`;
}

/** Waits for all, then throws what one of them threw: a step has ended only when all of it has. */
async function allOf<T>(work: Promise<T>[]): Promise<T[]> {
  const ended = await Promise.allSettled(work);
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

/** What the engine may answer when the disk is in trouble. */
export function isRefusal(error: unknown): error is CloudStoreError {
  if (isCloudStoreError(error, 'unavailable') || isCloudStoreError(error, 'insufficient_storage')) return true;
  // A chunk that the disk says it cannot read is taken for damaged, and looked for elsewhere.
  return isCloudStoreError(error, 'corrupt') && /the disk cannot read it/.test(error.message);
}
