import type { ObjectAttributes } from '#core/object';
import { escapeXml } from '#http/xml';
import type { Property } from './property.ts';

export const CONTENT_TYPE_DEFAULT = 'application/octet-stream';

const QUOTE = Buffer.from('"');
/** At most. */
const [DATE_BYTES, NUMBER_BYTES] = [32, 20];

export const getcontentlength: Property = {
  name: 'getcontentlength',
  listed: true,
  compact: true,
  plain: () => (to, row) => {
    to.reserve(NUMBER_BYTES);
    to.putNumber(row.size);
  },
  render: (entry) => (entry.kind === 'object' ? `<d:getcontentlength>${entry.size}</d:getcontentlength>` : null),
};

export const getcontenttype: Property = {
  name: 'getcontenttype',
  listed: true,
  plain() {
    let known: ObjectAttributes | null = null;
    let type = Buffer.alloc(0);
    return (to, { attributes }) => {
      if (attributes !== known) type = Buffer.from(typeOf(attributes));
      known = attributes;
      to.add(type);
    };
  },
  render: (entry) => (entry.kind === 'object' ? `<d:getcontenttype>${typeOf(entry.attributes)}</d:getcontenttype>` : null),
};

export const getcontentlanguage: Property = {
  name: 'getcontentlanguage',
  listed: true,
  plain: 'same',
  render: (entry) =>
    entry.kind === 'object' && entry.attributes.contentLanguage !== undefined
      ? `<d:getcontentlanguage>${escapeXml(entry.attributes.contentLanguage)}</d:getcontentlanguage>`
      : null,
};

/** The same string as on every door, strong and quoted (davfs2 wants the quotes). */
export const getetag: Property = {
  name: 'getetag',
  listed: true,
  plain: () => (to, row) => {
    to.reserve(row.etagEnd - row.etagAt + 2);
    to.put(QUOTE);
    to.putPart(row.bytes, row.etagAt, row.etagEnd);
    to.put(QUOTE);
  },
  render: (entry) => (entry.etag === '' ? null : `<d:getetag>"${entry.etag}"</d:getetag>`),
};

/** A file's `mtime`; a folder's last change at or below. */
export const getlastmodified: Property = {
  name: 'getlastmodified',
  listed: true,
  compact: true,
  plain: () => (to, row) => {
    to.reserve(DATE_BYTES);
    to.putHttpDate(row.mtime);
  },
  render: (entry, _displayName, context) => {
    const time = entry.kind === 'object' ? entry.mtime : entry.modified || null;
    return time === null ? null : `<d:getlastmodified>${context.httpDate(time)}</d:getlastmodified>`;
  },
};

function typeOf({ contentType = CONTENT_TYPE_DEFAULT }: ObjectAttributes): string {
  return escapeXml(contentType);
}
