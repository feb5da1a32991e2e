import type { z } from 'zod';
import type { KeptVersion, TrashEntry } from '#contracts/history-store';
import type { HistoryTask } from '#contracts/history-tasks';
import type { BucketUse } from '#contracts/usage';
import { nameOf } from '#core/address';
import { CONTENT_TYPE_DEFAULT } from './file-headers.ts';
import { isoTime } from './represent.ts';
import type * as schema from './schemas/history.ts';

export function versionJson(info: KeptVersion): z.infer<typeof schema.Version> {
  const { versionId, deleteMarker, isLatest, size, etag, attributes, modified, mtime, superseded, visibility, lock } = info;
  const retention = lock?.retention ?? null;
  return {
    versionId,
    kind: deleteMarker ? 'deletion' : 'file',
    current: isLatest,
    size,
    etag,
    contentType: attributes.contentType ?? CONTENT_TYPE_DEFAULT,
    modified: isoTime(modified),
    mtime: isoTime(mtime),
    superseded: superseded === null ? null : isoTime(superseded),
    shownByS3: visibility !== 'hidden',
    ...(lock === undefined
      ? {}
      : {
          lock: {
            legalHold: lock.legalHold,
            ...(retention === null ? {} : { mode: retention.mode, until: isoTime(retention.until) }),
          },
        }),
  };
}

export function trashedJson(entry: TrashEntry): z.infer<typeof schema.Trashed> {
  if (entry.kind === 'folder') {
    return { kind: 'folder', key: entry.prefix, name: nameOf(entry.prefix), deleted: isoTime(entry.deleted) };
  }
  const { info } = entry;
  const deleted = isoTime(info.superseded ?? info.modified);
  return { kind: 'file', key: info.key, name: nameOf(info.key), version: versionJson(info), deleted };
}

export function taskJson({ id, kind, state, counts, message, created, ended }: HistoryTask): z.infer<typeof schema.Task> {
  return { id, kind, state, counts, message, created: isoTime(created), ended: ended === null ? null : isoTime(ended) };
}

export function bucketUseJson(use: BucketUse): z.infer<typeof schema.BucketUsage> {
  const { name, objects, bytes, historyVersions, historyBytes, quota, physical } = use;
  const measured = physical === null ? null : { ...physical, measured: isoTime(physical.measured) };
  return { name, objects, bytes, historyVersions, historyBytes, quota, physical: measured };
}
