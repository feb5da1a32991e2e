import { BACKUP_OPEN_JOB } from '#contracts/backups';
import { nameOf } from '#core/address';
import { sendBody } from '#http/body';
import { httpDate } from '#http/conditional-headers';
import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import { attachment, CONTENT_TYPE_DEFAULT } from '../file-headers.ts';
import { decodeCursor, encodeCursor } from '../file-read.ts';
import { isoTime } from '../represent.ts';
import { jobJson } from '../represent-job.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/backups.ts';
import { overview } from './backups.ts';

/** Single files and folders out of a backup: looked for, downloaded, brought back. Whoever may read all of a backup is an admin. */
export const backupFileRoutes = [
  route({
    method: 'post',
    path: '/backups/open',
    operation: 'OpenBackup',
    actions: ['admin'],
    summary: 'Makes a backup ready to be looked through, as the job `backup-open`; it stays so for a day. For admins.',
    body: schema.BackupNamed,
    answers: {
      200: { description: 'It is ready.', schema: schema.BackupOpened },
      202: { description: 'It will be, when the job has ended.', schema: schema.BackupOpened },
    },
    async handle({ deps, res, who }, { body }) {
      const ready = await forAdmins(who, deps.backups).open(body);
      const found = ready ? undefined : (await forAdmins(who, deps.jobs).list()).find((job) => job.name === BACKUP_OPEN_JOB);
      sendJson(res, ready ? 200 : 202, { ready, job: found === undefined ? null : jobJson(found) });
    },
  }),
  route({
    method: 'post',
    path: '/backups/browse',
    operation: 'BrowseBackup',
    actions: ['admin'],
    summary: 'What is in a backup that is open: its buckets, or a page of a folder. For admins.',
    body: schema.BackupBrowse,
    answers: { 200: { description: 'In byte order of keys.', schema: schema.BackedUpPage } },
    async handle({ deps, res, who }, { body: { cursor, ...body } }) {
      const after = cursor === null ? null : decodeCursor(cursor);
      const page = await forAdmins(who, deps.backups).browse(body, { ...body, after });
      sendJson(res, 200, {
        taken: isoTime(page.takenMs),
        missingPacks: page.missingPacks,
        buckets: page.buckets,
        entries: page.entries.map((entry) => (entry.kind === 'folder' ? entry : { kind: 'file', ...shownJson(entry) })),
        next: page.next === null ? null : encodeCursor(page.next),
      });
    },
  }),
  route({
    method: 'post',
    path: '/backups/versions',
    operation: 'ListBackedUpVersions',
    actions: ['admin'],
    summary: 'The versions of a file that an open backup has, the latest thousand, also of one that was deleted. For admins.',
    body: schema.BackupVersionsWanted,
    answers: { 200: { description: 'The latest first.', schema: schema.BackedUpVersions } },
    async handle({ deps, res, who }, { body }) {
      const versions = await forAdmins(who, deps.backups).versions(body, body.bucket, body.key);
      sendJson(res, 200, {
        versions: versions.map(({ current, deleted, superseded, ...shown }) => ({
          ...shownJson(shown),
          current,
          deleted,
          superseded: superseded === null ? null : isoTime(superseded),
        })),
      });
    },
  }),
  route({
    method: 'get',
    path: '/backups/file',
    operation: 'GetBackedUpFile',
    streams: true,
    actions: ['admin'],
    summary: 'One file out of an open backup, to save. What is not what was stored breaks off. For admins.',
    query: schema.BackedUpFileQuery,
    answers: { 200: { description: 'Its bytes.', schema: 'bytes' } },
    async handle({ deps, res, who, cx }, { query }) {
      const { bucket, key, versionId = null } = query;
      const { file, body, close } = await forAdmins(who, deps.backups).file(query, bucket, key, versionId);
      try {
        const { contentType = CONTENT_TYPE_DEFAULT, contentEncoding } = file.attributes;
        res.writeHead(200, {
          ETag: `"${file.etag}"`,
          'Last-Modified': httpDate(file.mtime),
          'Content-Type': contentType,
          'Content-Length': file.size,
          'Content-Disposition': attachment(nameOf(file.key)),
          'Cache-Control': 'private, no-store',
          'X-Content-Type-Options': 'nosniff',
          'Content-Security-Policy': "sandbox; default-src 'none'",
          'Cross-Origin-Resource-Policy': 'same-origin',
          ...(contentEncoding === undefined ? {} : { 'Content-Encoding': contentEncoding }),
        });
        await sendBody(res, body, cx.signal);
      } finally {
        await close();
      }
    },
  }),
  route({
    method: 'post',
    path: '/backups/extract',
    operation: 'ExtractFromBackup',
    actions: ['admin'],
    summary:
      'Brings a file, one of its versions, or a folder out of an open backup into a bucket, as the job `backup-extract`; what is there is never lost. For admins.',
    body: schema.ExtractWanted,
    answers: { 202: { description: 'It runs, or will in a moment.', schema: schema.Backups } },
    async handle(x, { body: { versionId, ...body } }) {
      await forAdmins(x.who, x.deps.backups).extract(x.who, { ...body, version: versionId });
      sendJson(x.res, 202, await overview(x));
    },
  }),
];

interface Shown {
  key: string;
  version: string;
  size: number;
  modified: number;
  mtime: number;
  contentType: string | null;
}

function shownJson({ key, version, size, modified, mtime, contentType }: Shown) {
  return { key, versionId: version, size, modified: isoTime(modified), mtime: isoTime(mtime), contentType };
}
