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
  /** Folders beside whose name a file came, changed or went: such a folder, and all below, may have another path than before. */
  beside: Set<ObjectKey>;
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
  isFolder(key: ObjectKey): Promise<boolean>;
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
    beside: new Set(),
    cursor: from,
    truncated: false,
    restart: false,
    tooMany: false,
  };
  for (;;) {
    const events = await journal.since(scope.bucket, changes.cursor, EVENTS_PAGE);
    const touches = events.map((event) => touchedBy(event, scope));
    const twins = await foldersBeside(touches, scope);
    for (const [index, event] of events.entries()) {
      const touched = touches[index];
      if (touched === undefined || touched === 'restart') return { ...changes, restart: true };
      const beside = touched.members.map(twinKey).filter((folder) => twins.has(folder));
      const members = freshIn(changes.members, [...touched.members, ...beside]);
      const besides = freshIn(changes.beside, beside);
      const walks = freshIn(changes.cameTrees, [...touched.came, ...(scope.infinite ? beside : [])]);
      const names = changes.members.size + members.length + changes.beside.size + besides.length;
      if (names > limit || changes.cameTrees.size + walks.length > WALKS_MAX) {
        return { ...changes, truncated: true, tooMany: changes.members.size === 0 };
      }
      for (const key of members) changes.members.add(key);
      for (const key of besides) changes.beside.add(key);
      for (const key of walks) changes.cameTrees.add(key);
      for (const key of touched.gone) changes.goneTrees.add(key);
      changes.cursor = event.cursor;
    }
    if (events.length < EVENTS_PAGE) return changes;
  }
}

/** The folders of the names of files that something happened to: S3 makes both under one name, and only the file's is then its own in a path. */
async function foldersBeside(touches: readonly (Touched | 'restart')[], scope: Scope): Promise<Set<ObjectKey>> {
  const names = new Set(touches.flatMap((touched) => (touched === 'restart' ? [] : touched.members.map(twinKey))));
  const folders = [...names].filter((name) => name.endsWith('/'));
  const there = await Promise.all(folders.map((folder) => scope.isFolder(folder)));
  return new Set(folders.filter((_, index) => there[index]));
}

export function twinKey(key: ObjectKey): ObjectKey {
  return key.endsWith('/') ? key.slice(0, -1) : `${key}/`;
}

function freshIn(known: ReadonlySet<ObjectKey>, keys: readonly ObjectKey[]): ObjectKey[] {
  return [...new Set(keys)].filter((key) => !known.has(key));
}

interface Touched {
  members: ObjectKey[];
  gone: ObjectKey[];
  came: ObjectKey[];
}

function touchedBy(event: JournalEvent, scope: Scope): Touched | 'restart' {
  const { folder, infinite } = scope;
  const touched: Touched = { members: [], gone: [], came: [] };
  const left = event.kind === 'move' && event.fromBucket === scope.bucket ? event.fromKey : null;
  const tree = event.kind === 'removeTree' || ((event.kind === 'move' || event.kind === 'copy') && event.key.endsWith('/'));
  for (const key of left === null ? [event.key] : [left, event.key]) {
    // A folder that holds ours, or ours itself, as a whole: it went, or came from elsewhere.
    if (tree && folder.startsWith(key)) return 'restart';
    if (!key.startsWith(folder) || key === folder) continue;
    touched.members.push(...(infinite ? [...ancestorsBelow(key, folder), key] : [childOf(key, folder)]));
    if (!tree || !infinite) continue;
    if (event.kind === 'removeTree' || key === left) touched.gone.push(key);
    else touched.came.push(key);
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
