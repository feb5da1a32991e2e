import type { DiskFile, DiskOps } from '#contracts/disk-ops';

/** A disk that keeps, when the power fails, exactly what was synced: bytes by their file's sync, names by their directory's. */
export interface MemoryDisk extends DiskOps {
  /**
   * The power fails: open files are dead, and what was not synced is gone. With `torn`, a part of each write that was not synced
   * arrived: so many of its bytes as `torn` says.
   */
  crash(torn?: (bytes: number) => number): void;
}

interface Inode {
  data: Buffer;
  size: number;
  durable: Buffer;
  durableSize: number;
  /** Behind this, nothing was ever written: there are zeros in both. */
  extent: number;
  /** Written and not synced, [from, to). */
  dirty: [number, number][];
}

export function memoryDisk(): MemoryDisk {
  let names = new Map<string, Inode>();
  let durableNames = new Map<string, Inode>();
  const directories = new Set<string>(['/']);
  let crashes = 0;

  function find(path: string): Inode {
    const inode = names.get(path);
    if (inode === undefined) throw failure('ENOENT', path);
    return inode;
  }

  function fileOf(inode: Inode, path: string): DiskFile {
    const opened = crashes;
    const alive = (): void => {
      if (opened !== crashes) throw failure('EIO', path);
    };
    const readSync: DiskFile['readSync'] = (into, offset, length, position) => {
      alive();
      const bytes = Math.max(0, Math.min(length, inode.size - position));
      into.set(inode.data.subarray(position, position + bytes), offset);
      return bytes;
    };
    const sync = async (): Promise<void> => {
      const dirty = inode.dirty.splice(0);
      await turn();
      alive();
      settle(inode, dirty);
    };
    const setSize = async (size: number): Promise<void> => {
      alive();
      resize(inode, size);
    };
    return {
      async writev(buffers, position) {
        await turn();
        alive();
        const bytes = Buffer.concat(buffers);
        if (position + bytes.length > inode.size) resize(inode, position + bytes.length);
        bytes.copy(inode.data, position);
        inode.extent = Math.max(inode.extent, position + bytes.length);
        inode.dirty.push([position, position + bytes.length]);
        return bytes.length;
      },
      read: async (...args) => readSync(...args),
      readSync,
      datasync: sync,
      sync,
      truncate: setSize,
      allocate: setSize,
      size: async () => inode.size,
      async close() {},
    };
  }

  return {
    async open(path, flags) {
      const found = names.get(path);
      if ((found === undefined && flags.startsWith('r')) || !directories.has(parentOf(path))) throw failure('ENOENT', path);
      if (found !== undefined && flags.includes('x')) throw failure('EEXIST', path);
      const inode = found ?? { data: Buffer.alloc(0), size: 0, durable: Buffer.alloc(0), durableSize: 0, extent: 0, dirty: [] };
      if (flags.startsWith('w')) resize(inode, 0);
      names.set(path, inode);
      return fileOf(inode, path);
    },
    async openDirect(path) {
      const file = fileOf(find(path), path);
      return {
        ...file,
        async writev(buffers, position) {
          const lengths = buffers.map(({ length }) => length);
          if ([position, ...lengths].some((one) => one % 4096 !== 0)) throw failure('EINVAL', path);
          return file.writev(buffers, position);
        },
      };
    },
    async rename(from, to) {
      const inode = find(from);
      names.delete(from);
      names.set(to, inode);
    },
    async unlink(path) {
      find(path);
      names.delete(path);
    },
    async mkdir(path, _mode, above = true) {
      if (!above && !directories.has(parentOf(path))) throw failure('ENOENT', path);
      for (let at = path; at !== '/'; at = parentOf(at)) directories.add(at);
    },
    async readdir(path) {
      if (!directories.has(path)) throw failure('ENOENT', path);
      const inside = [...names.keys(), ...directories].filter((name) => name !== '/' && parentOf(name) === path);
      return inside.map((name) => name.slice(name.lastIndexOf('/') + 1));
    },
    async stat(path) {
      const inode = names.get(path);
      if (inode !== undefined) return { size: inode.size, isFile: true };
      return directories.has(path) ? { size: 0, isFile: false } : null;
    },
    async syncDirectory(path) {
      if (!directories.has(path)) throw failure('ENOENT', path);
      for (const name of durableNames.keys()) if (parentOf(name) === path && !names.has(name)) durableNames.delete(name);
      for (const [name, inode] of names) if (parentOf(name) === path) durableNames.set(name, inode);
    },
    crash(torn = () => 0) {
      crashes++;
      names = new Map(durableNames);
      for (const inode of new Set(names.values())) fail(inode, torn);
      durableNames = new Map(names);
    },
  };
}

/** What was written in the dirty ranges is safe from now on, and so is the size. */
function settle(inode: Inode, dirty: [number, number][]): void {
  if (inode.durable.length < inode.data.length) inode.durable = copyOf(inode.durable, inode.extent, inode.data.length);
  if (inode.size < inode.durableSize) inode.durable.fill(0, inode.size, Math.max(inode.size, inode.extent));
  for (const [from, to] of dirty) inode.data.copy(inode.durable, from, from, Math.min(to, inode.size));
  inode.durableSize = inode.size;
}

function fail(inode: Inode, torn: (bytes: number) => number): void {
  const before = inode.data;
  const arrived = inode.dirty.splice(0).map(([from, to]): [number, number] => [from, from + torn(to - from)]);
  inode.data = copyOf(inode.durable, inode.extent, inode.durable.length);
  inode.size = inode.durableSize;
  for (const [from, to] of arrived) {
    if (to === from) continue;
    if (to > inode.size) resize(inode, to);
    before.copy(inode.data, from, from, to);
  }
  settle(inode, arrived);
}

function resize(inode: Inode, size: number): void {
  if (size < inode.size) inode.data.fill(0, size, Math.max(size, inode.extent));
  if (size > inode.data.length) inode.data = copyOf(inode.data, inode.extent, Math.max(size, inode.data.length * 2));
  inode.size = size;
}

/** Zeros behind `extent` come from the system, untouched: a pack of 64 MiB that holds little costs little. */
function copyOf(buffer: Buffer, extent: number, size: number): Buffer {
  const out = Buffer.alloc(size);
  buffer.copy(out, 0, 0, extent);
  return out;
}

/** As a real disk, it takes its time: what comes meanwhile must wait its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
