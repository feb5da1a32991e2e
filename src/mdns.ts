import { hostname } from 'node:os';
import type { Logger } from '#contracts/observability';

export interface Announcement {
  port: number;
  /** Whether plain HTTP is spoken with the network too. */
  plain: boolean;
  log: Logger;
}

const USUAL_PORT = 9001;

/**
 * Lets file managers of the network find the drive (RFC 6763): `_webdavs._tcp` over TLS, and `_webdav._tcp` where plain HTTP is spoken. A network that lets no
 * multicast through is no fault. Gives what takes the announcement back.
 */
export async function announce({ port, plain, log }: Announcement): Promise<() => Promise<void>> {
  const { Bonjour } = await import('bonjour-service');
  const bonjour = new Bonjour({}, (err: unknown) => log.warn({ err }, 'the drive cannot be announced on the network'));
  const host = hostname().split('.')[0] ?? 'this machine';
  const name = port === USUAL_PORT ? `CloudStore on ${host}` : `CloudStore on ${host} (${port})`;
  for (const type of plain ? ['webdavs', 'webdav'] : ['webdavs']) {
    // Names are told apart here, by the port: the library's own way of asking for them prints to stdout.
    bonjour.publish({ name, type, port, txt: { path: '/dav/' }, probe: false });
  }
  return () =>
    new Promise((resolve) => {
      bonjour.unpublishAll(() => bonjour.destroy(() => resolve()));
    });
}
