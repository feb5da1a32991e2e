import type { ListQuery } from '#contracts/metadata-store';
import { compareKeys, parentOf } from '#core/address';

/** A listing by the letter of its contract, over sorted keys: prefixes end in `…`. */
export function listOf(
  keys: readonly string[],
  { prefix, delimiter, after, limit }: Pick<ListQuery, 'prefix' | 'delimiter' | 'after' | 'limit'>,
): { shown: string[]; next: string | null } {
  const entries = new Map<string, string>();
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue;
    const found = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = found < 0 ? key : key.slice(0, found + delimiter.length);
    if (after !== '' && compareKeys(name, after) <= 0) continue;
    entries.set(name, found < 0 ? key : `${name}…`);
  }
  const sorted = [...entries].sort(([a], [b]) => compareKeys(a, b));
  const page = sorted.slice(0, limit);
  return { shown: page.map(([, text]) => text), next: sorted.length > limit ? page.at(-1)![0] : null };
}

export interface ModelObject {
  etag: string;
  size: number;
  properties: Record<string, string> | null;
}

/** What is asked of a store and of the model alike. */
export type Operation =
  | { kind: 'put'; key: string; etag: string; size: number; requireParent: boolean; ifNoneMatch: boolean; ifMatch: string | null }
  | { kind: 'remove'; key: string; mustExist: boolean; keepParent: boolean }
  | { kind: 'annotate'; key: string; value: string | null }
  | {
      kind: 'move' | 'copy';
      from: string;
      to: string;
      overwrite: boolean;
      requireParent: boolean;
      keepParent: boolean;
      depth0: boolean;
    }
  | { kind: 'removeTree'; key: string; keepParent: boolean };

/** What a call answers: its error's code, or what of its verdict can be known. */
export type Answer = string | { created?: boolean; existed?: boolean; count?: number };

const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const isTree = (key: string): boolean => key === '' || key.endsWith('/');
const bare = (key: string): string => (key.endsWith('/') ? key.slice(0, -1) : key);

/** One bucket as a plain map of live keys: every rule of MetadataStore in its shortest words. */
export class Model {
  readonly objects: Map<string, ModelObject>;

  constructor(objects: Iterable<[string, ModelObject]> = []) {
    this.objects = new Map(objects);
  }

  keys(): string[] {
    return [...this.objects.keys()].sort(compareKeys);
  }

  directory(path: string): boolean {
    return path === '' || this.keys().some((key) => key.startsWith(path));
  }

  apply(operation: Operation): Answer {
    switch (operation.kind) {
      case 'put':
        return this.put(operation);
      case 'remove':
        return this.remove(operation);
      case 'annotate':
        return this.annotate(operation);
      case 'removeTree':
        return this.removeTree(operation);
      default:
        return this.transfer(operation);
    }
  }

  private put({ key, etag, size, requireParent, ifNoneMatch, ifMatch }: Extract<Operation, { kind: 'put' }>): Answer {
    const before = this.objects.get(key);
    if (requireParent) {
      const folder = this.directory(`${bare(key)}/`);
      if (isTree(key) && (folder || this.objects.has(bare(key)))) return 'already_exists';
      if (!isTree(key) && folder && before === undefined) return 'is_a_directory';
      if (!this.directory(parentOf(key))) return 'parent_missing';
    }
    if (ifMatch !== null && before?.etag !== ifMatch) return 'precondition_failed';
    if (ifNoneMatch && before !== undefined) return 'precondition_failed';
    this.objects.set(key, { etag, size, properties: before?.properties ?? null });
    return { created: before === undefined };
  }

  private remove({ key, mustExist, keepParent }: Extract<Operation, { kind: 'remove' }>): Answer {
    const existed = this.objects.delete(key);
    if (!existed) return mustExist ? 'not_found' : { existed };
    if (keepParent) this.keep(parentOf(key));
    return { existed };
  }

  private annotate({ key, value }: Extract<Operation, { kind: 'annotate' }>): Answer {
    const before = this.objects.get(key);
    if (before === undefined) return 'not_found';
    this.objects.set(key, { ...before, properties: value === null ? null : { 'urn:x p': value } });
    return {};
  }

  private removeTree({ key, keepParent }: Extract<Operation, { kind: 'removeTree' }>): Answer {
    if (!this.directory(key)) return { count: 0 };
    const count = this.clear(key);
    if (keepParent && key !== '') this.keep(parentOf(key));
    return { count };
  }

  private transfer({
    kind,
    from,
    to,
    overwrite,
    requireParent,
    keepParent,
    depth0,
  }: Extract<Operation, { kind: 'move' | 'copy' }>): Answer {
    const [a, b] = [`${bare(from)}/`, `${bare(to)}/`];
    if (isTree(from) !== isTree(to) || a === b || from === '' || to === '') return 'invalid_argument';
    if (isTree(from) && (a.startsWith(b) || b.startsWith(a))) return 'invalid_argument';
    if (isTree(from) ? !this.directory(from) : !this.objects.has(from)) return 'not_found';
    const there = this.occupant(to, requireParent);
    if (there !== null && !overwrite) return 'already_exists';
    if (requireParent && !this.directory(parentOf(to))) return 'parent_missing';
    if (there !== null && isTree(there) && !isTree(to) && from.startsWith(there)) return 'invalid_argument';
    const alone = kind === 'copy' && depth0 && isTree(from);
    const carried = this.keys().filter((key) => (isTree(from) && !alone ? key.startsWith(from) : key === from));
    const sources = carried.map((key): [string, ModelObject] => [to + key.slice(from.length), this.objects.get(key)!]);
    if (there !== null) this.clear(there);
    if (kind === 'move') for (const key of carried) this.objects.delete(key);
    for (const [key, object] of sources) this.objects.set(key, object);
    if (isTree(to) && sources.length === 0) this.objects.set(to, { etag: EMPTY_MD5, size: 0, properties: null });
    if (kind === 'move' && keepParent) this.keep(parentOf(from));
    return { created: there === null, count: kind === 'copy' ? Math.max(1, carried.length) : carried.length };
  }

  private occupant(to: string, requireParent: boolean): string | null {
    const taken = (key: string): boolean => (isTree(key) ? this.directory(key) : this.objects.has(key));
    if (taken(to)) return to;
    const other = isTree(to) ? bare(to) : `${to}/`;
    return requireParent && taken(other) ? other : null;
  }

  /** The explicit folder, where it would be gone. */
  private keep(path: string): void {
    if (!this.directory(path)) this.objects.set(path, { etag: EMPTY_MD5, size: 0, properties: null });
  }

  private clear(at: string): number {
    const gone = this.keys().filter((key) => (isTree(at) ? key.startsWith(at) : key === at));
    for (const key of gone) this.objects.delete(key);
    return gone.length;
  }
}
