import type { IncomingHttpHeaders } from 'node:http';
import { parseXmlBytes, readXmlBytes } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { type PropfindRequest, parsePropfind } from './properties/propfind-request.ts';
import { compileRenderer, type Renderer, type RenderOptions } from './properties/render.ts';
import { type Depth, hasNoBody, parsePropfindDepth, single } from './request-headers.ts';
import { isDesktop, withDesktopTimes } from './times.ts';

/** What a PROPFIND wants. */
export interface Asked {
  depth: Depth;
  renderer: Renderer;
  /** Another number for whatever was worded otherwise. */
  wording: number;
  headers: Readonly<Record<string, string>>;
}

/** Clients repeat a handful of requests: what they ask for is read once, and remembered by its words. */
export interface AskedMemory {
  read(headers: IncomingHttpHeaders, depth: Depth, body: Buffer): Asked;
}

/** Longer ones are read each time. */
const BODY_BYTES_MAX = 4096;
const REMEMBERED_MAX = 200;
const EMPTY = Buffer.alloc(0);

export function createAskedMemory(): AskedMemory {
  const known = new Map<string, Asked>();
  let count = 0;
  /** By whether it is compact: however it is worded. */
  const plainAllprop = new Map<boolean, Renderer>();

  function compiled(request: PropfindRequest, options: RenderOptions): Renderer {
    if (request.kind !== 'allprop' || request.include.length > 0) return compileRenderer(request, options);
    const before = plainAllprop.get(options.compact) ?? compileRenderer(request, options);
    plainAllprop.set(options.compact, before);
    return before;
  }

  return {
    read(headers, depth, body) {
      const minimal = /\breturn=minimal\b/i.test(single(headers.prefer) ?? '') || /^\s*t\s*$/i.test(single(headers.brief) ?? '');
      const compact = (headers['user-agent'] ?? '').startsWith('Microsoft-WebDAV-MiniRedir');
      const short = body.length <= BODY_BYTES_MAX;
      const desktop = isDesktop(headers['user-agent']);
      const words = short ? `${depth} ${minimal} ${compact} ${desktop} ${body.toString('latin1')}` : '';
      const before = short ? known.get(words) : undefined;
      if (before !== undefined) return before;
      const renderer = compiled(parsePropfind(parseXmlBytes(body)), { compact, minimal });
      const asked: Asked = {
        depth,
        renderer: desktop ? withDesktopTimes(renderer) : renderer,
        wording: ++count,
        headers: minimal ? { 'Preference-Applied': 'return=minimal' } : {},
      };
      if (!short) return asked;
      known.set(words, asked);
      const oldest = known.keys().next();
      if (known.size > REMEMBERED_MAX && !oldest.done) known.delete(oldest.value);
      return asked;
    },
  };
}

/** @throws invalid_argument, too_large, incomplete_body */
export async function readAsked(x: Exchange): Promise<Asked> {
  const depth = parsePropfindDepth(x.req.headers);
  return x.deps.asked.read(x.req.headers, depth, hasNoBody(x.req.headers) ? EMPTY : await readXmlBytes(x));
}

/** Where there is no body to wait for; null: there is one. @throws invalid_argument */
export function askedAtOnce(x: Exchange): Asked | null {
  if (!hasNoBody(x.req.headers)) return null;
  return x.deps.asked.read(x.req.headers, parsePropfindDepth(x.req.headers), EMPTY);
}
