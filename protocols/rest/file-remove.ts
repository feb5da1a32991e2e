import type { z } from 'zod';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { parseConditions } from '#http/conditional-headers';
import type { Exchange } from './exchange.ts';
import { type Located, locate } from './place.ts';
import { RestError } from './problems.ts';
import type { RemoveQuery } from './schema.ts';

/** Removes a file, or a folder whose key ends in `/`: with `recursive` all below, else only an empty one. */
export async function removeFile(x: Exchange, { query }: { query: z.output<typeof RemoveQuery> }): Promise<void> {
  const located = await locate(x, '/files/', query.key);
  const { at, folder } = located;
  const { namespace } = x.deps;
  const options = { mustExist: true, keepParent: true, conditions: parseConditions(x.req.headers) };
  if (at.key === '') throw new CloudStoreError('invalid_key', 'A bucket is removed at /buckets.');
  if (folder) {
    if (query.recursive !== true) return removeEmptyFolder(x, located);
    const signal = query.onDisconnect === 'cancel' ? { signal: x.cx.signal } : {};
    await namespace.remove(x.who, at, { ...options, ...signal, tree: true });
    return;
  }
  try {
    await namespace.remove(x.who, at, options);
  } catch (error) {
    if (!isCloudStoreError(error, 'not_found')) throw error;
    const entry = await namespace.entry(x.who, at);
    if (entry.kind === 'object') throw error;
    throw new CloudStoreError('is_a_directory', 'A folder is removed by its key with a trailing slash.', { cause: error });
  }
}

/** Only the marker goes, so what is put into the folder meanwhile stays. */
async function removeEmptyFolder(x: Exchange, { at }: Located): Promise<void> {
  const { namespace } = x.deps;
  await namespace.directory(x.who, at);
  const page = await namespace.list(x.who, { bucket: at.bucket, prefix: at.key, delimiter: '', after: '', limit: 2 });
  if (page.entries.some((entry) => entry.kind === 'prefix' || entry.info.key !== at.key)) {
    throw new RestError('folder_not_empty', 'Add ?recursive=true to remove it with all below.');
  }
  const conditions = parseConditions(x.req.headers);
  await namespace.remove(x.who, at, { mustExist: true, keepParent: true, conditions });
}
