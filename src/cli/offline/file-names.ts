import { createHash } from 'node:crypto';

/**
 * The path of a key in a folder of files, below the folder of its bucket. What a name of a file cannot be is written with `%` and two hex digits
 * for each byte, and `%` itself so where it would be taken for that; three more signs say what hex cannot:
 *
 * - `%_` an empty segment (`a//b` is `a/%_/b`, and the object `a/` with bytes is `a/%_`),
 * - `%!` behind the name of an object that lies beside a folder of the same name (`a` beside `a/b` is `a%!`),
 * - `%~` and 32 hex digits of a SHA-256: of the name behind a name that had to be cut short, of the key alone where a path is too long or another
 *   file has it already.
 *
 * All but the last can be read back from the path alone (`keyOf`); the list of an export has the key of every file anyway.
 */
export interface NameOptions {
  /** A folder of the same name lies beside it. */
  besideFolder: boolean;
  windows: boolean;
}

/** ext4's, APFS's and NTFS's longest name, less what `.new` needs behind it. */
const NAME_BYTES_MAX = 250;

export function pathOf(key: string, { besideFolder, windows }: NameOptions): string {
  const segments = key.split('/');
  return segments
    .map((segment, index) => {
      const last = index === segments.length - 1;
      const name = segment === '' ? '%_' : escapeName(segment, windows);
      return shorten(last && besideFolder ? `${name}%!` : name, segment);
    })
    .join('/');
}

/** A path that fits everywhere and that no other key has. */
export function hashedPathOf(key: string): string {
  return `%~${hashOf(key)}`;
}

/** The key that a path was made from; null where a name was cut short and only the list of the export knows. */
export function keyOf(path: string): string | null {
  const out: string[] = [];
  for (const name of path.split('/')) {
    if (name.includes('%~')) return null;
    const bare = name.replace(/%!$/, '');
    out.push(bare === '%_' ? '' : unescapeName(bare));
  }
  return out.join('/');
}

function escapeName(segment: string, windows: boolean): string {
  if (segment === '.' || segment === '..') return segment.replaceAll('.', '%2E');
  let out = segment.replace(/%(?=[0-9A-Fa-f]{2}|[_!~])/g, '%25').replace(/[\u0000-\u001f\u007f]/g, hex);
  if (windows) {
    out = out.replace(/[<>:"\\|?*]/g, hex).replace(/[. ]$/, hex);
    if (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(out)) out = `${hex(out[0]!)}${out.slice(1)}`;
  }
  return out;
}

function unescapeName(name: string): string {
  const bytes: Buffer[] = [];
  for (let at = 0; at < name.length; ) {
    const code = /^%([0-9A-Fa-f]{2})/.exec(name.slice(at, at + 3))?.[1];
    if (code === undefined) {
      const next = name.indexOf('%', at + 1);
      const end = next < 0 ? name.length : next;
      bytes.push(Buffer.from(name.slice(at, end)));
      at = end;
    } else {
      bytes.push(Buffer.from(code, 'hex'));
      at += 3;
    }
  }
  return Buffer.concat(bytes).toString();
}

function shorten(name: string, segment: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name;
  const tail = `%~${hashOf(segment)}`;
  let head = Buffer.from(name)
    .subarray(0, NAME_BYTES_MAX - tail.length)
    .toString();
  head = head.replace(/\ufffd+$/, '').replace(/%[0-9A-Fa-f]?$/, '');
  return head + tail;
}

function hex(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}
