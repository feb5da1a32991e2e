import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { IdempotencyStore } from '#contracts/idempotency-store';
import type { Seal } from '#contracts/seal';
import { CloudStoreError } from '#core/errors';
import type { Exchange } from './exchange.ts';
import { RestError } from './problems.ts';

export interface Idempotency {
  store: IdempotencyStore;
  /** An answer may hold a secret that is shown once. */
  seal: Seal;
}

/** A try that its gateway has not renewed for so long has died with it. */
const STALE_MS = 60_000;
const RENEW_MS = 20_000;
const KEY = /^[\x21-\x7e]{1,255}$/;
const ANSWER_BYTES_MAX = 1 << 20;

interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/**
 * Runs a request once, however often it is sent with its key within a day (draft-ietf-httpapi-idempotency-key-header): what it answered is kept before it is told,
 * and told again. A request that is refused made nothing, and leaves its key free. The same key with another request is refused.
 * @throws invalid_argument, idempotency_key_reused, request_in_progress
 */
export async function once(x: Exchange, key: string, body: unknown, handle: () => Promise<void>): Promise<void> {
  const { idempotency } = x.deps;
  const { principal } = x.who;
  if (idempotency === undefined || principal === null) return handle();
  if (!KEY.test(key)) throw new CloudStoreError('invalid_argument', 'An Idempotency-Key has 1 to 255 printable characters.');
  const { store, seal } = idempotency;
  const request = fingerprint(x, body);
  const attempt = x.deps.random(16);
  const about = `idempotency ${principal.id} ${key}`;
  const begun = await store.begin(principal.id, key, request, attempt, STALE_MS);
  if (begun.kind === 'other') {
    throw new RestError('idempotency_key_reused', 'Another request was sent with this Idempotency-Key.');
  }
  if (begun.kind === 'running') {
    const headers = { 'Retry-After': '1' };
    throw new RestError('request_in_progress', 'The request with this Idempotency-Key is still running.', { headers });
  }
  if (begun.kind === 'ended') return replay(x.res, decode(seal.open(begun.sealed, about), begun.digest));
  const renewal = setInterval(() => void store.renew(principal.id, key, attempt).catch(() => undefined), RENEW_MS);
  const captured = capture(x.res);
  let carriedOut = false;
  try {
    await handle();
    carriedOut = true;
    const answer = captured.answer();
    if (answer.body.length > ANSWER_BYTES_MAX) throw new Error('An answer that is too large to be kept.');
    const plain = encode(answer);
    const digest = createHash('sha256').update(plain).digest();
    await store.end(principal.id, key, attempt, { status: answer.status, sealed: seal.seal(plain, about), digest });
    captured.restore();
    x.res.writeHead(answer.status, answer.headers).end(answer.body);
  } catch (error) {
    captured.restore();
    // What was made is not made again at once because its answer could not be kept.
    if (!carriedOut) await store.release(principal.id, key, attempt).catch(() => undefined); // else it goes stale
    throw error;
  } finally {
    clearInterval(renewal);
  }
}

function fingerprint(x: Exchange, body: unknown): Buffer {
  const hash = createHash('sha256');
  const { kind, id } = x.who.principal?.credential ?? {};
  for (const part of [
    // What was told to the user is not told again to a key or device of the user's, which may be less.
    kind === 'password' || kind === 'session' ? '' : id,
    x.req.method,
    x.req.url,
    x.req.headers['if-match'],
    x.req.headers['if-none-match'],
    JSON.stringify(body) ?? '',
  ]) {
    hash.update(`${part?.length ?? -1}:${part ?? ''}`);
  }
  return hash.digest();
}

/** Holds an answer back until it is kept. */
function capture(res: ServerResponse): { answer(): Answer; restore(): void } {
  const { writeHead, end } = res;
  let status = 200;
  let headers: OutgoingHttpHeaders = {};
  let body: Buffer | null = null;
  res.writeHead = (code: number, given?: unknown) => {
    status = code;
    headers = { ...(given as OutgoingHttpHeaders | undefined) }; // our handlers give an object
    return res;
  };
  res.end = (chunk?: unknown) => {
    body = typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0);
    return res;
  };
  return {
    answer() {
      if (body === null) throw new Error('A handler ended without an answer.');
      return { status, headers, body };
    },
    restore() {
      res.writeHead = writeHead;
      res.end = end;
    },
  };
}

function encode({ status, headers, body }: Answer): Buffer {
  return Buffer.from(JSON.stringify({ status, headers, body: body.toString('base64') }));
}

/** @throws conflict when what was kept cannot be read any more */
function decode(plain: Buffer | null, digest: Buffer): Answer {
  if (plain === null || !createHash('sha256').update(plain).digest().equals(digest)) {
    throw new CloudStoreError('conflict', 'The request was carried out, and its answer is not kept any more.');
  }
  const { status, headers, body } = JSON.parse(plain.toString()) as {
    status: number;
    headers: OutgoingHttpHeaders;
    body: string;
  };
  return { status, headers, body: Buffer.from(body, 'base64') };
}

function replay(res: ServerResponse, { status, headers, body }: Answer): void {
  res.writeHead(status, { ...headers, 'Idempotency-Replayed': 'true' }).end(body);
}
