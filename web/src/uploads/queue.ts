import { batch, computed, signal } from '@preact/signals';
import { api, type Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { session } from '../api/session.ts';
import { type ClashAsker, createClashAsker, freeKey, type Resolution } from '../drive/clash.tsx';
import { t } from '../i18n/index.ts';
import { said } from '../ui/said.ts';
import type { Picked } from './dropped.ts';
import { createListed } from './listed.ts';
import { giveUpUpload, renameUpload } from './remembered.ts';
import { goesOn, send } from './send.ts';

export interface Upload {
  id: number;
  file: File;
  name: string;
  /** Of a folder that has nothing in it, with `/`. */
  place: Place;
  /** See Picked. */
  reread: Picked['reread'];
  status: 'waiting' | 'sending' | 'paused' | 'done' | 'failed' | 'skipped';
  sent: number;
  error: string | null;
  /** Of an upload that goes on: so much of what was sent before has been read again, for the sum; null when sending. */
  checked: number | null;
  /** SHA-256 in hex, once what the gateway has stored was held against it. */
  sha256: string | null;
  overwrite: boolean;
  /** Of those that came together. */
  asker: ClashAsker;
  together: number;
}

const AT_ONCE = 4;
/** Speed is measured over this long, so that it neither jumps nor lags. */
const SPEED_MS = 8_000;
const RETRY_MS = [1_000, 3_000, 8_000, 15_000, 30_000];
/** Each time is a frame that the browser draws, beside all that it sends. */
const SHOWN_EVERY_MS = 250;
/** Of thousands of small files several end in each of these. */
const LISTED_EVERY_MS = 100;

/**
 * Everything that goes up, a few files at a time. Nothing here is forgotten by itself: what failed stays, with its reason,
 * until somebody dismisses it or tries again. A gateway that is away for a while is waited for.
 */
function createQueue() {
  const items = createListed<Upload>(LISTED_EVERY_MS);
  const { change } = items;
  const paused = signal(false);
  const waitingForGateway = signal(false);
  const speed = signal(0);
  const running = new Map<number, AbortController>();
  const inner = { id: 0, tries: 0, timer: 0, samples: [] as { at: number; bytes: number }[], moved: 0, shown: 0 };

  const sums = computed(() => {
    const sum = { items: 0, done: 0, folders: 0, failed: 0, bytes: 0, sent: 0, open: 0, skipped: 0 };
    for (const { file, place, status, sent } of items.shown.value) {
      sum.items++;
      if (status === 'done' && isFolder(place)) sum.folders++;
      else if (status === 'done') sum.done++;
      if (status === 'skipped') sum.skipped++;
      if (status === 'failed') sum.failed++;
      if (status === 'waiting' || status === 'sending' || status === 'paused') sum.open++;
      if (status !== 'failed' && status !== 'skipped') {
        sum.bytes += file.size;
        sum.sent += status === 'done' ? file.size : sent;
      }
    }
    return sum;
  });

  function add(picked: readonly Picked[], to: Place): void {
    if (picked.length === 0) return;
    const asker = createClashAsker();
    const added = picked.map(
      ({ file, path, reread }): Upload => ({
        id: ++inner.id,
        file,
        name: path,
        place: { bucket: to.bucket, key: `${to.key}${path}` },
        reread,
        status: reread === undefined ? 'waiting' : 'failed',
        sent: 0,
        error: reread === undefined ? null : t('upload.unread'),
        checked: null,
        sha256: null,
        overwrite: false,
        asker,
        together: picked.length,
      }),
    );
    // What is over makes room for what begins.
    const before = items.now();
    items.set([...(before.some(isOpen) ? before : before.filter(({ status }) => status === 'failed')), ...added]);
    pump();
  }

  function pump(): void {
    if (paused.value || waitingForGateway.value || session.value.kind !== 'in') return;
    for (const item of items.now()) {
      if (running.size >= AT_ONCE) return;
      if (item.status === 'waiting' && !running.has(item.id)) void run(item);
    }
  }

  async function run(item: Upload): Promise<void> {
    const stop = new AbortController();
    running.set(item.id, stop);
    change(item.id, { status: 'sending', error: null, checked: null });
    let { place, overwrite } = item;
    /** Somebody wants both: whichever name is free. */
    let both = false;
    let sha256: string | null = null;
    /** Of what goes on the first word is what was there before. */
    let counted: number | null = goesOn(item.file) ? null : 0;
    const onProgress = (sent: number): void => {
      inner.moved += Math.max(0, sent - (counted ?? sent));
      counted = sent;
      sample();
      if (isTime()) change(item.id, { sent, checked: null });
    };
    const onChecked = (checked: number): void => {
      if (isTime()) change(item.id, { checked });
    };
    const onLate = (): void => {
      if (!isListed(item.id)) giveUpUpload(place, file);
    };
    let { file } = item;
    try {
      if (item.reread !== undefined) {
        file = await item.reread();
        change(item.id, { file, reread: undefined });
      }
      for (;;) {
        try {
          const { signal } = stop;
          if (isFolder(place)) await makeFolder(place, signal);
          else ({ sha256 } = await send({ place, file, overwrite, signal, onProgress, onChecked, onLate }));
          break;
        } catch (error) {
          // A folder is not replaced by a file, however often somebody says so.
          if (overwrite || !isApiError(error, 'precondition_failed', 'already_exists', 'name_clash')) throw error;
          const answer: Resolution = both ? 'both' : await item.asker(item.name, item.together > 1, rivals(place, file));
          if (answer === 'skip') {
            giveUpUpload(place, file);
            change(item.id, { status: 'skipped' });
            return;
          }
          overwrite = answer === 'replace';
          both = answer === 'both';
          if (both) place = await renamed({ ...item, file }, place);
          change(item.id, { place, overwrite });
        }
      }
      inner.tries = 0;
      change(item.id, { status: 'done', sent: file.size, sha256 });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') {
        change(item.id, { status: paused.value ? 'waiting' : 'paused', ...again(file) });
      } else if (isApiError(error, 'unreachable', 'unavailable', 'timeout', 'aborted', 'rate_limited')) {
        change(item.id, { status: 'waiting', ...again(file) });
        waitForGateway();
      } else change(item.id, { status: 'failed', error: said(error) });
    } finally {
      running.delete(item.id);
      // Dismissed while it ran: only now nothing of it comes any more.
      if (!isListed(item.id)) giveUpUpload(place, file);
      pump();
    }
  }

  function isListed(wanted: number): boolean {
    return items.now().some(({ id }) => id === wanted);
  }

  /** To a name beside the one that is taken. What the gateway has of it is not sent again. */
  async function renamed({ id, file, name, place: wanted }: Upload, place: Place): Promise<Place> {
    const free = { bucket: place.bucket, key: await freeKey(wanted) };
    renameUpload(place, free, file);
    change(id, { name: free.key.slice(wanted.key.length - name.length) });
    return free;
  }

  /** Those that go are not to be gone on with: the gateway forgets what it has of them. */
  function keepOnly(wanted: (item: Upload) => boolean): void {
    const gone = items.now().filter((item) => !wanted(item));
    items.set(items.now().filter(wanted));
    for (const { id, place, file, status } of gone) {
      const stop = running.get(id);
      if (stop !== undefined) stop.abort();
      else if (status !== 'done') giveUpUpload(place, file);
    }
  }

  function isTime(): boolean {
    if (performance.now() - inner.shown < SHOWN_EVERY_MS) return false;
    inner.shown = performance.now();
    return true;
  }

  function waitForGateway(): void {
    if (waitingForGateway.value) return;
    waitingForGateway.value = true;
    inner.timer = window.setTimeout(
      () => {
        waitingForGateway.value = false;
        pump();
      },
      RETRY_MS[Math.min(inner.tries++, RETRY_MS.length - 1)],
    );
  }

  function sample(): void {
    const now = performance.now();
    const last = inner.samples.at(-1);
    if (last !== undefined && now - last.at < 250) return;
    inner.samples.push({ at: now, bytes: inner.moved });
    while (inner.samples.length > 2 && now - (inner.samples[0]?.at ?? now) > SPEED_MS) inner.samples.shift();
    const first = inner.samples[0];
    if (first !== undefined && now - first.at > 500) speed.value = ((inner.moved - first.bytes) / (now - first.at)) * 1000;
  }

  window.addEventListener('online', () => {
    clearTimeout(inner.timer);
    waitingForGateway.value = false;
    pump();
  });
  session.subscribe(() => pump());
  // The browser asks before a tab is closed that has open uploads, or failed ones that nobody has dismissed: with it they are forgotten.
  window.addEventListener('beforeunload', (event) => {
    // Somebody else has signed in, and is not to be asked about it.
    if (session.peek().kind === 'starting') return;
    if (items.now().some((item) => isOpen(item) || item.status === 'failed')) event.preventDefault();
  });

  return {
    items: items.shown,
    sums,
    paused,
    waitingForGateway,
    speed,
    add,
    pauseAll(): void {
      paused.value = true;
      for (const stop of running.values()) stop.abort();
    },
    resumeAll(): void {
      batch(() => {
        paused.value = false;
        waitingForGateway.value = false;
        items.set(items.now().map((item) => (item.status === 'paused' ? { ...item, status: 'waiting' } : item)));
      });
      inner.samples = [];
      pump();
    },
    retry(id: number): void {
      change(id, { status: 'waiting', sent: 0, error: null });
      pump();
    },
    retryFailed(): void {
      items.set(
        items.now().map((item) => (item.status === 'failed' ? { ...item, status: 'waiting', sent: 0, error: null } : item)),
      );
      pump();
    },
    /** Stops it if it runs, and forgets it. */
    dismiss(id: number): void {
      keepOnly((item) => item.id !== id);
    },
    /** Forgets what is over. What failed stays unless `failed` is said. */
    clear(failed: boolean): void {
      keepOnly(({ status }) => status !== 'done' && status !== 'skipped' && (status !== 'failed' || !failed));
    },
    cancelAll(): void {
      keepOnly(({ status }) => status === 'failed' || status === 'done');
    },
  };
}

/** What is there of it stays there, where it goes on. */
function again(file: File): Partial<Upload> {
  return goesOn(file) ? {} : { sent: 0 };
}

function rivals(to: Place, { size, lastModified }: File) {
  return { to, comes: { size, mtime: new Date(lastModified).toISOString() } };
}

function isOpen({ status }: Upload): boolean {
  return status === 'waiting' || status === 'sending' || status === 'paused';
}

function isFolder({ key }: Place): boolean {
  return key.endsWith('/');
}

async function makeFolder(place: Place, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await api.makeFolder(place);
  } catch (error) {
    if (!isApiError(error, 'precondition_failed', 'already_exists')) throw error;
  }
}

export const uploads = createQueue();
