import { OPERATIONS, type Operations, type UploadBody } from './api.ts';
import { type EventStream, type EventStreamOptions, openEvents } from './events.ts';
import { ApiError, problemOf, unreachable } from './problem.ts';
import { COOKIE_HEADERS, createSession, type Session, type TokenPair } from './session.ts';
import { startUpload, type Upload, type UploadOptions } from './upload.ts';

export interface ClientOptions {
  /** Of the gateway: `https://host`; on a page of its own leave it out. */
  url?: string;
  /** Default `cookie` on a page, else `tokens`. */
  mode?: 'cookie' | 'tokens';
  tokens?: TokenPair;
  onTokens?(tokens: TokenPair | null): void;
  /** Another one than the platform's. */
  fetch?: typeof fetch;
}

export type OperationName = keyof Operations;

type Part<K extends string, T> = [T] extends [undefined]
  ? unknown
  : [Record<never, never>] extends [T]
    ? { [P in K]?: T }
    : { [P in K]: T };

/** What an operation is called with; parts that it does not take are left out. */
export type CallOptions<N extends OperationName> = Part<'path', Operations[N]['path']> &
  Part<'query', Operations[N]['query']> &
  Part<'body', Operations[N]['body']> & {
    headers?: Record<string, string>;
    signal?: AbortSignal;
    /** The same key makes a POST happen once, however often it is sent (24 hours). */
    idempotencyKey?: string;
  };

export interface Client {
  /**
   * Calls an operation of the API by its name. Tokens are renewed under way.
   * @throws ApiError for every answer that is no success, and when the gateway cannot be reached; what `signal` says
   */
  call<N extends OperationName>(name: N, options: CallOptions<N>): Promise<Operations[N]['answer']>;
  /** As `call`, but the answer as it comes: for bytes, ranges and headers. */
  fetch<N extends OperationName>(name: N, options: CallOptions<N>): Promise<Response>;
  /** Any request below the API's root. */
  request(method: string, path: string, init?: RequestOptions): Promise<Response>;
  login(user: string, password: string, more?: { label?: string; otp?: string }): Promise<void>;
  logout(): Promise<void>;
  /** Whether anybody is signed in; on a page it asks the cookie. */
  signedIn(): Promise<boolean>;
  /** Where a GET of an operation lies, for links and media of a page whose session is in cookies. */
  href<N extends OperationName>(name: N, options: Pick<CallOptions<N>, Extract<keyof CallOptions<N>, 'path' | 'query'>>): string;
  /** Stores a file, resumable (tus 1.0). */
  upload(options: UploadOptions): Upload;
  /** The live stream of changes. It connects again by itself, and misses nothing. */
  events(options?: EventStreamOptions): EventStream;
  readonly session: Session;
  /** Ends in `/api/v1`. */
  readonly baseUrl: string;
}

export interface RequestOptions {
  headers?: Record<string, string>;
  body?: UploadBody | null;
  signal?: AbortSignal;
}

/** They say who one is: a 401 is about what they say, and to say it again would count as another guess. */
const SAY_WHO: ReadonlySet<OperationName> = new Set(['ChangePassword', 'LoginAgain', 'LoginAgainByPasskey']);

/** A client of one gateway for one user. Works in browsers and in Node, without any package. */
export function createClient(options: ClientOptions = {}): Client {
  const root = (options.url ?? '').replace(/\/+$/, '');
  const baseUrl = `${root}/api/v1`;
  const send = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const mode = options.mode ?? ('document' in globalThis ? 'cookie' : 'tokens');
  const { tokens, onTokens } = options;
  const session = createSession({
    baseUrl,
    fetch: send,
    mode,
    ...(tokens === undefined ? {} : { tokens }),
    ...(onTokens === undefined ? {} : { onTokens }),
  });

  async function once(method: string, path: string, init: RequestOptions, token: string | null): Promise<Response> {
    const streamed = init.body instanceof ReadableStream;
    try {
      return await send(`${baseUrl}${path}`, {
        method,
        headers: { ...init.headers, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) },
        credentials: mode === 'cookie' ? 'same-origin' : 'omit',
        ...(init.body == null ? {} : { body: init.body as NonNullable<RequestInit['body']> }),
        ...(init.signal === undefined ? {} : { signal: init.signal }),
        // Streams only go out where the answer may come first; the platform's types do not know it.
        ...(streamed ? ({ duplex: 'half' } as object) : {}),
      });
    } catch (cause) {
      init.signal?.throwIfAborted();
      throw unreachable(cause);
    }
  }

  async function request(method: string, path: string, init: RequestOptions = {}, again = true): Promise<Response> {
    const token = await session.token();
    let response = await once(method, path, init, token);
    if (again && response.status === 401 && token !== null && !(init.body instanceof ReadableStream)) {
      await response.body?.cancel();
      const renewed = await session.renew(token);
      response = await once(method, path, init, renewed);
    }
    if (response.ok || response.status === 304) return response;
    throw await problemOf(response);
  }

  function target(name: OperationName, given: { path?: Record<string, string>; query?: Record<string, unknown> }): string {
    const [, template] = OPERATIONS[name];
    const path = template.replace(/\{(\w+)\}/g, (_whole: string, field: string) => {
      const value = String(given.path?.[field] ?? '');
      // Keys keep their slashes; what a path cannot say goes in the query.
      return field === 'key' ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value);
    });
    const query = new URLSearchParams();
    for (const [field, value] of Object.entries(given.query ?? {})) {
      if (value !== undefined && value !== null) query.set(field, String(value));
    }
    const text = query.toString();
    return text === '' ? path : `${path}?${text}`;
  }

  const client: Client = {
    session,
    baseUrl,
    request: (method, path, init) => request(method, path, init),
    async fetch(name, given) {
      const { path, query, body, headers, signal, idempotencyKey } = given as {
        path?: Record<string, string>;
        query?: Record<string, unknown>;
        body?: unknown;
        headers?: Record<string, string>;
        signal?: AbortSignal;
        idempotencyKey?: string;
      };
      const [method] = OPERATIONS[name];
      const bytes = method === 'PUT' || method === 'PATCH' ? isBytes(body) : false;
      const where = target(name, { ...(path && { path: keyAware(path) }), query: keyInQuery(path, query) });
      const init = {
        headers: {
          ...(body === undefined || bytes ? {} : { 'Content-Type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: bytes ? (body as UploadBody) : JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      };
      return request(method, where, init, !SAY_WHO.has(name));
    },
    async call(name, given) {
      const response = await client.fetch(name, given);
      return (await answerOf(response)) as Operations[typeof name]['answer'];
    },
    async login(user, password, more = {}) {
      const response = await once(
        'POST',
        '/auth/login',
        {
          headers: { 'Content-Type': 'application/json', ...(mode === 'cookie' ? COOKIE_HEADERS : {}) },
          body: JSON.stringify({ user, password, ...more }),
        },
        null,
      );
      if (!response.ok) throw await problemOf(response);
      session.adopt((await response.json()) as TokenPair);
    },
    async logout() {
      try {
        await request('POST', '/auth/logout', mode === 'cookie' ? { headers: COOKIE_HEADERS } : {});
      } catch (error) {
        // A session that has ended already needs no log-out.
        if (!(error instanceof ApiError) || error.status !== 401) throw error;
      } finally {
        session.forget();
      }
    },
    signedIn: async () => (await session.token()) !== null,
    href(name, given) {
      const { path, query } = given as { path?: Record<string, string>; query?: Record<string, unknown> };
      return `${baseUrl}${target(name, { ...(path && { path: keyAware(path) }), query: keyInQuery(path, query) })}`;
    },
    upload: (upload) => startUpload(client, upload),
    events: (events = {}) => openEvents(client, events),
  };
  return client;
}

/** Segments of dots are folded away on the way; such a key goes whole into the query, which every route with a key takes. */
function needsQuery(key: string | undefined): boolean {
  return key?.split('/').some((segment) => segment === '.' || segment === '..') ?? false;
}

function keyAware(path: Record<string, string>): Record<string, string> {
  return needsQuery(path.key) ? { ...path, key: '' } : path;
}

function keyInQuery(path: Record<string, string> | undefined, query: Record<string, unknown> = {}): Record<string, unknown> {
  return needsQuery(path?.key) ? { ...query, key: path?.key } : query;
}

function isBytes(body: unknown): boolean {
  return (
    typeof body === 'string' ||
    body instanceof Blob ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof ReadableStream
  );
}

async function answerOf(response: Response): Promise<unknown> {
  if (response.status === 204 || response.headers.get('content-length') === '0') return undefined;
  // A stored JSON file comes with ranges; an answer of the API's own does not.
  const own = response.headers.get('accept-ranges') === null && /\bjson\b/.test(response.headers.get('content-type') ?? '');
  return own ? response.json() : response.blob();
}
