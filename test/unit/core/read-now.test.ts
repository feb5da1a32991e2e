import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createReadNow } from '#core/read-now';

describe('reading what the system has in memory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-read-now-'));
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('gives it at once, into its place and no further, and nothing at the end or of what is no file', function () {
    const readNow = createReadNow();
    if (readNow === null) this.skip(); // only Linux has it
    const path = join(directory, 'file');
    writeFileSync(path, 'some bytes');
    const fd = openSync(path, 'r');
    const into = Buffer.alloc(12, '.');
    const bytes = readNow(fd, into, 2, 4, 5);
    // A file system may keep nothing in memory; then it says so, and touches nothing.
    expect([0, 4]).to.include(bytes);
    expect(into.toString()).to.equal(bytes === 4 ? '..byte......' : '............');
    expect(readNow(fd, into, 0, 12, 10)).to.equal(0);
    expect([0, 2]).to.include(readNow(fd, into, 10, 100, 0));
    closeSync(fd);
    expect(readNow(2 ** 20, into, 0, 4, 0)).to.equal(0);
  });
});
