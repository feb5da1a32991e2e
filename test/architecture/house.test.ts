import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { type Ban, banViolations, cycles, floorViolations, readHouse } from '../support/house.ts';
import { ROOT } from '../support/process.ts';

/** Which rooms may know a package; '' is the composition root. */
const OWNERS: Record<string, string[]> = {
  '@peculiar/x509': [''],
  'bonjour-service': [''],
  'reflect-metadata': [''],
  '@asteasolutions/zod-to-openapi': ['protocols/rest'],
  '@aws-sdk/client-s3': ['protocols/s3', 'blob'],
  '@koa/router': ['http', 'protocols'],
  '@napi-rs/blake-hash': ['engine'],
  '@node-rs/crc32': ['engine', 'protocols/s3', 'blob'],
  '@simplewebauthn/server': ['auth'],
  '@smithy/core': ['protocols/s3', 'blob'],
  commander: [''],
  ioredis: ['cache'],
  jsonwebtoken: ['auth'],
  knex: ['metadata'],
  koa: ['http', 'protocols'],
  koffi: ['core'],
  'koa-websocket': ['http', 'protocols/ws'],
  'hash-wasm': ['core'],
  'p-queue': ['namespace', 'engine', 'blob', 'events', 'jobs', 'metadata'],
  pg: ['metadata'],
  nodemailer: [''],
  'openid-client': ['auth'],
  pino: ['observability'],
  'prom-client': ['observability'],
  saxes: ['http'],
  sharp: [''],
  'webdav-server': ['protocols/webdav'],
  ws: ['http', 'protocols/ws', 'protocols/webdav'],
  yaml: ['config'],
  yazl: ['protocols/rest'],
  zod: ['config', 'protocols'],
};

const BANS: Ban[] = [
  { pattern: /\bDate\.now\b/, what: 'Date.now', instead: 'take a Clock (#core/clock)', allowed: [] },
  { pattern: /\bnew Date\(\s*\)/, what: 'new Date()', instead: 'take a Clock (#core/clock)', allowed: [] },
  { pattern: /\bMath\.random\b/, what: 'Math.random', instead: 'take a Random (#core/clock)', allowed: [] },
  {
    pattern: /\bprocess\.env\b/,
    what: 'process.env',
    instead: 'add a setting to src/config/settings.ts',
    allowed: ['src/config/'],
  },
  { pattern: /\bconsole\s*\./, what: 'console', instead: 'take a Logger, or write to stdout in src/cli', allowed: [] },
  {
    pattern: /\b(writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream)\s*\(/,
    importing: /^node:fs(\/promises)?$/,
    what: 'bare file writes',
    instead: 'writeDurably (src/data-directory.ts) or DiskOps, which sync',
    // The settings of a database cluster that can be made again.
    allowed: ['src/data-directory.ts', 'src/metadata/embedded-postgres'],
  },
  { pattern: /^(export )?let\s/m, what: 'state in a module', instead: 'keep it in what a factory returns', allowed: [] },
];

describe('the house', () => {
  const files = readHouse(ROOT);

  it('is imported downward only, and packages stay in their rooms', () => {
    expect(floorViolations(files, OWNERS)).to.deep.equal([]);
  });

  it('takes clock, chance, settings, output and disk as arguments, and keeps no state in modules', () => {
    expect(banViolations(files, BANS)).to.deep.equal([]);
  });

  it('has no import that comes back to itself', () => {
    expect(cycles(files)).to.deep.equal([]);
  });

  describe('with a planted violation', () => {
    let root: string;
    const plant = (sources: Record<string, string>): ReturnType<typeof readHouse> => {
      root = mkdtempSync(join(tmpdir(), 'cloudstore-house-'));
      for (const path of ['src/core/a.ts', 'protocols/s3/a.ts', ...Object.keys(sources)]) {
        mkdirSync(join(root, dirname(path)), { recursive: true });
        writeFileSync(join(root, path), sources[path] ?? 'export const a = 1;\n');
      }
      return readHouse(root);
    };
    afterEach(() => rmSync(root, { recursive: true, force: true }));

    const wrong: Record<string, [string, string]> = {
      'a sibling': ['src/engine/a.ts', "import { x } from '#metadata/open';\n"],
      'a sibling over a relative path': ['src/engine/a.ts', "import { x } from '../metadata/open.ts';\n"],
      'a room above': ['src/contracts/a.ts', "import type { x } from '#http/door';\n"],
      'contracts from the core': ['src/core/b.ts', "import type { x } from '#contracts/log';\n"],
      'another protocol': ['protocols/webdav/a.ts', "import { x } from '#protocols/s3/a';\n"],
      'a room from a protocol': ['protocols/webdav/a.ts', "export { x } from '#namespace/namespace';\n"],
      'a lazy import': ['src/cache/a.ts', "export const x = () => import('#engine/content-store');\n"],
      'knex outside its room': ['src/namespace/a.ts', "import knex from 'knex';\n"],
      'a package that nobody owns': ['src/engine/a.ts', "import pad from 'left-pad';\n"],
      'a room that nobody planned': ['src/utils/a.ts', 'export const x = 1;\n'],
      'an import of several lines': ['src/auth/a.ts', "import {\n  x,\n  y,\n} from '#cache/memory';\n"],
    };
    for (const [name, [path, source]] of Object.entries(wrong)) {
      it(`sees ${name}`, () => expect(floorViolations(plant({ [path]: source }), OWNERS)).to.have.length(1));
    }

    const banned: Record<string, string> = {
      'Date.now': 'export const f = () => Date.now();\n',
      'new Date()': 'export const f = () => new Date( );\n',
      'Math.random': 'export const f = () => Math.random();\n',
      'process.env': 'export const f = () => process.env.HOME;\n',
      console: 'export const f = () => console.log(1);\n',
      writeFile: "import { writeFileSync } from 'node:fs';\nexport const f = () => writeFileSync('a', 'b');\n",
      'a module that remembers': 'let n = 0;\nexport const f = () => ++n;\n',
    };
    for (const [name, source] of Object.entries(banned)) {
      it(`sees ${name}`, () => expect(banViolations(plant({ 'src/engine/a.ts': source }), BANS)).to.have.length(1));
    }

    it('takes no word in a comment or a string for code', () => {
      const source = "// Date.now()\n/* let x\nconsole.log() */\nexport const f = 'Math.random() process.env';\n";
      expect(banViolations(plant({ 'src/engine/a.ts': source }), BANS)).to.deep.equal([]);
    });

    it('sees a cycle, but for types', () => {
      const cycle = { 'src/engine/a.ts': "import { b } from './b.ts';\n", 'src/engine/b.ts': "import { a } from './a.ts';\n" };
      expect(cycles(plant(cycle))).to.have.length(1);
      rmSync(root, { recursive: true, force: true });
      expect(cycles(plant({ ...cycle, 'src/engine/b.ts': "import type { a } from './a.ts';\n" }))).to.deep.equal([]);
    });
  });
});
