import { escapeXml } from '#http/xml';
import type { Property } from './property.ts';

export const CONTENT_TYPE_DEFAULT = 'application/octet-stream';

export const getcontentlength: Property = {
  name: 'getcontentlength',
  listed: true,
  compact: true,
  render: (entry) => (entry.kind === 'object' ? `<d:getcontentlength>${entry.size}</d:getcontentlength>` : null),
};

export const getcontenttype: Property = {
  name: 'getcontenttype',
  listed: true,
  render: (entry) =>
    entry.kind === 'object'
      ? `<d:getcontenttype>${escapeXml(entry.attributes.contentType ?? CONTENT_TYPE_DEFAULT)}</d:getcontenttype>`
      : null,
};

export const getcontentlanguage: Property = {
  name: 'getcontentlanguage',
  listed: true,
  render: (entry) =>
    entry.kind === 'object' && entry.attributes.contentLanguage !== undefined
      ? `<d:getcontentlanguage>${escapeXml(entry.attributes.contentLanguage)}</d:getcontentlanguage>`
      : null,
};

/** The same string as on every door, strong and quoted (davfs2 wants the quotes). */
export const getetag: Property = {
  name: 'getetag',
  listed: true,
  render: (entry) => (entry.etag === '' ? null : `<d:getetag>"${entry.etag}"</d:getetag>`),
};

/** A file's `mtime`; a folder's last change at or below. */
export const getlastmodified: Property = {
  name: 'getlastmodified',
  listed: true,
  compact: true,
  render: (entry, _displayName, context) => {
    const time = entry.kind === 'object' ? entry.mtime : entry.modified;
    return time === 0 ? null : `<d:getlastmodified>${context.httpDate(time)}</d:getlastmodified>`;
  },
};
