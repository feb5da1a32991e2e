import { networkInterfaces } from 'node:os';
import type { Urls } from './first-run.ts';

export interface Reach {
  /** As listened on. */
  host: string;
  s3Port: number;
  webPort: number;
  tls: boolean;
  publicUrl: string | null;
  s3Domain: string | null;
}

/** Where clients find the gateway. No trailing slash but WebDAV's, which is a folder. */
export function urlsOf(reach: Reach): Urls {
  const scheme = reach.tls ? 'https' : 'http';
  const host = hostForUrl(reach.host);
  const web = reach.publicUrl ?? `${scheme}://${host}:${reach.webPort}`;
  return { s3: s3Url(reach, `${scheme}://${host}:${reach.s3Port}`), web, webdav: `${web}/dav/`, rest: `${web}/api/v1` };
}

/** The public URL names the web port's host; S3 has a name of its own there, or its port on the same host. */
function s3Url({ publicUrl, s3Domain, s3Port }: Reach, local: string): string {
  if (publicUrl === null) return local;
  const { protocol, hostname } = new URL(publicUrl);
  return s3Domain === null ? `${protocol}//${hostname}:${s3Port}` : `${protocol}//${s3Domain}`;
}

/** An address that listens on all is no address to go to: the first of the network's that others can reach. */
function hostForUrl(host: string): string {
  if (host !== '::' && host !== '0.0.0.0') return host.includes(':') ? `[${host}]` : host;
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
