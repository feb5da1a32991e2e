import { batch, computed, signal } from '@preact/signals';
import { api, type Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { follow } from '../api/events.ts';
import type { ChangeEvent, Entry } from '../api/types.ts';
import { compareNames } from '../i18n/index.ts';
import { drawn } from '../ui/drawn.ts';
import { typeOfName } from './kinds.ts';

export type SortBy = 'name' | 'size' | 'modified';

/** The first page is small, so that the first rows are there soon. */
const FIRST_LIMIT = 200;
const LIMIT = 1000;
/** Folders up to this size are ordered as people do; larger ones stay in the gateway's order until somebody sorts them. */
const ORDERED_MAX = LIMIT;
/** Of these, when all of a folder is asked for: what shows is drawn anew once for so many pages. */
const PAGES_AT_ONCE = 10;
const RELIST_MS_MIN = 300;
/** After a listing that failed. */
const RETRY_MS = 3000;
/** A larger folder is not listed anew for a few entries: they are asked for one by one. */
const RELIST_MAX = 2 * LIMIT;
const ASKED_MAX = 50;
/** What desktops leave in folders and nobody wants to see. */
const CLUTTER = /^(\._.*|\.DS_Store|Thumbs\.db|desktop\.ini)$/;

/**
 * One folder as it is looked at: the pages that have been listed, kept true by the gateway's events. Whoever makes one ends it
 * with `close`.
 */
export function openFolder(place: Place) {
  const entries = signal<Entry[]>([]);
  const state = signal<'loading' | 'ready' | 'failed'>('loading');
  const error = signal<unknown>(null);
  const loadingMore = signal(false);
  const next = signal<string | null>(null);
  const sort = signal<{ by: SortBy; down: boolean } | null>(null);
  const filter = signal('');
  const abort = new AbortController();
  const inner = {
    closed: false,
    more: null as Promise<void> | null,
    relist: 0,
    listMs: 100,
    tag: '',
    unfollow: null as (() => void) | null,
  };
  /** The last listing that was begun. Two at once could end in the wrong order. */
  let turn: Promise<unknown> = Promise.resolve();
  /** What happened while a listing is on its way, which may or may not show it; null while there is none. */
  let meanwhile: ChangeEvent[] | null = null;
  let asked = new Set<string>();

  const complete = computed(() => next.value === null && state.value === 'ready');
  const shown = computed<Entry[]>(() => {
    const wanted = filter.value.toLocaleLowerCase();
    const seen = entries.value.filter(
      ({ name }) => !CLUTTER.test(name) && (wanted === '' || name.toLocaleLowerCase().includes(wanted)),
    );
    const order = sort.value;
    if (!complete.value || (order === null && seen.length > ORDERED_MAX)) return seen;
    return seen.sort(comparison(order ?? { by: 'name', down: false }));
  });

  /** Asks for pages when those before have come, and shows them together with what happened meanwhile. */
  function listing(ask: () => Promise<() => void>): Promise<void> {
    const asked = turn.then(async () => {
      const happened: ChangeEvent[] = [];
      meanwhile = happened;
      let show: () => void;
      try {
        show = await ask();
      } finally {
        meanwhile = null;
      }
      if (inner.closed) return;
      batch(() => {
        show();
        for (const event of happened) apply(event);
      });
    });
    turn = asked.catch(() => undefined);
    return asked;
  }

  async function load(): Promise<void> {
    batch(() => {
      if (entries.value.length === 0) state.value = 'loading';
      error.value = null;
    });
    try {
      await listing(async () => {
        const begun = performance.now();
        const page = await api.list(place, { limit: FIRST_LIMIT, signal: abort.signal });
        inner.listMs = performance.now() - begun;
        inner.tag = page.tag;
        return () => {
          entries.value = page.entries;
          next.value = page.next;
          state.value = 'ready';
        };
      });
      await drawn();
      attend();
      // A small folder is whole with its second page, and can be ordered.
      await more();
    } catch (reason) {
      if (inner.closed) return;
      batch(() => {
        error.value = reason;
        state.value = 'failed';
      });
      attend();
    }
  }

  /** The next page, if there is one. Calls while it is on its way get the same promise. */
  function more(): Promise<void> {
    return pages(1);
  }

  function pages(count: number): Promise<void> {
    if (next.value === null || inner.closed) return Promise.resolve();
    inner.more ??= (async () => {
      loadingMore.value = true;
      try {
        await listing(async () => {
          const fresh: Entry[] = [];
          let cursor = next.value;
          for (let n = 0; n < count && cursor !== null; n++) {
            const page = await api.list(place, { limit: LIMIT, cursor, signal: abort.signal });
            fresh.push(...page.entries);
            cursor = page.next;
          }
          return () => {
            const known = new Set(entries.value.map(({ key }) => key));
            entries.value = [...entries.value, ...fresh.filter(({ key }) => !known.has(key))];
            next.value = cursor;
          };
        });
      } catch (reason) {
        if (!inner.closed) error.value = reason;
        throw reason;
      } finally {
        loadingMore.value = false;
        inner.more = null;
      }
    })();
    return inner.more;
  }

  /** Everything, for what needs it: an order by size, the end of the list, all selected. */
  async function all(): Promise<void> {
    while (next.value !== null && !inner.closed) await pages(PAGES_AT_ONCE);
  }

  function put(entry: Entry): void {
    const list = entries.value;
    const at = list.findIndex(({ key }) => key === entry.key);
    if (at >= 0) {
      entries.value = list.with(at, entry);
      return;
    }
    const last = list.at(-1);
    // What lies behind the pages that are here comes with its own.
    if (next.value !== null && last !== undefined && entry.key > last.key) return;
    let index = list.length;
    while (index > 0 && (list[index - 1]?.key ?? '') > entry.key) index--;
    entries.value = list.toSpliced(index, 0, entry);
  }

  function drop(key: string): void {
    if (entries.value.some((entry) => entry.key === key)) entries.value = entries.value.filter((entry) => entry.key !== key);
  }

  /** Lists what is shown anew, soon and once, however many changes there were. */
  function relist(afterMs = Math.max(RELIST_MS_MIN, 2 * inner.listMs)): void {
    if (inner.relist !== 0 || inner.closed) return;
    inner.relist = window.setTimeout(async () => {
      inner.relist = 0;
      try {
        await listing(relisted);
      } catch (reason) {
        if (inner.closed) return;
        if (!isApiError(reason, 'not_found', 'bucket_not_found', 'access_denied')) return relist(RETRY_MS);
        batch(() => {
          error.value = reason;
          state.value = 'failed';
        });
      }
    }, afterMs);
  }

  async function relisted(): Promise<() => void> {
    const extent = entries.value.length;
    const begun = performance.now();
    let page = await api.list(place, { limit: Math.min(LIMIT, Math.max(FIRST_LIMIT, extent)), signal: abort.signal });
    inner.tag = page.tag;
    const fresh = page.entries;
    while (page.next !== null && fresh.length < extent) {
      page = await api.list(place, { limit: LIMIT, cursor: page.next, signal: abort.signal });
      fresh.push(...page.entries);
    }
    inner.listMs = performance.now() - begun;
    return () => {
      entries.value = fresh;
      next.value = page.next;
      state.value = 'ready';
      error.value = null;
    };
  }

  /** What became of an entry that an event tells too little about. In a small folder, or when there are many, the list tells it. */
  function look(key: string): void {
    if (entries.value.length <= RELIST_MAX || asked.size > ASKED_MAX) return relist();
    asked.add(key);
    if (asked.size > 1) return;
    window.setTimeout(async () => {
      const keys = asked;
      asked = new Set();
      if (keys.size > ASKED_MAX) return relist();
      for (const one of keys) {
        if (inner.closed) return;
        try {
          put(await api.stat({ bucket: place.bucket, key: one }));
        } catch (reason) {
          if (isApiError(reason, 'not_found')) drop(one);
          else relist(RETRY_MS);
        }
      }
    }, RELIST_MS_MIN);
  }

  function apply(event: ChangeEvent): void {
    meanwhile?.push(event);
    // It may be there again.
    if (state.value === 'failed') return relist();
    const below = event.key.startsWith(place.key) ? event.key.slice(place.key.length) : null;
    if (below === null || below === '') return relist();
    const slash = below.indexOf('/');
    const direct = slash < 0;
    /** An entry of this folder itself, and not of one below. */
    const own = direct || slash === below.length - 1;
    if (event.kind === 'put' && direct) {
      const before = entries.value.find(({ key }) => key === event.key);
      put({
        kind: 'file',
        bucket: place.bucket,
        key: event.key,
        name: below,
        size: event.size ?? 0,
        etag: event.etag ?? '',
        contentType: before?.kind === 'file' ? before.contentType : typeOfName(below),
        modified: event.at,
        mtime: event.at,
        created: before?.created ?? event.at,
        versionId: '',
      });
    } else if (event.kind === 'put' || event.kind === 'copy') {
      const key = place.key + (direct ? below : below.slice(0, slash + 1));
      if (direct) return look(key);
      if (!entries.value.some((entry) => entry.key === key))
        put({ kind: 'folder', bucket: place.bucket, key, name: below.slice(0, slash), modified: event.at });
    } else if (event.kind === 'remove' && direct) drop(event.key);
    else if (event.kind === 'removeTree' && own) drop(event.key);
    else if (event.kind === 'move' && own && event.fromKey !== undefined) {
      drop(event.fromKey);
      look(event.key);
    } else relist();
  }

  /** Changes are told from when the first rows are there, which wait for nothing else. */
  function attend(): void {
    if (inner.closed) return;
    inner.unfollow ??= follow({
      bucket: place.bucket,
      prefix: place.key,
      onChange: apply,
      onBegin: () => void compare(),
      onReset: () => relist(),
      onError: () => relist(),
    });
  }

  /** What was read before changes are told may lack some. */
  async function compare(): Promise<void> {
    await turn;
    if (inner.closed) return;
    const now = await api.folderTag(place, abort.signal).catch(() => null);
    if (now === null || now !== inner.tag) relist();
  }

  void load();

  return {
    place,
    entries,
    shown,
    state,
    error,
    loadingMore,
    next,
    complete,
    sort,
    filter,
    load,
    more,
    all,
    put,
    drop,
    /** After something was done here. In a large folder events tell it, and nothing is listed anew for that. */
    relist(): void {
      if (entries.value.length <= RELIST_MAX) relist();
    },
    close(): void {
      inner.closed = true;
      clearTimeout(inner.relist);
      abort.abort();
      inner.unfollow?.();
    },
  };
}

export type Folder = ReturnType<typeof openFolder>;

function comparison({ by, down }: { by: SortBy; down: boolean }): (a: Entry, b: Entry) => number {
  const names = compareNames();
  const sign = down ? -1 : 1;
  const value = {
    name: (a: Entry, b: Entry) => names(a.name, b.name),
    size: (a: Entry, b: Entry) => sizeOf(a) - sizeOf(b),
    modified: (a: Entry, b: Entry) => Date.parse(timeOf(a)) - Date.parse(timeOf(b)),
  }[by];
  return (a, b) => {
    if (a.kind !== b.kind) return a.kind === 'folder' ? -1 : 1;
    return sign * value(a, b) || names(a.name, b.name) || (a.key < b.key ? -1 : 1);
  };
}

export function sizeOf(entry: Entry): number {
  return entry.kind === 'file' ? entry.size : -1;
}

export function timeOf(entry: Entry): string {
  return (entry.kind === 'file' ? entry.mtime : entry.modified) ?? '1970-01-01T00:00:00Z';
}
