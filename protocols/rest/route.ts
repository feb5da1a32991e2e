import type { z } from 'zod';
import type { Asked } from '#core/actions';
import type { Exchange } from './exchange.ts';
import type { State } from './state.ts';

/**
 * One route: what the router, the checks and the OpenAPI document are made of, so that they cannot drift apart.
 * `Q` and `B` are schemas of the query and of the JSON body; a field that they do not know is refused.
 */
export interface RouteOf<Q, B> {
  method: 'get' | 'head' | 'put' | 'post' | 'patch' | 'delete' | 'options';
  /** In OpenAPI's style. `{key}` is always last, takes the rest of the path, and may be empty. */
  path: string;
  /** Unique: the document's operationId and the metrics' name. */
  operation: string;
  summary: string;
  /**
   * What a request asks of the Authorizer: at least one of these. What is done to no bucket (`on: 'service'`) is asked before the handler runs; the rest by
   * namespace and buckets, or by the handler. `none`: nothing is, and why that is right. A route without does not start.
   */
  actions: Asked;
  /** A read: what it tells is a state, told apart by an ETag. */
  state?: State;
  /**
   * Of PUT, PATCH and DELETE: the operation that reads what this changes, whose ETag its If-Match is held against; or why it takes none. A route that names the
   * header itself among `headers` says nothing here.
   */
  changes?: string | { none: string };
  /** Of a read that answers a list without a cursor: why it is short. */
  short?: string;
  /** Without authentication. */
  open?: boolean;
  query?: Q;
  body?: B;
  /** The answer is made while it is sent. */
  streams?: boolean;
  /** The request's body is a file's bytes. */
  upload?: boolean;
  /** Request headers with a meaning of their own. */
  headers?: Record<string, string>;
  answers: Record<number, Answer>;
  handle(x: Exchange, input: { query: z.output<Q>; body: z.output<B> }): Promise<void>;
}

export interface Answer {
  description: string;
  /** The JSON that goes with it; `bytes`: a file's. */
  schema?: z.ZodType | 'bytes';
}

export type Route = RouteOf<z.ZodObject, z.ZodType>;

/** Ties a handler's input to its schemas and forgets their types: the router parses before it calls. */
export function route<Q extends z.ZodObject = z.ZodObject, B extends z.ZodType = z.ZodType>(of: RouteOf<Q, B>): Route {
  return of as unknown as Route;
}

/** Of what may make something. A stream cannot be kept, and an upload has a way of its own to be gone on with. */
export function takesKey({ method, open, upload, streams }: Route): boolean {
  return method === 'post' && open !== true && upload !== true && streams !== true;
}
