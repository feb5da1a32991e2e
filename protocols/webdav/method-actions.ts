import type { Asked } from '#core/actions';
import type { MethodName } from './answer.ts';

/** What each method asks of the Authorizer, by namespace and buckets; of what lies in a virtual folder, of the bucket that it stands for. What is not here does not start. */
export const METHOD_ACTIONS: Readonly<Record<MethodName, Asked>> = {
  OPTIONS: { none: 'It tells what the gateway can, and looks at nothing.' },
  GET: ['read', 'list'],
  HEAD: ['read', 'list'],
  PUT: ['write', 'create'],
  DELETE: ['delete'],
  MKCOL: ['write', 'create'],
  COPY: ['read', 'list', 'write', 'create', 'delete'],
  MOVE: ['read', 'list', 'delete', 'write', 'create'],
  PROPFIND: ['read', 'list', 'bucket.list'],
  PROPPATCH: ['write'],
  PATCH: ['read', 'write'],
  REPORT: ['read', 'list'],
  LOCK: ['write'],
  UNLOCK: ['write'],
};
