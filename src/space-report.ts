import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger, Metrics } from '#contracts/observability';
import type { SpaceReport, SpaceReports, SpaceStore } from '#contracts/space-report';
import type { StoreRegistry } from '#contracts/store-registry';
import { pathOf } from './disks.ts';

const LOOK_MS = 60_000;
/** What the disk gives out at a time, as stat counts. */
const STAT_BLOCK_BYTES = 512;

export interface SpaceReportOptions {
  space: SpaceStore;
  stores: StoreRegistry;
  /** Whose packs are there whatever the registry says. */
  dataDirectory: string;
}

/** How much there is, how much of it is the same, and what it takes: a few rows, and the files of the packs. */
export function createSpaceReports({ space, stores, dataDirectory }: SpaceReportOptions): SpaceReports {
  async function physical(): Promise<number | null> {
    const rows = (await stores.list()).filter(({ state }) => state !== 'removed');
    if (rows.some(({ kind }) => kind === 's3')) return null;
    const own = join(dataDirectory, 'packs');
    const others = rows.filter(({ number }) => number !== 0).map(({ location }) => pathOf(location));
    const sizes = await Promise.all(
      [own, ...others].flatMap((directory) => [bytesIn(directory), bytesIn(join(directory, 'open'))]),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  return {
    async report(): Promise<SpaceReport> {
      const [stored, physicalBytes] = await Promise.all([space.stored(), physical()]);
      const { objects, bytes, versions, versionBytes, plainBytes, storedBytes } = stored;
      return {
        objects,
        bytes,
        historyVersions: Math.max(0, versions - objects),
        historyBytes: Math.max(0, versionBytes - bytes),
        uniqueBytes: plainBytes,
        storedBytes,
        physicalBytes,
        reclaimableBytes: physicalBytes === null ? null : Math.max(0, physicalBytes - storedBytes),
      };
    },
  };
}

/** For metrics, which cannot wait for the database. */
export function watchSpace(reports: SpaceReports, metrics: Metrics, log: Logger): { close(): void } {
  let last: SpaceReport | null = null;
  const look = async (): Promise<void> => {
    try {
      last = await reports.report();
    } catch (err) {
      log.debug({ err }, 'what is stored cannot be counted');
    }
  };
  const gauge = (name: string, help: string, read: (report: SpaceReport) => number | null): void =>
    metrics.gauge(`cloudstore_${name}_bytes`, help, () => (last === null ? 0 : (read(last) ?? 0)), 'max');
  gauge('logical', 'Bytes of live objects, as their owners see them.', ({ bytes }) => bytes);
  gauge('history', 'Bytes of versions that are not current.', ({ historyBytes }) => historyBytes);
  gauge('unique', 'Plain bytes of different chunks.', ({ uniqueBytes }) => uniqueBytes);
  gauge('stored', 'Bytes of different chunks, compressed and encrypted.', ({ storedBytes }) => storedBytes);
  gauge('physical', 'Bytes that packs take on the disks.', ({ physicalBytes }) => physicalBytes);
  gauge('reclaimable', 'Bytes of packs that collection could give back, at most.', ({ reclaimableBytes }) => reclaimableBytes);
  void look();
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

async function bytesIn(directory: string): Promise<number> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.pack'));
  let sum = 0;
  for (const name of names) {
    const found = await stat(join(directory, name)).catch(() => null); // sealed or removed meanwhile
    // An open pack is longer than what is in it, and takes no blocks for the rest.
    if (found !== null) sum += Math.min(found.size, found.blocks * STAT_BLOCK_BYTES);
  }
  return sum;
}
