import type { DiskFile, DiskOps } from '#contracts/disk-ops';

export type DiskCall = 'open' | 'rename' | 'unlink' | 'writev' | 'datasync' | 'sync' | 'truncate' | 'allocate' | 'syncDirectory';

type Fault = Error | number | null;

export interface FaultyDisk extends DiskOps {
  /**
   * Asked before each call, which waits for the answer: an error is what the call fails with; a number, for `writev`, is how many bytes
   * it takes at most.
   */
  fault: ((call: DiskCall, path: string) => Fault | Promise<Fault>) | null;
  /** How often each was called. */
  readonly calls: Partial<Record<DiskCall, number>>;
  /** Bytes that were written. */
  readonly written: number;
  /** The process that used it is dead: its files are closed, whatever it still tries fails. The files are as they are. */
  kill(): Promise<void>;
}

export function faultyDisk(inner: DiskOps): FaultyDisk {
  let dead = false;
  const files = new Set<DiskFile>();
  let written = 0;

  async function check(call: DiskCall, path: string): Promise<number | null> {
    if (dead) throw diskFault('EIO');
    disk.calls[call] = (disk.calls[call] ?? 0) + 1;
    const fault = (await disk.fault?.(call, path)) ?? null;
    if (fault instanceof Error) throw fault;
    if (dead) throw diskFault('EIO');
    return fault;
  }

  function wrap(file: DiskFile, path: string): DiskFile {
    files.add(file);
    return {
      ...(file.descriptor === undefined ? {} : { descriptor: file.descriptor }),
      async writev(buffers, position) {
        const limit = await check('writev', path);
        const bytes = await file.writev(limit === null ? buffers : [Buffer.concat(buffers).subarray(0, limit)], position);
        written += bytes;
        return bytes;
      },
      read: (...args) => file.read(...args),
      ...(file.readNow !== undefined && { readNow: (...args) => file.readNow!(...args) }),
      readSync: (...args) => file.readSync(...args),
      async datasync() {
        await check('datasync', path);
        await file.datasync();
      },
      async sync() {
        await check('sync', path);
        await file.sync();
      },
      async truncate(size) {
        await check('truncate', path);
        await file.truncate(size);
      },
      async allocate(size) {
        await check('allocate', path);
        await file.allocate(size);
      },
      size: () => file.size(),
      async close() {
        if (files.delete(file)) await file.close();
      },
    };
  }

  const disk: FaultyDisk = {
    fault: null,
    calls: {},
    get written() {
      return written;
    },
    async open(path, flags, mode) {
      await check('open', path);
      return wrap(await inner.open(path, flags, mode), path);
    },
    async openDirect(path) {
      await check('open', path);
      const file = await inner.openDirect(path);
      return file === null ? null : wrap(file, path);
    },
    async rename(from, to) {
      await check('rename', from);
      await inner.rename(from, to);
    },
    async unlink(path) {
      await check('unlink', path);
      await inner.unlink(path);
    },
    mkdir: (path, mode, above) => inner.mkdir(path, mode, above),
    readdir: (path) => inner.readdir(path),
    stat: (path) => inner.stat(path),
    async syncDirectory(path) {
      await check('syncDirectory', path);
      await inner.syncDirectory(path);
    },
    async kill() {
      dead = true;
      for (const file of files) await file.close();
      files.clear();
    },
  };
  return disk;
}

export function diskFault(code: string): Error {
  return Object.assign(new Error(`${code}: the disk was told to`), { code });
}
