import type { Lock } from '#contracts/locks';
import type { XmlElement } from '#http/xml';
import { serialize, serializeInner } from '../xml-element.ts';
import type { Property } from './property.ts';

const ENTRY = (scope: string): string =>
  `<d:lockentry><d:lockscope><d:${scope}/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>`;
const SUPPORTED = `<d:supportedlock>${ENTRY('exclusive')}${ENTRY('shared')}</d:supportedlock>`;

export const supportedlock: Property = { name: 'supportedlock', listed: true, plain: 'same', render: () => SUPPORTED };

export const lockdiscovery: Property = {
  name: 'lockdiscovery',
  listed: true,
  needs: 'locks',
  plain: 'same',
  render: (entry, _displayName, context) => {
    const locks = context.locksOn(entry);
    if (locks.length === 0) return '<d:lockdiscovery/>';
    return `<d:lockdiscovery>${locks.map((lock) => activeLock(lock, context.lockRoot(lock), context.now)).join('')}</d:lockdiscovery>`;
  },
};

const OWNER = '<d:owner xmlns:d="DAV:"';

/**
 * The owner element as a lock keeps it: what is in it, or all of it where it has attributes or a language to keep
 * (RFC 4918 §14.17: as a dead property), or where what is in it would be read as that.
 */
export function storedOwner(owner: XmlElement, language?: string): string {
  const inner = serializeInner(owner);
  return owner.attributes.length > 0 || language !== undefined || inner.startsWith(OWNER) ? serialize(owner, language) : inner;
}

/** RFC 4918 §14.1 */
export function activeLock(lock: Lock, rootHref: string, now: number): string {
  const { ownerXml } = lock;
  const owner = ownerXml === null ? '' : ownerXml.startsWith(OWNER) ? ownerXml : `<d:owner>${ownerXml}</d:owner>`;
  const seconds = Math.max(0, Math.round((lock.expires - now) / 1000));
  return (
    '<d:activelock><d:locktype><d:write/></d:locktype>' +
    `<d:lockscope><d:${lock.exclusive ? 'exclusive' : 'shared'}/></d:lockscope>` +
    `<d:depth>${lock.infinite ? 'infinity' : '0'}</d:depth>${owner}<d:timeout>Second-${seconds}</d:timeout>` +
    `<d:locktoken><d:href>${lock.token}</d:href></d:locktoken><d:lockroot><d:href>${rootHref}</d:href></d:lockroot></d:activelock>`
  );
}
