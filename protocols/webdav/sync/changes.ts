import type { Cursor, Journal, JournalEvent } from '#contracts/journal';
import { ancestorsOf, type BucketId, type ObjectKey } from '#core/address';
import { WALKS_MAX } from './token.ts';

/** What happened below a folder between two places of the journal, folded: each name once, whatever happened to it how often. */
export interface Changes {
  /** Keys of what was made, changed or removed: folders end in `/`. A folder comes before what is in it. */
  members: Set<ObjectKey>;
  /** Folders that went with all that was in them: what is told of them is only that. */
  goneTrees: Set<ObjectKey>;
  /** Folders that came with all that is in them, which no event names. */
  cameTrees: Set<ObjectKey>;
  cursor: Cursor;
  /** There are more events than the limit lets us tell. */
  truncated: boolean;
  /** The folder itself came from elsewhere, or went: nobody can say what a client that knew it before has to change. */
  restart: boolean;
  /** Not even one event fits the limit. */
  tooMany: boolean;
}

const EVENTS_PAGE = 1000;
/** Names that one answer tells of; they are held in memory. */
const MEMBERS_MAX = 20_000;

interface Scope {
  bucket: BucketId;
  folder: ObjectKey;
  infinite: boolean;
  limit: number;
}

/**
 * Reads the journal on from a cursor: costs what happened since, whatever the folder holds.
 * @throws cursor_expired
 */
export async function changesSince(journal: Journal, from: Cursor, scope: Scope): Promise<Changes> {
  const limit = Math.min(scope.limit, MEMBERS_MAX);
  const changes: Changes = {
    members: new Set(),
    goneTrees: new Set(),
    cameTrees: new Set(),
    cursor: from,
    truncated: false,
    restart: false,
    tooMany: false,
  };
  for (;;) {
    const events = await journal.since(scope.bucket, changes.cursor, EVENTS_PAGE);
    for (const event of events) {
      const touched = touchedBy(event, scope);
      if (touched === 'restart') return { ...changes, restart: true };
      const fresh = touched.members.filter((key) => !changes.members.has(key));
      const walks = touched.came !== null && !changes.cameTrees.has(touched.came) ? 1 : 0;
      if (changes.members.size + fresh.length > limit || changes.cameTrees.size + walks > WALKS_MAX) {
        return { ...changes, truncated: true, tooMany: changes.members.size === 0 };
      }
      for (const key of fresh) changes.members.add(key);
      if (touched.came !== null) changes.cameTrees.add(touched.came);
      if (touched.gone !== null) changes.goneTrees.add(touched.gone);
      changes.cursor = event.cursor;
    }
    if (events.length < EVENTS_PAGE) return changes;
  }
}

interface Touched {
  members: ObjectKey[];
  gone: ObjectKey | null;
  came: ObjectKey | null;
}

function touchedBy(event: JournalEvent, scope: Scope): Touched | 'restart' {
  const { folder, infinite } = scope;
  const touched: Touched = { members: [], gone: null, came: null };
  const left = event.kind === 'move' && event.fromBucket === scope.bucket ? event.fromKey : null;
  const tree = event.kind === 'removeTree' || ((event.kind === 'move' || event.kind === 'copy') && event.key.endsWith('/'));
  for (const key of left === null ? [event.key] : [left, event.key]) {
    // A folder that holds ours, or ours itself, as a whole: it went, or came from elsewhere.
    if (tree && folder.startsWith(key)) return 'restart';
    if (!key.startsWith(folder) || key === folder) continue;
    touched.members.push(...(infinite ? [...ancestorsBelow(key, folder), key] : [childOf(key, folder)]));
    if (!tree || !infinite) continue;
    if (event.kind === 'removeTree' || key === left) touched.gone = key;
    else touched.came = key;
  }
  return touched;
}

/** Folders change their ETag with what is in them, and may come and go with it. */
function ancestorsBelow(key: ObjectKey, folder: ObjectKey): ObjectKey[] {
  return ancestorsOf(key).filter(
    (ancestor) => ancestor.length > folder.length && ancestor.startsWith(folder) && ancestor !== key,
  );
}

function childOf(key: ObjectKey, folder: ObjectKey): ObjectKey {
  const slash = key.indexOf('/', folder.length);
  return slash < 0 ? key : key.slice(0, slash + 1);
}
