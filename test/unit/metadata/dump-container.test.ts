import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { isCloudStoreError } from '#core/errors';
import { type DumpHead, decodeBlocks, encodeEnd, encodeHead, encodeRows, encodeTable } from '#metadata/dump/blocks';
import { check, HOLDS, headerKeyCheck, keyCheck, open, seal } from '#metadata/dump/container';
import { gather, pieces } from '../../support/dump-chain.ts';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';

const masterKey = randomBytes(32);
const sealed = (plain: Buffer, size?: number) =>
  gather(seal(pieces(plain, size), { masterKey, random: randomBytes, holds: HOLDS.dump }));
const opened = (bytes: Buffer, key = masterKey, size?: number) =>
  gather(open(pieces(bytes, size), { masterKey: key, holds: HOLDS.dump }));
const failure = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error) => (isCloudStoreError(error, 'corrupt') ? error.message : `not corrupt: ${error}`),
  );

describe('the container of dumps', function () {
  this.timeout(60_000);

  for (const length of [0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_500_000]) {
    it(`gives ${length} bytes back, in whatever pieces they come`, async () => {
      const plain = seededRandom(`${SEED}-${length}`)(length);
      const bytes = await sealed(plain, 70_001);
      expect((await opened(bytes, masterKey, 9_973)).equals(plain)).to.equal(true);
      expect(await check(pieces(bytes, 50_000))).to.equal(bytes.length);
    });
  }

  it('compresses', async () => {
    expect((await sealed(Buffer.alloc(5 << 20, 'all the same '))).length).to.be.below(100_000);
  });

  it(`is whole or an error, wherever it was cut (seed ${SEED})`, async () => {
    const dice = diceOf(`${SEED}-cut`);
    const bytes = await sealed(seededRandom(SEED)(2_200_000));
    const cuts = [
      0,
      1,
      95,
      96,
      97,
      104,
      105,
      bytes.length - 1,
      bytes.length - 16,
      ...Array.from({ length: 60 }, () => dice.below(bytes.length)),
    ];
    // Also exactly behind a segment, where no checksum is wrong.
    const frame = bytes.readUInt32BE(96) & 0x7fffffff;
    for (const cut of [...cuts, 96 + 8 + frame]) {
      expect(await failure(opened(bytes.subarray(0, cut))), `cut at ${cut}`).to.contain('damaged');
      expect(await failure(check(pieces(bytes.subarray(0, cut)))), `cut at ${cut}`).to.contain('damaged');
    }
    expect(await failure(opened(Buffer.concat([bytes, Buffer.of(0)])))).to.contain('damaged');
  });

  it(`tells every flipped bit, without the key too (seed ${SEED})`, async () => {
    const dice = diceOf(`${SEED}-flip`);
    const bytes = await sealed(seededRandom(SEED)(40_000));
    for (const at of [
      ...Array.from({ length: 104 }, (_, index) => index),
      ...Array.from({ length: 100 }, () => dice.below(bytes.length)),
    ]) {
      const hurt = Buffer.from(bytes);
      hurt[at]! ^= 1 << dice.below(8);
      expect(await failure(opened(hurt)), `byte ${at}`).not.to.equal('none');
      expect(await failure(check(pieces(hurt))), `byte ${at}`).not.to.equal('none');
    }
  });

  it('lets nobody put segments in another order', async () => {
    const bytes = await sealed(seededRandom(SEED)(3 << 20));
    const first = 96 + 8 + bytes.readUInt32BE(96);
    const second = first + 8 + bytes.readUInt32BE(first);
    const swapped = Buffer.concat([
      bytes.subarray(0, 96),
      bytes.subarray(first, second),
      bytes.subarray(96, first),
      bytes.subarray(second),
    ]);
    expect(await failure(opened(swapped))).to.contain('authentication');
  });

  it('says that the master key is another one', async () => {
    const bytes = await sealed(Buffer.from('text'));
    expect(await failure(opened(bytes, randomBytes(32)))).to.contain('another master key');
    expect(headerKeyCheck(bytes).equals(keyCheck(masterKey))).to.equal(true);
  });

  it('holds nothing in plain, and is never taken for another kind of file', async () => {
    const bytes = await sealed(Buffer.from('a secret name of a file'));
    expect(bytes.includes('secret')).to.equal(false);
    expect(await failure(gather(open(pieces(bytes), { masterKey, holds: HOLDS.backup })))).to.contain('something else');
  });
});

describe('the blocks of a dump', () => {
  const head: DumpHead = { format: 1, kind: 'base', id: 'a', parent: null, number: 1, takenMs: 1, schema: [], postgres: '18' };
  const whole = Buffer.concat([
    encodeHead(head),
    encodeTable({ name: 't', carries: 'all', columns: [{ name: 'id', type: 'integer' }], key: [] }),
    encodeRows(Buffer.from('0001000000040000002a', 'hex')),
    encodeEnd({ rows: { t: 1 }, keys: {}, sequences: {} }),
  ]);
  const kinds = async (bytes: Buffer, size = 7): Promise<string[]> => {
    const out: string[] = [];
    for await (const block of decodeBlocks(pieces(bytes, size))) out.push(block.kind);
    return out;
  };

  it('come back from pieces of any size', async () => {
    for (const size of [1, 2, 5, 64, 10_000]) expect(await kinds(whole, size)).to.deep.equal(['head', 'table', 'rows', 'end']);
  });

  it('are whole, or an error', async () => {
    for (let cut = 0; cut < whole.length; cut++)
      expect(await failure(kinds(whole.subarray(0, cut))), `cut at ${cut}`).not.to.equal('none');
    expect(await failure(kinds(Buffer.concat([whole, encodeHead(head)])))).not.to.equal('none');
  });

  it('of a format that is not known are refused by its number', async () => {
    const later = Buffer.concat([encodeHead({ ...head, format: 2 as 1 }), whole]);
    expect(await failure(kinds(later))).to.contain('format 2');
  });
});
