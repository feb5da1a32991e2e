import fs from 'node:fs';
import { promisify } from 'node:util';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import { createReadNow } from '#core/read-now';
import { codeOf } from './disk-error.ts';

const openFile = promisify(fs.open);
const rename = promisify(fs.rename);
const unlink = promisify(fs.unlink);
const mkdir = promisify(fs.mkdir);
const readdir = promisify(fs.readdir);
const stat = promisify(fs.stat);
const fsync = promisify(fs.fsync);
const close = promisify(fs.close);
const readNow = createReadNow();

/** The machine's disk. File descriptors and callbacks, because a FileHandle costs a promise and an object more for every read. */
export function nodeDiskOps(): DiskOps {
  return {
    open: async (path, flags, mode = 0o600) => nodeFile(await openFile(path, flags, mode)),
    async openDirect(path) {
      const { O_DIRECT, O_WRONLY } = fs.constants;
      if (O_DIRECT === undefined) return null; // only Linux has it
      try {
        return nodeFile(await openFile(path, O_WRONLY | O_DIRECT));
      } catch (error) {
        if (codeOf(error) === 'EINVAL') return null;
        throw error;
      }
    },
    rename: (from, to) => rename(from, to),
    unlink: (path) => unlink(path),
    async mkdir(path, mode, above = true) {
      try {
        await mkdir(path, { mode, recursive: above });
      } catch (error) {
        if (above || codeOf(error) !== 'EEXIST') throw error;
      }
    },
    readdir: (path) => readdir(path),
    async stat(path) {
      try {
        const found = await stat(path);
        return { size: found.size, isFile: found.isFile() };
      } catch (error) {
        if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
        throw error;
      }
    },
    async syncDirectory(path) {
      // Windows opens no directory for fsync; its file systems journal names by themselves.
      if (process.platform === 'win32') return;
      const fd = await openFile(path, 'r');
      try {
        await fsync(fd);
      } finally {
        await close(fd);
      }
    },
  };
}

function nodeFile(fd: number): DiskFile {
  return {
    descriptor: fd,
    writev: (buffers, position) =>
      new Promise((resolve, reject) =>
        fs.writev(fd, buffers, position, (error, written) => (error ? reject(error) : resolve(written))),
      ),
    read(into, offset, length, position) {
      const bytes = readNow?.(fd, into, offset, length, position) ?? 0;
      if (bytes > 0) return Promise.resolve(bytes);
      return new Promise((resolve, reject) =>
        fs.read(fd, into, offset, length, position, (error, bytes) => (error ? reject(error) : resolve(bytes))),
      );
    },
    ...(readNow !== null && {
      readNow: (into: Uint8Array, offset: number, length: number, position: number) =>
        readNow(fd, into, offset, length, position),
    }),
    readSync: (into, offset, length, position) => fs.readSync(fd, into, offset, length, position),
    datasync: () => new Promise((resolve, reject) => fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()))),
    sync: () => fsync(fd),
    truncate: (size) => new Promise((resolve, reject) => fs.ftruncate(fd, size, (error) => (error ? reject(error) : resolve()))),
    // A longer length alone lets fdatasync skip the inode's size and takes no block: as fast as fallocate where we measured
    // (ADR 0001), and an empty pack costs nothing.
    allocate: (size) => new Promise((resolve, reject) => fs.ftruncate(fd, size, (error) => (error ? reject(error) : resolve()))),
    size: () => new Promise((resolve, reject) => fs.fstat(fd, (error, found) => (error ? reject(error) : resolve(found.size)))),
    close: () => close(fd),
  };
}
