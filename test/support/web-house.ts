import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** A file of the browser's page, as the rules for it see it. */
export interface WebFile {
  path: string;
  source: string;
}

/** Everything under web/ that ends up in a browser. */
export function readWeb(root: string): WebFile[] {
  return ['web/src', 'web/worker'].flatMap((tree) =>
    readdirSync(join(root, tree), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => {
        const file = join(entry.parentPath, entry.name);
        return { path: relative(root, file).split(sep).join('/'), source: readFileSync(file, 'utf8') };
      }),
  );
}

/** What the page may import beside its own files. */
const PACKAGES = ['preact', '@preact/signals', 'lucide', 'marked', 'lowlight', 'pdfjs-dist', 'uqr', 'hash-wasm'];

interface WebBan {
  pattern: RegExp;
  what: string;
  allowed?: string[];
}

const BANS: WebBan[] = [
  {
    pattern: /dangerouslySetInnerHTML|\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|DOMParser/,
    what: 'markup made of text',
  },
  { pattern: /\beval\(|\bnew Function\b/, what: 'code made of text' },
  { pattern: /\blocalStorage\b|\bsessionStorage\b/, what: 'storage that scripts can read', allowed: ['web/src/preferences.ts'] },
  { pattern: /\bdocument\.cookie\b/, what: 'cookies: no script needs one' },
  { pattern: /\bconsole\s*\./, what: 'console: say it to people' },
  { pattern: /['"`](https?:)?\/\/[a-z]/i, what: 'an address of another host', allowed: ['web/src/connect/'] },
  { pattern: /^(export )?let\s/m, what: 'a variable of the module: use a signal, or a constant that holds the state' },
];

/** Imports that leave the page's own house, and what no file of it may do. */
export function webViolations(files: WebFile[]): string[] {
  const out: string[] = [];
  for (const { path, source } of files) {
    const code = source.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, '');
    for (const [, from, lazy] of code.matchAll(
      /^\s*(?:import|export)\s(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'/gm,
    )) {
      const name = from ?? lazy ?? '';
      if (name.startsWith('.')) {
        const target = join(path, '..', name).split(sep).join('/');
        if (!target.startsWith('web/') && !target.startsWith('clients/typescript/'))
          out.push(`${path}: the page may not import ${name}`);
      } else if (!PACKAGES.some((owned) => name === owned || name.startsWith(`${owned}/`))) {
        out.push(`${path}: the page may not import ${name}`);
      }
    }
    for (const { pattern, what, allowed = [] } of BANS) {
      if (pattern.test(code) && !allowed.some((prefix) => path.startsWith(prefix))) out.push(`${path}: no ${what}`);
    }
  }
  return out;
}
