import { escapeXml, type XmlElement } from '#http/xml';

export const DAV = 'DAV:';
export const XML_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n';
const XML = 'http://www.w3.org/XML/1998/namespace';

/** An empty element that stands alone: every namespace but `DAV:` (bound to `d` by the document's root) is declared on it. */
export function emptyElement(namespace: string, name: string): string {
  if (namespace === DAV) return `<d:${name}/>`;
  return namespace === '' ? `<${name} xmlns=""/>` : `<x:${name} xmlns:x="${escapeXml(namespace)}"/>`;
}

/**
 * An element with everything in it, in a form that means the same wherever it is put: each element declares its namespace.
 * @param language `xml:lang` in force where it stood, kept when the element has none itself (RFC 4918 §4.3)
 */
export function serialize(element: XmlElement, language?: string): string {
  const { attributes, open } = head(element);
  const own = element.attributes.some((attribute) => attribute.namespace === XML && attribute.name === 'lang');
  const inherited = own || language === undefined ? '' : ` xml:lang="${escapeXml(language)}"`;
  const inner = serializeInner(element);
  const start = `<${open.name}${open.declaration}${attributes}${inherited}`;
  return inner === '' ? `${start}/>` : `${start}>${inner}</${open.name}>`;
}

/** Only what is inside the element. */
export function serializeInner(element: XmlElement): string {
  let out = '';
  for (const part of element.parts) out += typeof part === 'string' ? escapeXml(part) : serialize(part);
  return out;
}

/** The value of `xml:lang` on this element, if any. */
export function languageOf(element: XmlElement): string | undefined {
  return element.attributes.find((attribute) => attribute.namespace === XML && attribute.name === 'lang')?.value;
}

export function isDav(element: XmlElement, name: string): boolean {
  return element.namespace === DAV && element.name === name;
}

export function davChild(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => isDav(child, name));
}

function head(element: XmlElement): { attributes: string; open: { name: string; declaration: string } } {
  let attributes = '';
  element.attributes.forEach((attribute, index) => {
    const value = `"${escapeXml(attribute.value)}"`;
    if (attribute.namespace === '') attributes += ` ${attribute.name}=${value}`;
    else if (attribute.namespace === XML) attributes += ` xml:${attribute.name}=${value}`;
    else attributes += ` xmlns:a${index}="${escapeXml(attribute.namespace)}" a${index}:${attribute.name}=${value}`;
  });
  const { namespace, name } = element;
  const open =
    namespace === ''
      ? { name, declaration: ' xmlns=""' }
      : namespace === DAV
        ? { name: `d:${name}`, declaration: ' xmlns:d="DAV:"' }
        : { name: `x:${name}`, declaration: ` xmlns:x="${escapeXml(namespace)}"` };
  return { attributes, open };
}
