import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CloudStoreError } from '#core/errors';
import { type Bytes, disposable, dispose, type Take } from '#core/stream';

/** Sends `100 Continue` if the client waits for it. Call after authentication and before the body is read. */
export function allowBody(req: IncomingMessage, res: ServerResponse): void {
  if (/^100-continue$/i.test(req.headers.expect ?? '') && !res.headersSent) res.writeContinue();
}

/** The whole body of a small request. @throws too_large (details.bytesMax), incomplete_body */
export async function readBody(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const tooLarge = (): Error => new CloudStoreError('too_large', 'The request body is too large.', { details: { bytesMax } });
  if (Number(req.headers['content-length'] ?? 0) > bytesMax) throw tooLarge();
  const bytes = await gather(req, bytesMax);
  if (bytes.length > bytesMax) throw tooLarge();
  // A view of its own: what was read is kept, and not to be disposed of.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * The body as it comes. A connection that breaks is `incomplete_body`, not an internal error.
 * @param res `100 Continue` goes out when the body is first wanted: after everything that could be refused without it
 */
export function requestBytes(req: IncomingMessage, res?: ServerResponse): Bytes {
  const wanted = (): IncomingMessage => {
    if (res !== undefined) allowBody(req, res);
    return req;
  };
  return {
    [Symbol.asyncIterator]: () => iterate(wanted()),
    whole: (bytesMax) => gather(wanted(), bytesMax),
    each: (take, signal) => handOut(wanted(), take, signal),
  };
}

async function* iterate(req: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    // The parser makes a buffer of its own of every piece, and keeps none.
    // A reader that gives up leaves the request whole: destroyed, it would lose its socket, and the answer would have none.
    for await (const chunk of req.iterator({ destroyOnReturn: false })) yield isAlone(chunk) ? disposable(chunk) : chunk;
  } catch (cause) {
    throw brokenOff(cause);
  }
  if (!req.complete) throw brokenOff();
}

/** A small body came in one or two packets: listeners cost a tenth of what an iterator of the stream does. */
function gather(req: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (): void => {
      req.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
    };
    const onEnd = (): void => {
      settle();
      if (!req.complete && size <= bytesMax) onBroken();
      else resolve(joined(chunks, size));
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= bytesMax) return;
      req.pause();
      onEnd();
    };
    const onBroken = (cause?: unknown): void => {
      settle();
      reject(brokenOff(cause));
    };
    if (req.readableEnded) onEnd();
    else if (req.destroyed) onBroken();
    else req.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
}

/** Piece by piece, straight from the parser. A reader that gives up leaves the request whole, as `iterate` does. */
function handOut(req: IncomingMessage, take: Take, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let taking = false;
    let ended = false;
    let failed: { error: unknown } | null = null;
    const settle = (): void => {
      if (taking || (failed === null && !ended)) return;
      req.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
      signal?.removeEventListener('abort', onAbort);
      if (failed === null) resolve();
      else reject(failed.error);
    };
    const fail = (error: unknown): void => {
      failed ??= { error };
      req.pause();
      settle();
    };
    const onBroken = (cause?: unknown): void => {
      if (!ended) fail(brokenOff(cause));
    };
    const onAbort = (): void =>
      fail(new CloudStoreError('aborted', 'The request was cancelled.', { cause: signal?.reason as unknown }));
    // Of what lay ready, node tells the end while the last piece is still being taken.
    const onEnd = (): void => {
      if (req.complete) {
        ended = true;
        settle();
      } else onBroken();
    };
    const taken = (refused: { error: unknown } | null): void => {
      taking = false;
      if (refused !== null) fail(refused.error);
      else if (failed !== null || ended) settle();
      else req.resume();
    };
    const onData = (chunk: Buffer): void => {
      taking = true;
      try {
        const later = take(isAlone(chunk) ? disposable(chunk) : chunk);
        if (later !== null) {
          req.pause();
          later.then(
            () => taken(null),
            (error: unknown) => taken({ error }),
          );
          return;
        }
        taking = false;
        if (failed !== null) settle();
      } catch (error) {
        taken({ error });
      }
    };
    if (signal?.aborted) onAbort();
    else if (req.readableEnded) onEnd();
    else if (req.destroyed) onBroken();
    else {
      signal?.addEventListener('abort', onAbort, { once: true });
      req.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
    }
  });
}

function brokenOff(cause?: unknown): CloudStoreError {
  return new CloudStoreError('incomplete_body', 'The connection ended before the body did.', { cause });
}

/** One buffer, marked as disposable; the parser makes one of its own of every piece, and keeps none. */
function joined(chunks: Buffer[], size: number): Buffer {
  const [only] = chunks;
  const whole = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size);
  if (whole !== only) for (const chunk of chunks) if (isAlone(chunk)) dispose(disposable(chunk));
  return isAlone(whole) ? disposable(whole) : whole;
}

function isAlone({ length, buffer }: Buffer): boolean {
  return length === buffer.byteLength;
}

/** Declared length of the body in bytes, or undefined (chunked). */
export function contentLength(req: IncomingMessage): number | undefined {
  const text = req.headers['content-length'];
  return text === undefined || !/^\d{1,15}$/.test(text) ? undefined : Number(text);
}

/** More than this much of an abandoned body is not worth reading for the connection's sake. */
const DRAINED_BYTES_MAX = 262_144;
/** How long a closing connection is still read, so that the client gets to see the answer. */
const LINGER_MS = 2_000;

/**
 * After an early answer: a small rest of the body is drained so that the connection can go on; with more, it is closed
 * after the answer (a client that is still sending would otherwise be read as the next request's head).
 * Call before the head is written.
 */
export function abandonBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.complete || req.readableEnded) return;
  const rest = contentLength(req);
  const waiting = /^100-continue$/i.test(req.headers.expect ?? '');
  if (waiting || rest === undefined || rest > DRAINED_BYTES_MAX) {
    if (!res.headersSent) res.setHeader('Connection', 'close');
    // Gone already where the reader of the body threw.
    if ((req.socket as Socket | null) !== null) lingerOnClose(req.socket);
  }
  req.resume();
}

/**
 * Closing a socket with unread bytes makes the kernel send a reset, and the client may lose the answer over it (RFC 9112 §9.6).
 * Instead of node's immediate close after the last answer: half-close, read what still comes for a moment, then close.
 */
function lingerOnClose(socket: Socket): void {
  socket.destroySoon = () => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
    };
    socket.once('close', () => clearTimeout(timer));
    socket.once('end', finish);
    socket.end();
    socket.resume();
  };
}

const JOINED_BYTES_MAX = 16_384;

/** Whether `sendWhole` takes the bytes over at once. */
export function wholeIsCopied(bytes: Buffer): boolean {
  return bytes.length <= JOINED_BYTES_MAX;
}

/** A body at hand, with the head in one write where that pays: node joins a latin1 string to it, a buffer costs a second vector. */
export function sendWhole(res: ServerResponse, bytes: Buffer): void {
  if (wholeIsCopied(bytes)) res.end(bytes.toString('latin1'), 'latin1');
  else res.end(bytes);
}

/** Bytes handed to the socket and not yet to the kernel: enough that it never waits for us, little enough for many clients. */
const IN_FLIGHT_BYTES_MAX = 524_288;

/** The client went: nobody is told of it. */
const GONE = new Error('The connection is closed.');

/**
 * Writes a body with back-pressure and ends the answer. If the body fails after the head has gone, or is not of the length that
 * the head declared, the connection is destroyed: a short body must never look complete.
 * @param begin writes the head, once there is something behind it: a body that fails at once is thrown, and can be answered. Without it the head is written already.
 */
export async function sendBody(res: ServerResponse, body: Bytes, signal: AbortSignal, begin?: () => void): Promise<void> {
  res.strictContentLength = true;
  const begins = (): void => {
    if (!res.headersSent) begin?.();
  };
  let inFlight = 0;
  let broken = false;
  let wake: (() => void) | null = null;
  const onClose = (): void => wake?.();
  const take: Take = (chunk) => {
    if (res.destroyed || broken) {
      dispose(chunk);
      throw GONE;
    }
    const size = chunk.length;
    inFlight += size;
    begins();
    res.write(chunk, (error) => {
      inFlight -= size;
      dispose(chunk);
      // Writes to a broken socket fail at once, and `close` comes only after them: without this the loop would spin.
      if (error) broken = true;
      if (broken || inFlight <= IN_FLIGHT_BYTES_MAX) wake?.();
    });
    if (inFlight <= IN_FLIGHT_BYTES_MAX) return null;
    return new Promise<void>((resolve) => {
      wake = () => {
        wake = null;
        resolve();
      };
    });
  };
  res.once('close', onClose);
  try {
    if (body.whole !== undefined) {
      const bytes = await body.whole(Infinity);
      begins();
      return sendWhole(res, bytes);
    }
    if (body.each !== undefined) await body.each(take, signal);
    else {
      for await (const chunk of body) {
        const taken = take(chunk);
        if (taken !== null) await taken;
      }
    }
    if (res.destroyed || broken) return;
    begins();
    res.end();
  } catch (error) {
    if (error === GONE) return;
    if (res.headersSent || signal.aborted) res.destroy();
    if (!signal.aborted) throw error;
  } finally {
    res.off('close', onClose);
  }
}
