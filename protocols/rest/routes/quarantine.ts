import type { z } from 'zod';
import type { Quarantined } from '#contracts/integrity';
import type { Damage, DamagePoint, HurtFile } from '#contracts/integrity-store';
import { CloudStoreError } from '#core/errors';
import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { decodeCursor, encodeCursor } from '../file-read.ts';
import { isoTime } from '../represent.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/system.ts';

const LIMIT = 20;
const FILES_LIMIT = 100;

/** What is damaged and not healed, and which files it hurts. */
export const quarantineRoutes = [
  route({
    method: 'get',
    path: '/system/quarantine',
    operation: 'ListQuarantine',
    actions: ['admin'],
    summary:
      'What is in quarantine, since when and why, the files that it hurts, and whether a second copy could heal it. For admins.',
    query: schema.QuarantineQuery,
    answers: { 200: { description: 'A page, the oldest first.', schema: schema.QuarantinePage } },
    async handle(x, { query: { cursor, limit = LIMIT } }) {
      const { deps, res, who } = x;
      const integrity = forAdmins(who, deps.integrity);
      const after = cursor === undefined ? null : pointOf(cursor);
      const [{ damaged: total }, items] = await Promise.all([integrity.report(), integrity.quarantine(after, limit)]);
      const last = items.length < limit ? undefined : items.at(-1);
      const shown = await Promise.all(items.map((one) => quarantinedJson(x, one)));
      sendJson(res, 200, { items: shown, total, next: last === undefined ? null : cursorOf(last) });
    },
  }),
  route({
    method: 'get',
    path: '/system/quarantine/files',
    operation: 'ListHurtFiles',
    actions: ['admin'],
    summary: 'All files, every version of them, that one damaged thing hurts, or whatever is damaged does. For admins.',
    query: schema.HurtFilesQuery,
    answers: { 200: { description: 'A page, in order of versions.', schema: schema.HurtFilePage } },
    async handle(x, { query: { kind, subject, cursor, limit = FILES_LIMIT } }) {
      const { deps, res, who } = x;
      const integrity = forAdmins(who, deps.integrity);
      if (cursor !== undefined && !/^[0-9a-f]{1,64}$/.test(cursor)) throw new CloudStoreError('invalid_argument', NOT_OURS);
      const by = kind === undefined || subject === undefined ? null : { kind, subject };
      const files = await integrity.hurtAfter(cursor ?? '', limit, by);
      const last = files.length < limit ? undefined : files.at(-1);
      sendJson(res, 200, { items: await Promise.all(files.map((file) => hurtFileJson(x, file))), next: last?.version ?? null });
    },
  }),
];

const NOT_OURS = 'The cursor is not one of ours.';
const KINDS: readonly string[] = ['chunk', 'leaf', 'version', 'part', 'pack', 'keys'] satisfies Damage['kind'][];

function cursorOf({ found, kind, subject }: DamagePoint): string {
  return encodeCursor(JSON.stringify([found, kind, subject]));
}

/** @throws invalid_argument */
function pointOf(cursor: string): DamagePoint {
  const text = decodeCursor(cursor);
  try {
    const [found, kind, subject]: unknown[] = JSON.parse(text);
    if (Number.isSafeInteger(found) && KINDS.includes(String(kind)) && typeof subject === 'string')
      return { found: Number(found), kind: kind as Damage['kind'], subject }; // looked up a line above
  } catch {
    // As any other text that is none.
  }
  throw new CloudStoreError('invalid_argument', NOT_OURS);
}

async function quarantinedJson(x: Exchange, one: Quarantined): Promise<z.infer<typeof schema.Quarantined>> {
  const { kind, subject, reason, found, seen, place, secondCopy, files, fileCount } = one;
  return {
    kind,
    subject,
    reason,
    found: isoTime(found),
    seen: isoTime(seen),
    place: place && { store: place.store, pack: place.pack, offset: place.offset, length: place.length, size: place.size },
    secondCopy,
    files: await Promise.all(files.map((file) => hurtFileJson(x, file))),
    fileCount,
  };
}

/** Under the bucket's name by which the caller comes to it. */
async function hurtFileJson({ deps, who }: Exchange, file: HurtFile): Promise<z.infer<typeof schema.HurtFile>> {
  const { bucket: id, bucketName: name, key, version, current, deleted, size, by } = file;
  const named = by.map((one) => {
    const colon = one.indexOf(':');
    return { kind: one.slice(0, colon), subject: one.slice(colon + 1) };
  });
  return { bucket: await deps.buckets.nameFor(who, { id, name }), key, version, current, deleted, size, by: named };
}
