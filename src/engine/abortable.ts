import { CloudStoreError } from '#core/errors';
import type { Bytes, Take } from '#core/stream';

/** Hands out the body, by its own `each` where it has one. @throws aborted */
export async function eachOf(body: Bytes, signal: AbortSignal | undefined, take: Take): Promise<void> {
  if (body.each !== undefined) return body.each(take, signal);
  for await (const bytes of abortable(body, signal)) {
    const taken = take(bytes);
    if (taken !== null) await taken;
  }
}

/** The body, until the signal fires: then the pending read is left alone and the body is told to end. @throws aborted */
async function* abortable(body: Bytes, signal: AbortSignal | undefined): Bytes {
  if (signal === undefined) {
    yield* body;
    return;
  }
  const iterator = body[Symbol.asyncIterator]();
  // Of the pull that is pending. Not one promise for the whole body: each race with it would stay in its memory until the end.
  let stopPull: (() => void) | null = null;
  const stop = (): void => stopPull?.();
  signal.addEventListener('abort', stop, { once: true });
  let ended = false;
  try {
    for (;;) {
      throwIfAborted(signal);
      const result = await new Promise<IteratorResult<Uint8Array> | null>((resolve, reject) => {
        stopPull = () => resolve(null);
        iterator.next().then(resolve, reject);
      });
      if (result === null) continue;
      if (result.done) {
        ended = true;
        return;
      }
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // Not awaited: a body that hangs in a read ends only with its client. Its own error is of no interest any more.
    if (!ended) void iterator.return?.().catch(() => {});
  }
}

/** @throws aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedBy(signal);
}

export function abortedBy(signal: AbortSignal): CloudStoreError {
  return new CloudStoreError('aborted', 'The request was cancelled.', { cause: signal.reason as unknown });
}
