import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

/** A source file as the rules of the house see it. Paths are relative to the checkout, with `/`. */
export interface SourceFile {
  path: string;
  /** Comments and the insides of strings blanked out, line breaks kept. */
  code: string;
  imports: Import[];
}

export interface Import {
  /** As written. */
  name: string;
  /** The file of ours that it names; null for packages and node's own. */
  target: string | null;
  typeOnly: boolean;
}

export interface Ban {
  pattern: RegExp;
  /** Only in files that import a module of this name. */
  importing?: RegExp;
  what: string;
  instead: string;
  /** Prefixes of the paths that may. */
  allowed: string[];
}

/** Everything under src/ and protocols/. */
export function readHouse(root: string): SourceFile[] {
  return ['src', 'protocols'].flatMap((tree) =>
    readdirSync(join(root, tree), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) =>
        parseFile(relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'), join(entry.parentPath, entry.name)),
      ),
  );
}

function parseFile(path: string, file: string): SourceFile {
  const source = readFileSync(file, 'utf8');
  const withoutComments = blank(source, false);
  const imports: Import[] = [];
  const statement = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/g;
  for (const match of withoutComments.matchAll(statement)) {
    const name = match[2] ?? match[3] ?? '';
    imports.push({ name, target: resolveImport(path, name), typeOnly: match[1] !== undefined });
  }
  return { path, code: blank(source, true), imports };
}

function resolveImport(from: string, name: string): string | null {
  if (name.startsWith('#protocols/')) return `protocols/${name.slice('#protocols/'.length)}.ts`;
  if (name.startsWith('#')) return `src/${name.slice(1)}.ts`;
  if (name.startsWith('.')) return posix.normalize(posix.join(dirname(from), name));
  return null;
}

/** Blanks comments, and on wish what stands in quotes (of a template the text, not its expressions). */
function blank(source: string, strings: boolean): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[=(,:;!&|?{}\n]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g;
  return source.replace(token, (text) => {
    if (text.startsWith('//') || text.startsWith('/*')) return text.replace(/[^\n]/g, ' ');
    if (!strings) return text;
    if (text.startsWith('`')) return (text.match(/\$\{[^}]*\}|\n/g) ?? []).join(' ');
    return text.startsWith('/') ? '/r/' : `''`;
  });
}

const FLOOR_2 = [
  'namespace',
  'engine',
  'blob',
  'metadata',
  'cache',
  'auth',
  'events',
  'sharing',
  'sync',
  'jobs',
  'observability',
  'config',
];

/** `src/engine/x.ts` is of `engine`, `protocols/s3/x.ts` of `protocols/s3`; the composition root is ''. */
export function roomOf(path: string): string {
  const [tree = '', room = '', ...rest] = path.split('/');
  if (tree === 'protocols') return `protocols/${room}`;
  return rest.length === 0 || room === 'cli' ? '' : room;
}

function mayImport(from: string, to: string): boolean {
  if (from === to || from === '') return true;
  if (to === 'core') return true;
  if (from === 'core') return false;
  if (to === 'contracts') return true;
  return from.startsWith('protocols/') && to === 'http';
}

/** Imports that go up or sideways, rooms that nobody planned, and packages outside the rooms that own them. */
export function floorViolations(files: SourceFile[], owners: Record<string, string[]>): string[] {
  const out: string[] = [];
  for (const { path, imports } of files) {
    const room = roomOf(path);
    const known = room === '' || room.startsWith('protocols/') || ['core', 'contracts', 'http', ...FLOOR_2].includes(room);
    if (!known) out.push(`${path}: there is no room ${room}`);
    for (const { name, target } of imports) {
      if (target !== null) {
        if (!mayImport(room, roomOf(target))) out.push(`${path}: ${room} may not import ${name}`);
        continue;
      }
      if (name.startsWith('node:')) continue;
      const packageName = name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : (name.split('/')[0] ?? '');
      const rooms = owners[packageName];
      if (rooms === undefined) out.push(`${path}: the package ${packageName} has no owner in the architecture test`);
      else if (!rooms.some((owner) => room === owner || room.startsWith(`${owner}/`))) {
        out.push(`${path}: ${packageName} belongs to ${rooms.join(', ')}`);
      }
    }
  }
  return out;
}

export function banViolations(files: SourceFile[], bans: Ban[]): string[] {
  return files.flatMap(({ path, code, imports }) =>
    bans
      .filter(({ importing }) => importing === undefined || imports.some(({ name }) => importing.test(name)))
      .filter(({ pattern, allowed }) => pattern.test(code) && !allowed.some((prefix) => path.startsWith(prefix)))
      .map(({ what, instead }) => `${path}: no ${what}; ${instead}`),
  );
}

/** Chains of imports that come back to their beginning. Types are erased, so they make no cycle at run time. */
export function cycles(files: SourceFile[]): string[] {
  const graph = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.filter(({ typeOnly }) => !typeOnly).flatMap(({ target }) => (target === null ? [] : [target])),
    ]),
  );
  const done = new Set<string>();
  const out: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) {
      out.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return out;
}
