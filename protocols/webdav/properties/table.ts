import { DAV } from '../xml-element.ts';
import { currentUserPrincipal, currentUserPrivilegeSet, owner, principalCollectionSet } from './access.ts';
import { getcontentlanguage, getcontentlength, getcontenttype, getetag, getlastmodified } from './content.ts';
import { lockdiscovery, supportedlock } from './locking.ts';
import { OWNCLOUD_PROPERTIES } from './owncloud.ts';
import type { Property } from './property.ts';
import { quotaAvailable, quotaUsed } from './quota.ts';
import { supportedReportSet, syncToken } from './reports.ts';
import { creationdate, displayname, resourcetype } from './resource.ts';

/** Every live property, in the order in which `allprop` gives them. A new one is one entry here. */
export const PROPERTIES: readonly Property[] = [
  resourcetype,
  displayname,
  creationdate,
  getlastmodified,
  getcontentlength,
  getcontenttype,
  getcontentlanguage,
  getetag,
  supportedlock,
  lockdiscovery,
  quotaAvailable,
  quotaUsed,
  currentUserPrincipal,
  currentUserPrivilegeSet,
  owner,
  principalCollectionSet,
  supportedReportSet,
  syncToken,
  ...OWNCLOUD_PROPERTIES,
];

export interface PropertyName {
  namespace: string;
  name: string;
}

export function liveProperty(of: PropertyName): Property | undefined {
  return PROPERTIES.find((property) => property.name === of.name && namespaceOf(property) === of.namespace);
}

export function namespaceOf(property: Property): string {
  return property.namespace ?? DAV;
}

/** How dead properties are keyed where they are stored: `namespace name`. */
export function storedName(of: PropertyName): string {
  return `${of.namespace} ${of.name}`;
}

export function parseStoredName(stored: string): PropertyName {
  const space = stored.lastIndexOf(' ');
  return { namespace: stored.slice(0, space), name: stored.slice(space + 1) };
}
