import type { z } from 'zod';
import type { Quarantined } from '#contracts/integrity';
import type { Damage, DamagePoint, HurtFile } from '#contracts/integrity-store';
import { CloudStoreError } from '#core/errors';
import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
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
    async handle({ deps, res, who }, { query: { cursor, limit = LIMIT } }) {
      const integrity = forAdmins(who, deps.integrity);
      const after = cursor === undefined ? null : pointOf(cursor);
      const [{ damaged: total }, items] = await Promise.all([integrity.report(), integrity.quarantine(after, limit)]);
      const last = items.length < limit ? undefined : items.at(-1);
      sendJson(res, 200, { items: items.map(quarantinedJson), total, next: last === undefined ? null : cursorOf(last) });
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
    async handle({ deps, res, who }, { query: { kind, subject, cursor, limit = FILES_LIMIT } }) {
      const integrity = forAdmins(who, deps.integrity);
      if (cursor !== undefined && !/^[0-9a-f]{1,64}$/.test(cursor)) throw new CloudStoreError('invalid_argument', NOT_OURS);
      const by = kind === undefined || subject === undefined ? null : { kind, subject };
      const files = await integrity.hurtAfter(cursor ?? '', limit, by);
      const last = files.length < limit ? undefined : files.at(-1);
      sendJson(res, 200, { items: files.map(hurtFileJson), next: last?.version ?? null });
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

function quarantinedJson(one: Quarantined): z.infer<typeof schema.Quarantined> {
  const { kind, subject, reason, found, seen, place, secondCopy, files, fileCount } = one;
  return {
    kind,
    subject,
    reason,
    found: isoTime(found),
    seen: isoTime(seen),
    place: place && { store: place.store, pack: place.pack, offset: place.offset, length: place.length, size: place.size },
    secondCopy,
    files: files.map(hurtFileJson),
    fileCount,
  };
}

function hurtFileJson({ bucketName, key, version, current, deleted, size, by }: HurtFile): z.infer<typeof schema.HurtFile> {
  const named = by.map((name) => {
    const colon = name.indexOf(':');
    return { kind: name.slice(0, colon), subject: name.slice(colon + 1) };
  });
  return { bucket: bucketName, key, version, current, deleted, size, by: named };
}
