import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '#contracts/observability';
import { setAside } from '#core/set-aside';
import { type FileSystem, ofDisk } from './space-guard.ts';

/**
 * Space that no other program can take: a file of the data directory, given back when hardly anything else is left there. With it the embedded database goes on, where it ends at
 * a log that cannot grow; so reads do, and removals.
 */
export interface Reserve {
  /** As `ofDisk`; what is set aside is free. */
  fileSystem: FileSystem;
  /** Gives it back where it is needed; else sets it aside where more than `minFree` is left beside it, 0: nothing is. */
  look(minFree: number): Promise<void>;
  /** Looks again and again. */
  keep(minFree: () => number): { close(): void };
}

/** A segment of the database's log, and as much for its files: with less left it is time. */
const NEEDED_BYTES = 32 << 20;
/** Removals need what the guard of the space lets them have, and a part of it is not theirs. */
const RESERVE_BYTES_MAX = 256 << 20;
const LOOK_MS = 500;

export interface ReserveOptions {
  dataDirectory: string;
  log: Logger;
  /** By default what the system says. */
  disk?: FileSystem;
}

export function createReserve({ dataDirectory, log, disk = ofDisk }: ReserveOptions): Reserve {
  const file = join(dataDirectory, 'reserve');
  let told = false;
  let able = true;

  async function held(): Promise<number> {
    const found = await stat(file).catch(() => null);
    return found === null ? 0 : found.blocks * 512;
  }

  /** Whether what is set aside lies on the disk of this directory. */
  async function helps(directory: string): Promise<boolean> {
    const [there, here] = await Promise.all([stat(directory).catch(() => null), stat(dataDirectory).catch(() => null)]);
    return there !== null && there.dev === here?.dev;
  }

  async function make(bytes: number): Promise<void> {
    const made = await open(file, 'w', 0o600);
    try {
      able = setAside(made.fd, bytes);
    } finally {
      await made.close();
    }
    if (!able) await rm(file, { force: true });
  }

  async function look(minFree: number): Promise<void> {
    const { free } = await disk(dataDirectory);
    const bytes = await held();
    const wanted = Math.min(minFree, RESERVE_BYTES_MAX);
    if (bytes > 0 && free < NEEDED_BYTES) {
      await rm(file, { force: true });
      const fields = { freeBytes: free, reserveBytes: bytes };
      if (!told) log.error(fields, 'the disk is full; what was set aside for the database is given back to it');
      told = true;
    } else if (able && bytes === 0 && wanted > 0 && free >= wanted + minFree && (await helps(join(dataDirectory, 'postgres')))) {
      await make(wanted);
      told = false;
    }
  }

  return {
    async fileSystem(directory) {
      const found = await disk(directory);
      return (await helps(directory)) ? { ...found, free: found.free + (await held()) } : found;
    },
    look,
    keep(minFree) {
      let looking = false;
      const timer = setInterval(() => {
        if (looking) return;
        looking = true;
        void look(minFree())
          .catch((err: unknown) => log.debug({ err }, 'the space set aside for the database cannot be looked after'))
          .finally(() => (looking = false));
      }, LOOK_MS);
      timer.unref();
      return { close: () => clearInterval(timer) };
    },
  };
}
