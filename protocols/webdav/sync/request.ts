import type { IncomingHttpHeaders } from 'node:http';
import { CloudStoreError } from '#core/errors';
import type { XmlElement } from '#http/xml';
import { malformedBody } from '../exchange.ts';
import type { PropfindRequest } from '../properties/propfind-request.ts';
import { namesIn } from '../properties/propfind-request.ts';
import { single } from '../request-headers.ts';
import { davChild } from '../xml-element.ts';

export interface SyncRequest {
  /** Empty: from the beginning. */
  token: string;
  /** Also what lies in folders below. */
  infinite: boolean;
  /** Members an answer may tell of. */
  limit: number;
  properties: PropfindRequest;
}

/**
 * RFC 6578 §6.1. Without a level, as clients of its drafts send it, the Depth header says it.
 * @throws invalid_argument
 */
export function parseSyncRequest(body: XmlElement, headers: IncomingHttpHeaders): SyncRequest {
  const depth = (single(headers.depth) ?? '0').trim().toLowerCase();
  const level = davChild(body, 'sync-level')?.text.trim() ?? (depth === 'infinity' ? 'infinite' : depth === '1' ? '1' : '');
  if (level !== '1' && level !== 'infinite') throw malformedBody('A sync-level is 1 or infinite.');
  if (davChild(body, 'sync-level') !== undefined && depth !== '0')
    throw new CloudStoreError('invalid_argument', 'A sync-collection is asked with Depth 0.');
  const token = davChild(body, 'sync-token');
  if (token === undefined) throw malformedBody('A sync-collection has a sync-token, at first an empty one.');
  return {
    token: token.text.trim(),
    infinite: level === 'infinite',
    limit: limitOf(davChild(body, 'limit')),
    properties: { kind: 'prop', names: namesIn(davChild(body, 'prop')) },
  };
}

function limitOf(limit: XmlElement | undefined): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const text = davChild(limit, 'nresults')?.text.trim() ?? '';
  if (!/^[1-9]\d{0,8}$/.test(text)) throw malformedBody('A limit is a number of results, at least one.');
  return Number(text);
}
