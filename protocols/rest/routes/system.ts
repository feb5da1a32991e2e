import { forAdmins } from '../admin.ts';
import { sendJson, sendNothing } from '../answer.ts';
import { isoTime } from '../represent.ts';
import { route } from '../route.ts';
import * as schema from '../schema.ts';

export const systemRoutes = [
  route({
    method: 'get',
    path: '/system/info',
    operation: 'SystemInfo',
    actions: { none: 'name, version and clock are told to everybody who is somebody' },
    summary: 'What this gateway is, and where S3 is.',
    answers: { 200: { description: 'Name, version, clock and the S3 port.', schema: schema.SystemInfo } },
    async handle({ deps, res }) {
      const { port = null, domain = null } = deps.s3Reach ?? {};
      sendJson(res, 200, {
        name: 'CloudStore',
        version: deps.version ?? '',
        time: isoTime(deps.clock.now()),
        s3: { port, domain },
      });
    },
  }),
  route({
    method: 'get',
    path: '/system/integrity',
    operation: 'Integrity',
    actions: ['admin'],
    summary: 'Whether what is stored is good, as far as is known. For admins.',
    query: schema.IntegrityQuery,
    answers: { 200: { description: 'The last scrub, and what is damaged.', schema: schema.Integrity } },
    async handle({ deps, res, who }, { query }) {
      const integrity = forAdmins(who, deps.integrity);
      const { lastScrub, damaged, damage } = await integrity.report();
      const files = query.files !== true ? undefined : damaged === 0 ? [] : await integrity.hurt(FILES_MAX);
      sendJson(res, 200, {
        ok: damaged === 0,
        lastScrub: lastScrub && { ...lastScrub, started: isoTime(lastScrub.started), ended: isoTime(lastScrub.ended) },
        damaged,
        damage: damage.map(({ kind, subject, reason, found }) => ({ kind, subject, reason, found: isoTime(found) })),
        ...(files && {
          files: files.map(({ bucketName, key, version, current }) => ({ bucket: bucketName, key, version, current })),
        }),
      });
    },
  }),
  route({
    method: 'get',
    path: '/system/space',
    operation: 'Space',
    actions: ['admin'],
    summary: 'How much is stored, and what it takes. For admins.',
    answers: { 200: { description: 'Bytes before and after deduplication and compression.', schema: schema.Space } },
    async handle({ deps, res, who }) {
      sendJson(res, 200, { ...(await forAdmins(who, deps.space).report()) });
    },
  }),
  route({
    method: 'post',
    path: '/system/scrub',
    operation: 'Scrub',
    actions: ['admin'],
    summary: 'Reads and checks everything that is stored, in the background. For admins.',
    answers: { 204: { description: 'It runs, or will in a moment.' } },
    async handle({ deps, res, who }) {
      await forAdmins(who, deps.jobs).start('scrub');
      sendNothing(res);
    },
  }),
];

const FILES_MAX = 1_000;
