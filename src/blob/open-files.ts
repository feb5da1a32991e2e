import type { DiskFile } from '#contracts/disk-ops';

/** Open files for reading, by name; the least recently used are closed, never one that is being read. */
export interface OpenFiles {
  /** Runs `use` with the file, opening it when needed. @throws what `open` throws */
  with<T>(name: string, use: (file: DiskFile) => Promise<T>): Promise<T>;
  /** The file, where it is open: to be read from before anything else happens. */
  opened(name: string): DiskFile | null;
  /** Takes in a file that is open already and stays so until `unpin`. */
  pin(name: string, file: DiskFile): void;
  unpin(name: string): Promise<void>;
  /** The pinned file of this name. */
  pinned(name: string): DiskFile | null;
  /** Closes it once nobody reads it; what comes later opens anew. */
  forget(name: string): Promise<void>;
  close(): Promise<void>;
}

interface Entry {
  file: Promise<DiskFile>;
  /** null: it is not open yet. */
  opened: DiskFile | null;
  readers: number;
  pinned: DiskFile | null;
  gone: boolean;
}

export function createOpenFiles(open: (name: string) => Promise<DiskFile>, filesMax: number): OpenFiles {
  const entries = new Map<string, Entry>();

  async function leave(entry: Entry): Promise<void> {
    if (!entry.gone || entry.readers > 0) return;
    const file = await entry.file;
    // Whatever it says, the descriptor is gone; what was read was read, and what was written was synced by whoever wrote it.
    await file.close().catch(() => {});
  }

  async function forget(name: string): Promise<void> {
    const entry = entries.get(name);
    if (entry === undefined) return;
    entries.delete(name);
    entry.gone = true;
    await leave(entry);
  }

  async function shrink(): Promise<void> {
    for (const [name, { readers, pinned }] of entries) {
      if (entries.size <= filesMax) return;
      if (readers === 0 && pinned === null) await forget(name);
    }
  }

  return {
    async with(name, use) {
      let entry = entries.get(name);
      if (entry === undefined) entry = { file: open(name), opened: null, readers: 0, pinned: null, gone: false };
      else entries.delete(name);
      entries.set(name, entry); // last in the order: most recently used
      entry.readers++;
      let file: DiskFile;
      try {
        file = await entry.file;
        entry.opened = file;
      } catch (error) {
        if (entries.get(name) === entry) entries.delete(name);
        throw error;
      }
      try {
        return await use(file);
      } finally {
        entry.readers--;
        if (entry.gone) await leave(entry);
        else if (entries.size > filesMax) await shrink();
      }
    },
    opened(name) {
      const entry = entries.get(name);
      if (entry === undefined || entry.opened === null) return null;
      entries.delete(name);
      entries.set(name, entry);
      return entry.opened;
    },
    pin(name, file) {
      entries.set(name, { file: Promise.resolve(file), opened: file, readers: 0, pinned: file, gone: false });
    },
    async unpin(name) {
      const entry = entries.get(name);
      if (entry !== undefined) entry.pinned = null;
      await shrink();
    },
    pinned: (name) => entries.get(name)?.pinned ?? null,
    forget,
    async close() {
      for (const name of [...entries.keys()]) await forget(name);
    },
  };
}
