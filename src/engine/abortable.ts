import { CloudStoreError } from '#core/errors';
import type { Bytes } from '#core/stream';

/** The body, until the signal fires: then the pending read is left alone and the body is told to end. @throws aborted */
export async function* abortable(body: Bytes, signal: AbortSignal | undefined): Bytes {
  if (signal === undefined) {
    yield* body;
    return;
  }
  const iterator = body[Symbol.asyncIterator]();
  let stop = (): void => {};
  const stopped = new Promise<null>((resolve) => {
    stop = () => resolve(null);
  });
  signal.addEventListener('abort', stop, { once: true });
  let ended = false;
  try {
    for (;;) {
      throwIfAborted(signal);
      const result = await Promise.race([iterator.next(), stopped]);
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
  if (signal?.aborted) throw new CloudStoreError('aborted', 'The request was cancelled.', { cause: signal.reason });
}
