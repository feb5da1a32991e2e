import { escapeXml } from '#http/xml';
import { XML_ESCAPES } from '#http/xml-bytes';
import type { Property } from './property.ts';

/** At most. */
const DATE_BYTES = 32;

export const resourcetype: Property = {
  name: 'resourcetype',
  listed: true,
  compact: true,
  plain: 'same',
  render: (entry) => (entry.kind === 'directory' ? '<d:resourcetype><d:collection/></d:resourcetype>' : '<d:resourcetype/>'),
};

export const displayname: Property = {
  name: 'displayname',
  listed: true,
  settable: true,
  plain: () => (to, row, nameAt) => {
    to.reserve((row.keyEnd - nameAt) * XML_ESCAPES.longest);
    to.putEscaped(row.bytes, nameAt, row.keyEnd, XML_ESCAPES);
  },
  render: (_entry, displayName) => `<d:displayname>${escapeXml(displayName)}</d:displayname>`,
};

export const creationdate: Property = {
  name: 'creationdate',
  listed: true,
  compact: true,
  plain: () => (to, row) => {
    to.reserve(DATE_BYTES);
    to.putDateSeconds(row.created);
  },
  render: (entry, _displayName, context) =>
    entry.created === 0 ? null : `<d:creationdate>${context.isoDate(entry.created)}</d:creationdate>`,
};
