import type { Lock } from '#contracts/locks';
import type { Property } from './property.ts';

const ENTRY = (scope: string): string =>
  `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`;
const SUPPORTED = `<D:supportedlock>${ENTRY('exclusive')}${ENTRY('shared')}</D:supportedlock>`;

export const supportedlock: Property = { name: 'supportedlock', listed: true, render: () => SUPPORTED };

export const lockdiscovery: Property = {
  name: 'lockdiscovery',
  listed: true,
  needs: 'locks',
  render: (entry, _displayName, context) => {
    const locks = context.locksOn(entry);
    if (locks.length === 0) return '<D:lockdiscovery/>';
    return `<D:lockdiscovery>${locks.map((lock) => activeLock(lock, context.lockRoot(lock), context.now)).join('')}</D:lockdiscovery>`;
  },
};

/** RFC 4918 §14.1. `ownerXml` is what the client sent, made self-contained when the lock was taken. */
export function activeLock(lock: Lock, rootHref: string, now: number): string {
  const owner = lock.ownerXml === null ? '' : `<D:owner>${lock.ownerXml}</D:owner>`;
  const seconds = Math.max(0, Math.round((lock.expires - now) / 1000));
  return (
    '<D:activelock><D:locktype><D:write/></D:locktype>' +
    `<D:lockscope><D:${lock.exclusive ? 'exclusive' : 'shared'}/></D:lockscope>` +
    `<D:depth>${lock.infinite ? 'infinity' : '0'}</D:depth>${owner}<D:timeout>Second-${seconds}</D:timeout>` +
    `<D:locktoken><D:href>${lock.token}</D:href></D:locktoken><D:lockroot><D:href>${rootHref}</D:href></D:lockroot></D:activelock>`
  );
}
