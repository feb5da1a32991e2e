import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import { createPackFiles } from '#blob/pack-files';
import { createBlobStores } from '#blob/stores';
import type { Log } from '#contracts/log';
import { isCloudStoreError } from '#core/errors';
import { answerPacks, type Others, sharedPacks } from '#shared-packs';
import { type FaultyDisk, faultyDisk } from '../../support/faulty-disk.ts';

describe('logs of several processes in one directory', () => {
  let directory: string;
  let disks: FaultyDisk[];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-logs-'));
    disks = [];
  });
  afterEach(async () => {
    for (const disk of disks) await disk.kill();
    rmSync(directory, { recursive: true, force: true });
  });
  async function open(process: number, options: { packBytesMax?: number } = {}): Promise<{ log: Log; disk: FaultyDisk }> {
    const disk = faultyDisk(nodeDiskOps());
    disks.push(disk);
    const recover = process === 0 ? ('all' as const) : ('own' as const);
    return { log: await createLog({ directory, disk, clock: Date, random: randomBytes, process, recover, ...options }), disk };
  }
  const openPacks = (): string[] => readdirSync(join(directory, 'open'));

  it('a process that comes back seals what its predecessor left, and nobody else’s', async () => {
    const one = await open(1);
    const two = await open(2);
    const bytes = randomBytes(5000);
    const lost = await one.log.append([bytes]);
    const kept = await two.log.append([bytes]);
    await one.disk.kill();
    const again = await open(1);
    expect(openPacks()).to.deep.equal([`${kept.pack}.pack`]);
    expect(existsSync(join(directory, `${lost.pack}.pack`))).to.equal(true);
    const more = await two.log.append([bytes]);
    expect(more.pack).to.equal(kept.pack);
    for (const place of [lost, kept, more]) {
      for (const { log } of [again, two]) expect((await log.read(place, 0, place.length)).equals(bytes)).to.equal(true);
    }
  });

  it('the first one seals what all of them left', async () => {
    const processes = await Promise.all([1, 2, 3].map((process) => open(process)));
    const bytes = randomBytes(5000);
    const places = await Promise.all(processes.map(({ log }) => log.append([bytes])));
    for (const { disk } of processes) await disk.kill();
    const { log } = await open(0);
    expect(openPacks()).to.deep.equal([]);
    for (const place of places) expect((await log.read(place, 0, place.length)).equals(bytes)).to.equal(true);
  });

  it('reads a pack of another that is sealed between two looks', async () => {
    const writer = await open(1);
    const reader = await open(2);
    const bytes = randomBytes(5000);
    const place = await writer.log.append([bytes]);
    let looks = 0;
    reader.disk.fault = async (call) => {
      if (call === 'open' && ++looks === 2) await writer.log.close();
      return null;
    };
    expect((await reader.log.read(place, 0, place.length)).equals(bytes)).to.equal(true);
  });

  it('reads all that another acknowledges, across full packs', async () => {
    const writer = await open(1, { packBytesMax: 20_000 });
    const reader = await open(2);
    for (let n = 0; n < 60; n++) {
      const records = Array.from({ length: 4 }, () => randomBytes(3000));
      await Promise.all(
        records.map(async (bytes) => {
          const place = await writer.log.append([bytes]);
          expect((await reader.log.read(place, 0, place.length)).equals(bytes)).to.equal(true);
        }),
      );
    }
  });

  it('ends what all of them have open, and takes a pack away from all of them', async () => {
    const [first, second] = [await open(0), await open(2)];
    const stores = createBlobStores(new Map([[0, await createLocalDisk({ directory, disk: nodeDiskOps(), tidy: false })]]));
    const answers = answerPacks(second.log);
    const others: Others = { all: async (what, value) => [structuredClone(await answers[what]?.(value as never))] as never };
    const files = sharedPacks(createPackFiles({ stores, log: first.log }), others);
    const bytes = randomBytes(5000);
    const places = [await first.log.append([bytes]), await second.log.append([bytes])];
    const names = places.map(({ pack }) => pack).sort();
    expect((await files.open()).map(({ pack }) => pack).sort()).to.deep.equal(names);
    await files.seal();
    expect([await files.open(), openPacks()]).to.deep.equal([[], []]);
    for (const place of places) {
      for (const { log } of [first, second]) await log.read(place, 0, place.length);
      await files.remove(place);
      for (const { log } of [first, second]) {
        const failure = await log.read(place, 0, place.length).catch((error: unknown) => error);
        expect(isCloudStoreError(failure, 'not_found'), 'it is let go').to.equal(true);
      }
    }
  });

  it('does not take away what another is just writing beside the sealed packs', async () => {
    const disk = nodeDiskOps();
    await createLocalDisk({ directory, disk });
    writeFileSync(join(directory, 'tmp', 'half'), 'x');
    await createLocalDisk({ directory, disk, tidy: false });
    expect(readdirSync(join(directory, 'tmp'))).to.deep.equal(['half']);
    await createLocalDisk({ directory, disk });
    expect(readdirSync(join(directory, 'tmp'))).to.deep.equal([]);
  });
});
