import { escapeXml } from '#http/xml';
import type { Property } from './property.ts';

export const resourcetype: Property = {
  name: 'resourcetype',
  listed: true,
  compact: true,
  render: (entry) => (entry.kind === 'directory' ? '<D:resourcetype><D:collection/></D:resourcetype>' : '<D:resourcetype/>'),
};

export const displayname: Property = {
  name: 'displayname',
  listed: true,
  settable: true,
  render: (_entry, displayName) => `<D:displayname>${escapeXml(displayName)}</D:displayname>`,
};

export const creationdate: Property = {
  name: 'creationdate',
  listed: true,
  compact: true,
  render: (entry, _displayName, context) =>
    entry.created === 0 ? null : `<D:creationdate>${context.isoDate(entry.created)}</D:creationdate>`,
};
