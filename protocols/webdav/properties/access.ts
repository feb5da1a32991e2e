import type { Rights } from '../rights.ts';
import type { Property } from './property.ts';

/** RFC 5397 (and RFC 3744 §5): who is asking. */
export const currentUserPrincipal: Property = {
  name: 'current-user-principal',
  listed: false,
  plain: 'same',
  render: (_entry, _displayName, { principalHref, userName }) =>
    `<d:current-user-principal><d:href>${principalHref(userName)}</d:href></d:current-user-principal>`,
};

/** RFC 3744 §5.1: who pays for the bucket, and owns all in it. */
export const owner: Property = {
  name: 'owner',
  listed: false,
  needs: 'owner',
  plain: 'same',
  render: (_entry, _displayName, { ownerName, principalHref }) =>
    ownerName === null ? null : `<d:owner><d:href>${principalHref(ownerName)}</d:href></d:owner>`,
};

/** RFC 3744 §5.4: what the caller may do here, as the authorizer says; it is asked again whenever something is done. */
export const currentUserPrivilegeSet: Property = {
  name: 'current-user-privilege-set',
  listed: false,
  needs: 'rights',
  render: (entry, _displayName, context) =>
    `<d:current-user-privilege-set>${privileges(context.rightsOn(entry), entry.kind === 'directory')}</d:current-user-privilege-set>`,
};

/** RFC 3744 §5.8 */
export const principalCollectionSet: Property = {
  name: 'principal-collection-set',
  listed: false,
  plain: 'same',
  render: (_entry, _displayName, { principalHref }) =>
    `<d:principal-collection-set><d:href>${principalHref(null)}</d:href></d:principal-collection-set>`,
};

function privileges({ read, write, remove }: Rights, collection: boolean): string {
  const names: string[] = [];
  if (read) names.push('read', 'read-current-user-privilege-set');
  if (write && remove) names.push('write');
  if (write) names.push('write-content', 'write-properties', 'unlock', ...(collection ? ['bind'] : []));
  if (remove && collection) names.push('unbind');
  return names.map((name) => `<d:privilege><d:${name}/></d:privilege>`).join('');
}
