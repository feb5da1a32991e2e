import type { IncomingMessage, ServerResponse } from 'node:http';
import { abandonBody } from './body.ts';

/**
 * A target in absolute form is read as the path that it names, and its host takes the place of the header's, before any door looks at
 * either (RFC 9112 §3.2.2).
 */
export function readTarget(req: IncomingMessage): void {
  if (req.url?.startsWith('/') !== false) return;
  const [, host, path] = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(req.url) ?? [];
  if (host === undefined || path === undefined) return;
  req.headers.host = host.slice(host.lastIndexOf('@') + 1);
  req.url = path.startsWith('/') ? path : `/${path}`;
}

/** Codings other than `chunked` are undone nowhere here, so their bytes would be taken for the body (RFC 9112 §6.1). Answers, and says so. */
export function refuseCoding(req: IncomingMessage, res: ServerResponse): boolean {
  const coding = req.headers['transfer-encoding'];
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return false;
  abandonBody(req, res);
  res.writeHead(501, { Connection: 'close', 'Content-Length': 0 }).end();
  return true;
}

/** Two Host lines are two places, and what stands before us may have read the other one (RFC 9112 §3.2); node keeps the first. Answers, and says so. */
export function refuseHosts(req: IncomingMessage, res: ServerResponse): boolean {
  const { rawHeaders } = req;
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts <= 1) return false;
  abandonBody(req, res);
  res.writeHead(400, { Connection: 'close', 'Content-Length': 0 }).end();
  return true;
}
