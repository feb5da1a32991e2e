import { escapeXml } from '#http/xml';
import type { Property } from './property.ts';

export const CONTENT_TYPE_DEFAULT = 'application/octet-stream';

export const getcontentlength: Property = {
  name: 'getcontentlength',
  listed: true,
  compact: true,
  render: (entry) => (entry.kind === 'object' ? `<D:getcontentlength>${entry.size}</D:getcontentlength>` : null),
};

export const getcontenttype: Property = {
  name: 'getcontenttype',
  listed: true,
  render: (entry) =>
    entry.kind === 'object'
      ? `<D:getcontenttype>${escapeXml(entry.attributes.contentType ?? CONTENT_TYPE_DEFAULT)}</D:getcontenttype>`
      : null,
};

export const getcontentlanguage: Property = {
  name: 'getcontentlanguage',
  listed: true,
  render: (entry) =>
    entry.kind === 'object' && entry.attributes.contentLanguage !== undefined
      ? `<D:getcontentlanguage>${escapeXml(entry.attributes.contentLanguage)}</D:getcontentlanguage>`
      : null,
};

/** The same string as on every door, strong and quoted (davfs2 wants the quotes). */
export const getetag: Property = {
  name: 'getetag',
  listed: true,
  render: (entry) => (entry.etag === '' ? null : `<D:getetag>"${entry.etag}"</D:getetag>`),
};

/** A file's `mtime`; a folder's last change at or below. */
export const getlastmodified: Property = {
  name: 'getlastmodified',
  listed: true,
  compact: true,
  render: (entry, _displayName, context) => {
    const time = entry.kind === 'object' ? entry.mtime : entry.modified;
    return time === 0 ? null : `<D:getlastmodified>${context.httpDate(time)}</D:getlastmodified>`;
  },
};
