import { escapeXml } from '#http/xml';
import type { Property } from './property.ts';

export const resourcetype: Property = {
  name: 'resourcetype',
  listed: true,
  compact: true,
  render: (entry) => (entry.kind === 'directory' ? '<d:resourcetype><d:collection/></d:resourcetype>' : '<d:resourcetype/>'),
};

export const displayname: Property = {
  name: 'displayname',
  listed: true,
  settable: true,
  render: (_entry, displayName) => `<d:displayname>${escapeXml(displayName)}</d:displayname>`,
};

export const creationdate: Property = {
  name: 'creationdate',
  listed: true,
  compact: true,
  render: (entry, _displayName, context) =>
    entry.created === 0 ? null : `<d:creationdate>${context.isoDate(entry.created)}</d:creationdate>`,
};
