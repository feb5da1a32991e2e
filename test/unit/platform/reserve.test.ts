import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createReserve } from '../../../src/reserve.ts';
import { quiet } from '../../support/database.ts';

const MIB = 2 ** 20;

describe('what is set aside on the disk', () => {
  let dataDirectory: string;
  let free: number;
  const said: string[] = [];
  const file = (): string => join(dataDirectory, 'reserve');
  const open = () =>
    createReserve({
      dataDirectory,
      log: { ...quiet, error: (_: object, text: string) => said.push(text) },
      disk: async () => ({ free, size: 1000 * MIB }),
    });
  beforeEach(() => {
    dataDirectory = mkdtempSync(join(tmpdir(), 'cloudstore-reserve-'));
    mkdirSync(join(dataDirectory, 'postgres'));
    said.length = 0;
    free = 500 * MIB;
  });
  afterEach(() => rmSync(dataDirectory, { recursive: true }));

  it('is taken while there is room beside it, counts as free, and is given back when the disk is full', async function () {
    if (process.platform !== 'linux') this.skip();
    const reserve = open();
    free = 4 * MIB - 1;
    await reserve.look(2 * MIB);
    expect(existsSync(file()), 'there is no room for both').to.equal(false);
    free = 500 * MIB;
    await reserve.look(2 * MIB);
    expect(statSync(file()).blocks * 512).to.equal(2 * MIB);
    expect(await reserve.fileSystem(join(dataDirectory, 'postgres'))).to.deep.equal({ free: 502 * MIB, size: 1000 * MIB });
    free = 32 * MIB;
    await reserve.look(2 * MIB);
    expect(existsSync(file())).to.equal(true);
    for (free of [32 * MIB - 1, MIB, 0]) await reserve.look(2 * MIB);
    expect(existsSync(file())).to.equal(false);
    expect(said).to.have.length(1);
    expect((await reserve.fileSystem(dataDirectory)).free).to.equal(0);
    free = 500 * MIB;
    await reserve.look(2 * MIB);
    expect(existsSync(file())).to.equal(true);
  });

  it('is given back at a start on a full disk, and made anew where making it was cut short', async function () {
    if (process.platform !== 'linux') this.skip();
    await open().look(2 * MIB);
    free = 0;
    await open().look(0);
    expect(existsSync(file())).to.equal(false);
    free = 500 * MIB;
    writeFileSync(file(), '');
    await open().look(2 * MIB);
    expect(statSync(file()).blocks * 512).to.equal(2 * MIB);
  });

  it('is none where nothing is to stay free, or the database lies elsewhere', async () => {
    const reserve = open();
    await reserve.look(0);
    rmSync(join(dataDirectory, 'postgres'), { recursive: true });
    await reserve.look(2 * MIB);
    expect(existsSync(file())).to.equal(false);
  });
});
