import { type ChangeKind, formatCursor, type JournalEvent } from '#contracts/journal';
import type { ObjectKey } from '#core/address';

/** A journal event as a subscriber of `prefix` gets it; null when it does not concern the prefix. */
export interface Change {
  kind: ChangeKind;
  key: ObjectKey;
  fromKey: ObjectKey | null;
}

/**
 * What a change means below a prefix. A move out of it is a removal, and one into it comes from nowhere: keys outside are not the
 * subscriber's to know. A folder above the prefix concerns it too.
 */
export function changeBelow(event: JournalEvent, prefix: string): Change | null {
  const { kind, key, fromKey } = event;
  const foreign = event.fromBucket !== null && event.fromBucket !== event.bucket;
  const hasFrom = fromKey !== null && !foreign;
  const to = concerns(key, prefix);
  const from = hasFrom && concerns(fromKey, prefix);
  if (to) return { kind, key, fromKey: from ? fromKey : null };
  if (kind !== 'move' || !from) return null;
  return { kind: fromKey.endsWith('/') ? 'removeTree' : 'remove', key: fromKey, fromKey: null };
}

function concerns(key: ObjectKey, prefix: string): boolean {
  return key.startsWith(prefix) || (key.endsWith('/') && prefix.startsWith(key));
}

interface Told {
  bucket: string;
  change: Change;
  text: string;
}
/** The message of an event, for the subscription that has this id. Times are ISO 8601. */
export type EventMessage = (event: JournalEvent, change: Change, bucket: string, id: string | undefined) => string;

/** Many hear the same of an event: it is written once for those who come one after another. */
export function createEventMessage(): EventMessage {
  const said = new WeakMap<JournalEvent, Told>();
  return (event, change, bucket, id) => {
    let told = said.get(event);
    if (told === undefined || told.bucket !== bucket || !same(told.change, change)) {
      told = { bucket, change, text: textOf(event, change, bucket) };
      said.set(event, told);
    }
    return id === undefined ? `{"type":"event",${told.text}` : `{"type":"event","id":${JSON.stringify(id)},${told.text}`;
  };
}

function same(a: Change, b: Change): boolean {
  return a.kind === b.kind && a.key === b.key && a.fromKey === b.fromKey;
}

/** Without its opening brace: who hears it comes first. */
function textOf(event: JournalEvent, change: Change, bucket: string): string {
  const gone = change.kind !== event.kind;
  const text = JSON.stringify({
    bucket,
    cursor: formatCursor(event.cursor),
    kind: change.kind,
    key: change.key,
    fromKey: change.fromKey ?? undefined,
    versionId: gone ? undefined : (event.versionId ?? undefined),
    size: gone ? undefined : (event.size ?? undefined),
    etag: gone ? undefined : (event.etag ?? undefined),
    at: new Date(event.at).toISOString(),
    principal: event.principal ?? undefined,
    protocol: event.protocol,
    requestId: event.requestId,
  });
  return text.slice(1);
}
