/**
 * Names inside an archive, safe to unpack anywhere: relative, `/` between segments, no `.` and `..`, no control characters, nothing that Windows takes for a
 * drive, a stream or a device, and no two that differ in case only (they would overwrite one another there).
 */
export interface ZipNames {
  /** The name for a key; another one than was asked for when it is taken. */
  take(path: string): string;
}

const NAME_BYTES_MAX = 255;
/** With an extension too. */
const DEVICES = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i;

export function createZipNames(): ZipNames {
  const taken = new Set<string>();
  /** Of a name that is taken, the number to try next: of a hundred thousand that become one, none looks at all those before. */
  const numbers = new Map<string, number>();
  return {
    take(path) {
      const folder = path.endsWith('/');
      const safe = path
        .split('/')
        .filter((segment, index, all) => segment !== '' || index < all.length - 1 || !folder)
        .map(safeSegment)
        .join('/');
      let name = safe === '' ? '_' : safe;
      const first = fold(name);
      if (taken.has(first)) {
        let n = numbers.get(first) ?? 2;
        while (taken.has(fold(name))) name = numbered(safe, n++);
        numbers.set(first, n);
      }
      taken.add(fold(name));
      return folder ? `${name}/` : name;
    },
  };
}

export function safeSegment(segment: string): string {
  const plain = segment
    .toWellFormed()
    .replace(/[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '_')
    .replace(/[. ]+$/, (end) => '_'.repeat(end.length));
  const named = plain === '' ? '_' : DEVICES.test(plain) ? `_${plain}` : plain;
  return shortened(named);
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  let stem = extension === '' ? name : name.slice(0, dot);
  while (Buffer.byteLength(stem) + Buffer.byteLength(extension) > NAME_BYTES_MAX) stem = [...stem].slice(0, -1).join('');
  return stem + extension;
}

function numbered(name: string, n: number): string {
  const slash = name.lastIndexOf('/') + 1;
  const dot = name.lastIndexOf('.');
  return dot > slash ? `${name.slice(0, dot)} (${n})${name.slice(dot)}` : `${name} (${n})`;
}

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
