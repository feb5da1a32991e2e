/** An element of an answer: enough of XML to read what S3 says, and strict about its being well-formed. */
export interface Element {
  name: string;
  attributes: string;
  text: string;
  children: Element[];
  /** The first child of this name. */
  child(name: string): Element | undefined;
  /** Of the first child of this name; '' when there is none. */
  value(name: string): string;
  /** All children of this name. */
  all(name: string): Element[];
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** @throws when the text is not one well-formed element */
export function parse(xml: string): Element {
  const root = element('', '');
  const stack = [root];
  const tag = /<(?:\?[^>]*\?|(\/?)([A-Za-z_][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?))>/g;
  let at = 0;
  for (let found = tag.exec(xml); found !== null; found = tag.exec(xml)) {
    const inside = stack.at(-1) as Element;
    inside.text += decode(xml.slice(at, found.index));
    at = tag.lastIndex;
    const [, closing, name, attributes = '', empty] = found;
    if (name === undefined) continue;
    if (closing === '/') {
      if (stack.pop()?.name !== name || stack.length === 0) throw new Error(`</${name}> closes nothing in: ${xml.slice(0, 200)}`);
      continue;
    }
    const opened = element(name, attributes);
    inside.children.push(opened);
    if (empty !== '/') stack.push(opened);
  }
  const [only, ...more] = root.children;
  if (stack.length !== 1 || only === undefined || more.length > 0 || xml.slice(at).trim() !== '') {
    throw new Error(`Not one well-formed element: ${xml.slice(0, 200)}`);
  }
  return only;
}

function element(name: string, attributes: string): Element {
  const children: Element[] = [];
  const all = (wanted: string): Element[] => children.filter((child) => child.name === wanted);
  return {
    name,
    attributes,
    text: '',
    children,
    child: (wanted) => all(wanted)[0],
    value: (wanted) => all(wanted)[0]?.text ?? '',
    all,
  };
}

function decode(text: string): string {
  if (text.includes('<')) throw new Error(`A stray < in: ${text.slice(0, 100)}`);
  return text.replace(/&(#x?)?([0-9a-zA-Z]+);/g, (whole, numeric: string | undefined, name: string) =>
    numeric === undefined ? (ENTITIES[name] ?? whole) : String.fromCodePoint(Number.parseInt(name, numeric === '#x' ? 16 : 10)),
  );
}
