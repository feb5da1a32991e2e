import type { Lock } from '#contracts/locks';
import type { Property } from './property.ts';

const ENTRY = (scope: string): string =>
  `<d:lockentry><d:lockscope><d:${scope}/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>`;
const SUPPORTED = `<d:supportedlock>${ENTRY('exclusive')}${ENTRY('shared')}</d:supportedlock>`;

export const supportedlock: Property = { name: 'supportedlock', listed: true, render: () => SUPPORTED };

export const lockdiscovery: Property = {
  name: 'lockdiscovery',
  listed: true,
  needs: 'locks',
  render: (entry, _displayName, context) => {
    const locks = context.locksOn(entry);
    if (locks.length === 0) return '<d:lockdiscovery/>';
    return `<d:lockdiscovery>${locks.map((lock) => activeLock(lock, context.lockRoot(lock), context.now)).join('')}</d:lockdiscovery>`;
  },
};

/** RFC 4918 §14.1. `ownerXml` is what the client sent, made self-contained when the lock was taken. */
export function activeLock(lock: Lock, rootHref: string, now: number): string {
  const owner = lock.ownerXml === null ? '' : `<d:owner>${lock.ownerXml}</d:owner>`;
  const seconds = Math.max(0, Math.round((lock.expires - now) / 1000));
  return (
    '<d:activelock><d:locktype><d:write/></d:locktype>' +
    `<d:lockscope><d:${lock.exclusive ? 'exclusive' : 'shared'}/></d:lockscope>` +
    `<d:depth>${lock.infinite ? 'infinity' : '0'}</d:depth>${owner}<d:timeout>Second-${seconds}</d:timeout>` +
    `<d:locktoken><d:href>${lock.token}</d:href></d:locktoken><d:lockroot><d:href>${rootHref}</d:href></d:lockroot></d:activelock>`
  );
}
