/**
 * Makes `dist/`, what the published package and the image run: types stripped, because Node strips none inside node_modules;
 * the same tree, so that paths and stack traces match; a package.json that maps `#…` to `.js`.
 *   node scripts/build.ts [directory]
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = process.argv[2] ?? join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

rmSync(out, { recursive: true, force: true });
let count = 0;
for (const tree of ['src', 'protocols']) {
  for (const entry of readdirSync(join(root, tree), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const target = join(out, source.slice(root.length));
    mkdirSync(dirname(target), { recursive: true });
    if (extname(source) === '.ts') {
      writeFileSync(target.replace(/\.ts$/, '.js'), compile(readFileSync(source, 'utf8'), source));
      count++;
    } else cpSync(source, target);
  }
}
const imports = Object.fromEntries(
  Object.entries(manifest.imports as Record<string, string>).map(([name, path]) => [name, path.replace(/\.ts$/, '.js')]),
);
writeFileSync(
  join(out, 'package.json'),
  `${JSON.stringify({ name: manifest.name, version: manifest.version, private: true, type: 'module', imports }, null, 2)}\n`,
);
execFileSync(process.execPath, [join(root, 'scripts', 'build-web.ts'), '--out', join(out, 'web')], { stdio: 'inherit' });
console.log(`dist: ${count} modules`);

/** Strips the types and lets relative module names end in `.js`: of imports, and of `new URL('./worker.ts', import.meta.url)`. */
function compile(source: string, path: string): string {
  const stripped = stripTypeScriptTypes(source, {
    mode: 'strip',
    sourceUrl: path.slice(root.length + 1).replace(/\.ts$/, '.js'),
  });
  return stripped
    .replace(/(['"])(\.{1,2}\/[^'"\n]*)\.ts\1/g, '$1$2.js$1')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n\/\/# sourceURL=.*\n?$/, '\n');
}
