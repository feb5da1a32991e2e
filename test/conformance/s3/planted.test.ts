import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startGateway } from '../../support/gateway.ts';
import { ROOT, runProcess } from '../../support/process.ts';
import { MISTAKES } from './planted/mistakes.ts';

const HERE = import.meta.dirname;
const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';

interface Report {
  stats: { tests: number; passes: number };
  failures: { fullTitle: string }[];
}

/** A suite that cannot fail proves nothing: each of its groups has a mistake planted in the code that it is about, and must see it. */
describe('mistakes planted for the S3 conformance suite', function () {
  this.timeout(600_000);
  const files = readdirSync(HERE).filter((name) => name.endsWith('.test.ts'));
  const groups = new Map(
    files.flatMap((name) =>
      [...readFileSync(join(HERE, name), 'utf8').matchAll(/^suite\('(.*?)',/gm)].map(([, group = '']) => [group, name] as const),
    ),
  );

  it('are one for each group, and stand in the code as it is', () => {
    expect(MISTAKES.map(({ group }) => group).sort()).to.deep.equal([...groups.keys()].sort());
    for (const { group, file, from, to } of MISTAKES) {
      expect(readFileSync(join(ROOT, file), 'utf8').split(from).length - 1, `${group}: ${from}`).to.equal(1);
      expect(to).to.not.equal(from);
    }
  });

  if (!LONG) return;
  // One data directory for all: to make a new one takes longer than most groups.
  let dataDir: string;
  before(async () => {
    const gateway = await startGateway({ keepData: true });
    dataDir = gateway.dataDir;
    await gateway.stop();
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  for (const { group, what } of MISTAKES) {
    it(`${group}: ${what}`, async () => {
      const out = mkdtempSync(join(tmpdir(), 'cloudstore-planted-'));
      try {
        const report = join(out, 'report.json');
        // No `$` at the end: mocha's titles have the case behind the group's.
        const only = `^S3 conformance: ${group.replace(/[.*+?^$()[\]{}|\\]/g, '\\$&')} `;
        const { code, stdout, stderr } = await runProcess(
          process.execPath,
          [
            ...[join(ROOT, 'node_modules/mocha/bin/mocha.js'), '--exit', '--require', join(ROOT, 'test/support/setup.ts')],
            ...['--reporter', 'json', '--reporter-option', `output=${report}`, '--grep', only],
            join(HERE, groups.get(group) ?? ''),
          ],
          { cwd: ROOT, env: { CLOUDSTORE_TEST_PLANTED: group, CLOUDSTORE_TEST_PLANTED_DATA: dataDir } },
        );
        expect(code, `${stdout.slice(-2000)}${stderr.slice(-2000)}`).to.not.equal(0);
        const { stats, failures } = JSON.parse(readFileSync(report, 'utf8')) as Report;
        // A gateway that does not start sees nothing.
        expect(failures.filter(({ fullTitle }) => fullTitle.includes('hook'))).to.deep.equal([]);
        expect(stats.passes, 'all of the group fails: the mistake is too coarse to tell').to.be.greaterThan(0);
        expect(failures).to.not.have.length(0);
      } finally {
        rmSync(out, { recursive: true, force: true });
      }
    });
  }
});
