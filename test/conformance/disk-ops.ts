import { expect } from 'chai';
import { createStaging } from '#blob/direct-write';
import type { DiskOps } from '#contracts/disk-ops';

/** What durability hangs on; every disk answers alike, the node's and those of the tests. `directory` exists and is empty. */
export function describeDiskOps(name: string, make: () => Promise<{ disk: DiskOps; directory: string; clean(): void }>): void {
  describe(`disk operations: ${name}`, () => {
    let disk: DiskOps;
    let at: (name: string) => string;
    let clean: () => void;
    beforeEach(async () => {
      const made = await make();
      disk = made.disk;
      at = (file) => `${made.directory}/${file}`;
      clean = made.clean;
    });
    afterEach(() => clean());

    const codeOf = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'none',
        (error: Error & { code?: string }) => error.code ?? String(error),
      );

    it('writes buffers one behind the other at a place, and reads them, short only at the end', async () => {
      const file = await disk.open(at('one'), 'w+');
      expect(await file.writev([Buffer.from('ab'), Buffer.from(''), Buffer.from('cdef')], 3)).to.equal(6);
      expect(await file.size()).to.equal(9);
      const into = Buffer.alloc(8, '.');
      expect(await file.read(into, 1, 4, 3)).to.equal(4);
      expect(into.toString()).to.equal('.abcd...');
      expect(await file.read(into, 0, 8, 6)).to.equal(3);
      expect(file.readSync(into, 5, 3, 0)).to.equal(3);
      expect(into).to.deep.equal(Buffer.from('defcd\0\0\0'));
      expect([await file.read(into, 0, 8, 9), await file.read(into, 0, 8, 100)]).to.deep.equal([0, 0]);
      await file.datasync();
      await file.sync();
      await file.close();
    });

    it('opens by flags: r wants one, w empties it, wx wants none', async () => {
      expect(await codeOf(disk.open(at('absent'), 'r'))).to.equal('ENOENT');
      expect(await codeOf(disk.open(at('absent'), 'r+'))).to.equal('ENOENT');
      expect(await codeOf(disk.open(at('no/directory'), 'w'))).to.equal('ENOENT');
      const file = await disk.open(at('one'), 'wx+');
      await file.writev([Buffer.from('bytes')], 0);
      await file.close();
      expect(await codeOf(disk.open(at('one'), 'wx'))).to.equal('EEXIST');
      await (await disk.open(at('one'), 'w')).close();
      expect(await disk.stat(at('one'))).to.deep.equal({ size: 0, isFile: true });
    });

    it('cuts, grows and reserves with zeros', async () => {
      const file = await disk.open(at('one'), 'w+');
      await file.writev([Buffer.from('abcdef')], 0);
      await file.truncate(2);
      await file.allocate(5);
      expect(await file.size()).to.equal(5);
      const into = Buffer.alloc(5, '.');
      await file.read(into, 0, 5, 0);
      expect(into).to.deep.equal(Buffer.from('ab\0\0\0'));
      await file.close();
    });

    it('writes whole blocks past the page cache where it can, seen by whoever reads the file', async () => {
      const file = await disk.open(at('one'), 'w+');
      await file.writev([Buffer.alloc(10_000, 'a')], 0);
      const direct = await disk.openDirect(at('one'));
      const staging = createStaging();
      if (direct === null || staging === null) return;
      const block = staging[0].subarray(0, 4096).fill('b');
      const code = await codeOf(direct.writev([block], 4096));
      expect(code).to.be.oneOf(['none', 'EINVAL']); // some file systems find out only now
      await direct.datasync();
      await direct.close();
      const into = Buffer.alloc(10_000);
      await file.read(into, 0, 10_000, 0);
      const expected = Buffer.alloc(10_000, 'a').fill(code === 'none' ? 'b' : 'a', 4096, 8192);
      expect(into.equals(expected)).to.equal(true);
      await file.close();
      expect(await codeOf(disk.openDirect(at('absent')))).to.equal('ENOENT');
    });

    it('renames over what is there, under open files too', async () => {
      const one = await disk.open(at('one'), 'w+');
      await one.writev([Buffer.from('1')], 0);
      await (await disk.open(at('two'), 'w')).close();
      await disk.rename(at('one'), at('two'));
      await disk.syncDirectory(at('').slice(0, -1));
      await one.writev([Buffer.from('2')], 1);
      expect([await disk.stat(at('one')), await disk.stat(at('two'))]).to.deep.equal([null, { size: 2, isFile: true }]);
      expect(await codeOf(disk.rename(at('one'), at('three')))).to.equal('ENOENT');
      await disk.unlink(at('two'));
      expect(await codeOf(disk.unlink(at('two')))).to.equal('ENOENT');
      const into = Buffer.alloc(2);
      expect([await one.read(into, 0, 2, 0), into.toString()]).to.deep.equal([2, '12']);
      await one.close();
    });

    it('makes a directory without what it lies in where that is asked, and says that this is missing', async () => {
      expect(await codeOf(disk.mkdir(at('none/b'), 0o700, false))).to.equal('ENOENT');
      expect(await disk.stat(at('none'))).to.equal(null);
      await disk.mkdir(at('alone'), 0o700, false);
      await disk.mkdir(at('alone/b'), 0o700, false);
      await disk.mkdir(at('alone/b'), 0o700, false);
      expect(await disk.readdir(at('alone'))).to.deep.equal(['b']);
    });

    it('makes directories with all above, again too, and lists names', async () => {
      await disk.mkdir(at('a/b'), 0o700);
      await disk.mkdir(at('a/b'), 0o700);
      await (await disk.open(at('a/file'), 'w')).close();
      expect((await disk.readdir(at('a'))).sort()).to.deep.equal(['b', 'file']);
      expect(await codeOf(disk.readdir(at('none')))).to.equal('ENOENT');
      expect((await disk.stat(at('a')))?.isFile).to.equal(false);
      expect([await disk.stat(at('none')), await disk.stat(at('a/file/below'))]).to.deep.equal([null, null]);
      expect(await codeOf(disk.syncDirectory(at('a')))).to.equal('none');
    });
  });
}
