import { SaxesParser } from 'saxes';
import { CloudStoreError } from '#core/errors';

/** A parsed element. `parts` keeps text and elements in order, for properties that must come back as they went in. */
export interface XmlElement {
  namespace: string;
  name: string;
  attributes: { namespace: string; name: string; value: string }[];
  children: XmlElement[];
  /** All character data directly inside. */
  text: string;
  parts: (XmlElement | string)[];
}

const DEPTH_MAX = 64;
const ELEMENTS_MAX = 50_000;

/**
 * Parses a document: namespace-aware, well-formedness checked; a DOCTYPE (and so every entity of one's own) is refused.
 * @throws invalid_argument (details.xml: true)
 */
export function parseXml(source: string): XmlElement {
  const root: XmlElement = { namespace: '', name: '', attributes: [], children: [], text: '', parts: [] };
  const stack = [root];
  let count = 0;
  const parser = new SaxesParser({ xmlns: true });
  const refuse = (why: string): never => {
    throw new CloudStoreError('invalid_argument', `The XML is not acceptable: ${why}`, { details: { xml: true } });
  };
  parser.on('error', (error) => refuse(error.message));
  parser.on('doctype', () => refuse('a DOCTYPE is not allowed'));
  parser.on('opentag', (tag) => {
    if (++count > ELEMENTS_MAX) refuse('too many elements');
    if (stack.length > DEPTH_MAX) refuse('nested too deeply');
    const element: XmlElement = { namespace: tag.uri, name: tag.local, attributes: [], children: [], text: '', parts: [] };
    for (const attribute of Object.values(tag.attributes)) {
      if (attribute.uri === 'http://www.w3.org/2000/xmlns/') continue;
      element.attributes.push({ namespace: attribute.uri, name: attribute.local, value: attribute.value });
    }
    const parent = stack[stack.length - 1] as XmlElement;
    parent.children.push(element);
    parent.parts.push(element);
    stack.push(element);
  });
  parser.on('closetag', () => void stack.pop());
  const onText = (text: string): void => {
    const parent = stack[stack.length - 1] as XmlElement;
    parent.text += text;
    parent.parts.push(text);
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  try {
    parser.write(source).close();
  } catch (error) {
    if (error instanceof CloudStoreError) throw error;
    refuse(error instanceof Error ? error.message : 'malformed');
  }
  return root.children[0] ?? refuse('it is empty');
}

// XML 1.0 cannot carry control characters, lone surrogates and U+FFFE/F at all, though S3 keys can.
const UNSAFE = /[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]/;
const MARKS = /[&<>"\r]/g;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };
const UNCARRIABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;

/** Escapes for text and double-quoted attributes; what XML cannot carry becomes U+FFFD. */
export function escapeXml(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text
    .toWellFormed()
    .replace(UNCARRIABLE, '\ufffd')
    .replace(MARKS, (mark) => ENTITIES[mark] ?? mark);
}
