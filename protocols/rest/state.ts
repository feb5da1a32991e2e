import { createHash } from 'node:crypto';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Conditions, checkConditions, type Validators } from '#core/conditions';
import { isCloudStoreError } from '#core/errors';
import { parseConditions } from '#http/conditional-headers';
import type { Exchange } from './exchange.ts';
import { parsePlace } from './paths.ts';
import type { Route } from './route.ts';

/**
 * ETags of what is no file: users, groups, links, grants, documents and limits of buckets. A state is what its GET shows, without the fields that
 * change by themselves, so there is no number of a revision to be kept, and S3 and commands that change the same move it too.
 */
export interface State {
  /** What its answer shows that is no part of it, such as when it was used. */
  without?: readonly string[];
}

/** Answers a read with the ETag of the state, or 304. */
export async function tellState(x: Exchange, { without }: State, handle: () => Promise<void>): Promise<void> {
  await readAnew(x);
  const answer = await held(x.res, handle);
  const etag = etagOf(answer.body, without);
  // When it became so is not known: dates are ignored (RFC 9110 §13.1.3).
  checkConditions(conditionsOn(x), { etag, modified: 0 }, 'read');
  send(x.res, answer, etag);
}

/**
 * Carries a change out if its conditions hold: If-Match, or If-None-Match: * for what is not there yet. Changes of one place by REST come one after the other,
 * over all gateways, so two that were made from the same state cannot both come through.
 * @throws precondition_failed
 */
export async function changeState(x: Exchange, reading: Route, tells: boolean, handle: () => Promise<void>): Promise<void> {
  const conditions = conditionsOn(x);
  const without = reading.state?.without;
  const work = async (): Promise<void> => {
    if (Object.keys(conditions).length > 0) checkConditions(conditions, await current(x, reading), 'write');
    if (!tells) return handle();
    const answer = await held(x.res, handle);
    send(x.res, answer, etagOf(answer.body, without));
  };
  const { turns } = x.deps;
  await (turns === undefined ? work() : turns.take(`rest ${reading.operation} ${x.path}`, work));
}

function conditionsOn({ req }: Exchange): Conditions {
  const { ifMatch, ifNoneMatch } = parseConditions(req.headers);
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}

/** null: nothing is there. What the caller may not see is told as the read tells it. */
async function current(x: Exchange, reading: Route): Promise<Validators | null> {
  await readAnew(x);
  try {
    const { body } = await held(x.res, () => reading.handle(x, { query: {} as never, body: undefined as never }));
    return { etag: etagOf(body, reading.state?.without), modified: 0 };
  } catch (error) {
    if (isCloudStoreError(error, 'not_found')) return null;
    throw error;
  }
}

/** What is told of a bucket is what other processes have left of it, too. */
async function readAnew({ deps: { buckets }, who, path }: Exchange): Promise<void> {
  const below = /^\/(?:access|buckets)\/(.+)$/.exec(path)?.[1];
  if (below !== undefined) await buckets.readAnew(who, parsePlace(below).bucket);
}

function etagOf(body: Buffer, without: readonly string[] = []): string {
  const value = JSON.parse(body.toString()) as Record<string, unknown>; // an answer of ours
  for (const field of without) delete value[field];
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

interface Held {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** What a handler answers, not sent. */
async function held(res: ServerResponse, handle: () => Promise<void>): Promise<Held> {
  const { writeHead, end } = res;
  const answer: Held = { status: 200, headers: {}, body: Buffer.alloc(0) };
  res.writeHead = (status: number, given?: unknown) => {
    answer.status = status;
    answer.headers = { ...(given as OutgoingHttpHeaders | undefined) }; // our handlers give an object
    return res;
  };
  res.end = (chunk?: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) answer.body = Buffer.from(chunk);
    return res;
  };
  try {
    await handle();
    return answer;
  } finally {
    res.writeHead = writeHead;
    res.end = end;
  }
}

function send(res: ServerResponse, { status, headers, body }: Held, etag: string): void {
  res.writeHead(status, { ...headers, ETag: `"${etag}"` }).end(body);
}
