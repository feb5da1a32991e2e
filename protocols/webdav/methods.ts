import { assertDeclared } from '#core/actions';
import type { MethodName } from './answer.ts';
import { createDispatcher } from './dispatcher.ts';
import type { Exchange, Method } from './exchange.ts';
import { METHOD_ACTIONS } from './method-actions.ts';
import { copy, move } from './methods/copy-move.ts';
import { remove } from './methods/delete.ts';
import { get } from './methods/get.ts';
import { lock, unlock } from './methods/lock.ts';
import { mkcol } from './methods/mkcol.ts';
import { options } from './methods/options.ts';
import { patch } from './methods/patch.ts';
import { propfind } from './methods/propfind.ts';
import { proppatch } from './methods/proppatch.ts';
import { put } from './methods/put.ts';
import { report } from './methods/report.ts';

const TABLE: Record<MethodName, Method> = {
  OPTIONS: options,
  GET: get,
  HEAD: get,
  PUT: put,
  DELETE: remove,
  MKCOL: mkcol,
  COPY: copy,
  MOVE: move,
  PROPFIND: propfind,
  PROPPATCH: proppatch,
  PATCH: patch,
  REPORT: report,
  LOCK: lock,
  UNLOCK: unlock,
};

/** What a drive does all day goes straight to its method; webdav-server's dispatcher, in front of the rest, costs 56 µs a request. */
const DIRECT: ReadonlySet<string> = new Set(['OPTIONS', 'GET', 'HEAD', 'PUT', 'PROPFIND', 'PATCH', 'REPORT']);

/**
 * Runs an exchange's method, wherever its namespace is mounted. null for a method that nobody knows.
 * @throws for a method that does not say which action it asks for
 */
export function createMethods(
  table: Record<MethodName, Method> = TABLE,
): (name: string) => ((x: Exchange) => Promise<void>) | null {
  assertDeclared('method', Object.keys(table), METHOD_ACTIONS);
  const dispatch = createDispatcher(table);
  return (name) => {
    if (!Object.hasOwn(table, name)) return null;
    return DIRECT.has(name) ? table[name as MethodName] : dispatch; // the check is above
  };
}
