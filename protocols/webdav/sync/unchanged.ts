import { isCloudStoreError } from '#core/errors';
import type { Exchange, Located } from '../exchange.ts';
import { findEntry } from '../resource.ts';
import { changesSince } from './changes.ts';
import { parseSyncToken } from './token.ts';

/** RFC 6578 §5: whether a token of an `If` header still says how the folder is, with all below. */
export async function isUnchangedSince(x: Exchange, located: Located, token: string): Promise<boolean> {
  const state = parseSyncToken(token);
  if (state === null || state.walks.length > 0) return false;
  const folder = await findEntry(x, located);
  if (folder?.kind !== 'directory' || folder.bucket !== state.folder.bucket || folder.directoryId !== state.folder.directoryId)
    return false;
  try {
    const scope = { bucket: folder.bucket, folder: folder.key, infinite: true, limit: 1, isFolder: async () => false };
    const { members, restart, truncated } = await changesSince(x.deps.journal, state.cursor, scope);
    return members.size === 0 && !restart && !truncated;
  } catch (error) {
    if (isCloudStoreError(error, 'cursor_expired')) return false;
    throw error;
  }
}
