/**
 * One private-use character announces everything that a path cannot say; no keyboard, file manager or sync client makes it
 * (those that map forbidden characters use U+F001 to U+F0FF or the U+2400 block).
 */
const MARK = '\uec5a';
const EMPTY = `${MARK}empty`;
const FOLDER = `${MARK}folder`;

const UNCARRIABLE = /[\x00-\x1f\x7f\ufffe\uffff]/g;
const ESCAPED = /\uec5a([0-9a-f]{4})/g;

/**
 * Shows one segment of a key as a name that paths, XML and file managers carry: the empty segment, `.`, `..` and control
 * characters come out behind U+EC5A; everything else stays as it is. `decodeName` gives back exactly this segment.
 * @param clash this folder lies beside an object of the same name, which keeps the plain one
 */
export function encodeName(segment: string, clash = false): string {
  const plain = encodePlain(segment);
  const name = plain === segment && looksEscaped(segment) ? segment.replaceAll(MARK, escapeCharacter(MARK)) : plain;
  return clash ? name + FOLDER : name;
}

/**
 * Only what `encodeName` makes is an escape; any other name, U+EC5A in it or not, means itself. So every name that a
 * client types is stored as typed, and every key has one name that leads back to it.
 */
export function decodeName(name: string): { segment: string; folder: boolean } {
  if (!name.includes(MARK)) return { segment: name, folder: false };
  const folder = name.endsWith(FOLDER);
  const body = folder ? name.slice(0, -FOLDER.length) : name;
  const segment = body === EMPTY ? '' : body.replace(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return encodeName(segment, folder) === name ? { segment, folder } : { segment: name, folder: false };
}

function encodePlain(segment: string): string {
  if (segment === '') return EMPTY;
  if (segment === '.' || segment === '..') return segment.replace(/\./g, escapeCharacter);
  const escaped = segment.replace(UNCARRIABLE, escapeCharacter);
  // Once one escape is in the name, a mark of the key's own must be told from it.
  return escaped === segment ? segment : segment.replace(/[\x00-\x1f\x7f\ufffe\uffff\uec5a]/g, escapeCharacter);
}

/** Whether this plain segment would be read as an escape. */
function looksEscaped(segment: string): boolean {
  return segment.includes(MARK) && (segment.endsWith(FOLDER) || segment === EMPTY || segment.search(ESCAPED) >= 0);
}

function escapeCharacter(character: string): string {
  return MARK + character.charCodeAt(0).toString(16).padStart(4, '0');
}
