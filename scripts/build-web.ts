/**
 * Builds the browser's page with Vite into `web/dist`, and lays every file's brotli and gzip beside it.
 *   node scripts/build-web.ts [--if-stale] [--install] [--out directory]
 * `npm install` runs it (`--install`), and `npm start` does with `--if-stale`, for installations that ran no scripts and for sources
 * that have changed since. Where Vite isn't
 * installed (production dependencies only) it leaves things as they are: the gateway then serves a page that says how.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const options = { 'if-stale': { type: 'boolean' }, install: { type: 'boolean' }, out: { type: 'string' } } as const;
const { values } = parseArgs({ options });
const out = values.out ?? join(root, 'web', 'dist');

if (values['if-stale'] !== true || stale()) {
  try {
    await build();
  } catch (error) {
    // An installation without the page still serves files; the page that stands in says what to do.
    if (values.install !== true) throw error;
    console.error('The page for the browser could not be built:', error);
  }
}

/** There are sources, and one is newer than the page. */
function stale(): boolean {
  const page = statSync(join(out, 'index.html'), { throwIfNoEntry: false });
  if (!existsSync(join(root, 'web', 'src'))) return false;
  if (page === undefined) return true;
  const sources = ['src', 'public', 'worker', 'build', 'index.html', 'vite.config.ts'].map((name) => join(root, 'web', name));
  return [...sources, join(root, 'clients', 'typescript')].some((path) => newest(path) > page.mtimeMs);
}

function newest(path: string): number {
  const info = statSync(path);
  if (!info.isDirectory()) return info.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

async function build(): Promise<void> {
  const vite = await import('vite').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error('The page for the browser is not built: Vite is not installed.');
    return null;
  });
  if (vite === null) return;
  // Built aside and put in place at once: a gateway that serves the old one never sees half of the new one.
  const fresh = `${out}.${process.pid}`;
  try {
    await vite.build({
      root: join(root, 'web'),
      configFile: join(root, 'web', 'vite.config.ts'),
      logLevel: 'warn',
      build: { outDir: fresh, emptyOutDir: true },
    });
    const sums = await compress(fresh);
    rmSync(out, { recursive: true, force: true });
    mkdirSync(dirname(out), { recursive: true });
    renameSync(fresh, out);
    console.error(`web: ${sums.files} files, ${Math.round(sums.bytes / 1024)} KiB compressed`);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function compress(directory: string): Promise<{ files: number; bytes: number }> {
  let bytes = 0;
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const path of files) {
    const content = readFileSync(path);
    const br = await promisify(brotliCompress)(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: content.length > 300_000 ? 9 : 11 },
    });
    if (br.length > content.length * 0.95) {
      bytes += content.length;
      continue;
    }
    writeFileSync(`${path}.br`, br);
    writeFileSync(`${path}.gz`, await promisify(gzip)(content, { level: 9 }));
    bytes += br.length;
  }
  return { files: files.length, bytes };
}
