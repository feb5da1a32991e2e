import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodePackIndex, decodePackTrailer, TRAILER_BYTES } from '#blob/pack-format';
import type { Integrity, Quarantined } from '#contracts/integrity';
import type { HurtFile } from '#contracts/integrity-store';
import { createIntegrity } from '#engine/integrity';
import type { ScrubState } from '#engine/scrub';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';
import { openScrubRig, type ScrubRig } from '../../support/scrub-rig.ts';

describe(`scrub (seed ${SEED})`, function () {
  this.timeout(120_000);
  let rig: ScrubRig;
  const random = seededRandom(`scrub ${SEED}`);
  const files: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    tiny: random(300),
    small: random(3000),
    text: Buffer.alloc(20_000, 'compressible '),
    big: random(1_600_000),
  };
  beforeEach(async () => {
    rig = await openScrubRig();
    for (const [key, bytes] of Object.entries(files)) await rig.put(key, bytes);
    await rig.seal();
  });
  afterEach(() => rig.close());

  /** Files that cannot be read; none is ever read with other bytes. */
  async function unreadable(): Promise<string[]> {
    const out: string[] = [];
    for (const [key, bytes] of Object.entries(files)) {
      const read = await rig.read(key);
      if (typeof read === 'string') {
        expect(read, key).to.be.oneOf(['corrupt', 'unavailable']); // a row may name a store that is not there
        out.push(key);
      } else expect(read.equals(bytes), key).to.equal(true);
    }
    return out.sort();
  }

  const integrityOf = ({ metadata, storage }: ScrubRig): Integrity =>
    createIntegrity({
      rows: metadata.integrity,
      chunks: metadata.chunks,
      instance: metadata.instance,
      clock: Date,
      secondCopy: storage().repair.secondCopy,
    });

  async function pagesOfHurt(integrity: Integrity, by: Quarantined, limit: number): Promise<HurtFile[][]> {
    const pages: HurtFile[][] = [];
    for (let after = ''; ; ) {
      const page = await integrity.hurtAfter(after, limit, by);
      if (page.length > 0) pages.push(page);
      if (page.length < limit) return pages;
      after = page.at(-1)!.version;
    }
  }

  /** Where the records of a pack lie. */
  function recordsOf(bytes: Buffer): { offset: number; length: number }[] {
    const trailer = decodePackTrailer(bytes.subarray(bytes.length - TRAILER_BYTES))!;
    return decodePackIndex(bytes.subarray(trailer.offset, bytes.length - TRAILER_BYTES), trailer);
  }

  /** Too much for one bit to explain. */
  const ruin = (bytes: Buffer, at: number): void => {
    for (const n of [0, 1, 2, 3]) bytes[at + n]! ^= 0xa5;
  };

  it('finds nothing where nothing is wrong, and says when each pack was read', async () => {
    const { counts } = await rig.scrub();
    expect(counts).to.include({ damaged: 0, lost: 0, harmless: 0, unreachable: 0, packs: rig.packs().length });
    expect(counts.records).to.be.greaterThan(4);
    expect(await rig.metadata.integrity.damageCount()).to.equal(0);
    const checks = await rig.database.sql('SELECT count(*)::int FROM pack_checks');
    expect(checks[0]?.[0]).to.equal(rig.packs().length);
    expect(await unreadable()).to.deep.equal([]);
  });

  it('reads what is still open too', async () => {
    await rig.put('new', random(5000));
    const { counts } = await rig.scrub();
    expect(counts).to.include({ damaged: 0, lost: 0, unreachable: 0 });
  });

  it('turns a single flipped bit of a record back, from its checksum alone', async () => {
    const packs = rig.packs();
    for (const pack of packs) await rig.damage(pack, (bytes) => void (bytes[64 + 16 + 96 + 200]! ^= 4));
    const { counts } = await rig.scrub();
    expect(counts).to.include({ damaged: packs.length, healed: packs.length, lost: 0 });
    expect(await unreadable()).to.deep.equal([]);
    expect((await rig.scrub()).counts).to.include({ damaged: 0, lost: 0, harmless: packs.length });
  });

  it('a read heals what it meets', async () => {
    for (const pack of rig.packs()) {
      await rig.damage(pack, (bytes) => {
        for (const { offset, length } of recordsOf(bytes)) bytes[offset + length - 20]! ^= 1;
      });
    }
    expect(await unreadable()).to.deep.equal([]);
    expect(rig.lines.filter(({ message }) => message === 'a damaged chunk was healed')).to.have.length.greaterThan(4);
    expect((await rig.scrub()).counts).to.include({ damaged: 0 });
  });

  it('puts into quarantine what cannot be healed, names every file, and takes the next upload for a cure', async () => {
    const who = rig.rooms.who(rig.owner);
    const at = (key: string) => ({ bucket: rig.bucket.id, key });
    await rig.rooms.namespace.copy(who, at('text'), at('copy of text'), { overwrite: false });
    await rig.put('text again', files.text!);
    await rig.put('other', random(4000));
    const [small] = rig.packs();
    await rig.damage(small!, (bytes) => {
      for (const { offset, length } of recordsOf(bytes)) ruin(bytes, offset + length - 20);
    });
    const { counts } = await rig.scrub();
    expect(counts).to.include({ damaged: 2, healed: 0, lost: 2 });
    expect(await rig.hurt()).to.deep.equal(['copy of text', 'small', 'text', 'text again']);
    expect(await unreadable()).to.deep.equal(['small', 'text']);
    const told = rig.lines.filter(({ message }) => message === 'this file cannot be read').map(({ fields }) => fields.key);
    expect(told.sort()).to.deep.equal(['copy of text', 'small', 'text', 'text again']);
    const damage = await rig.metadata.integrity.damage(10);
    expect(damage.map(({ kind, details }) => [kind, details.pack])).to.deep.equal([
      ['chunk', small!.slice(0, 32)],
      ['chunk', small!.slice(0, 32)],
    ]);

    // What a console shows of it: thing by thing, each with its files, and page by page.
    const quarantine = integrityOf(rig);
    const [first, ...more] = await quarantine.quarantine(null, 1);
    expect(more).to.deep.equal([]);
    const [second] = await quarantine.quarantine(first!, 5);
    expect(await quarantine.quarantine(second!, 5)).to.deep.equal([]);
    const both = [first!, second!].sort((a, b) => a.fileCount - b.fileCount);
    expect(both.map(({ fileCount }) => fileCount)).to.deep.equal([1, 3]);
    expect(both.map((one) => one.files.map(({ key }) => key).sort())).to.deep.equal([
      ['small'],
      ['copy of text', 'text', 'text again'],
    ]);
    expect(both.map(({ secondCopy, place }) => [secondCopy, place?.size])).to.deep.equal([
      ['none', 3000],
      ['none', 20_000],
    ]);
    const pages = await pagesOfHurt(quarantine, both[1]!, 2);
    expect(pages.map(({ length }) => length)).to.deep.equal([2, 1]);
    expect(pages.flat().map(({ key }) => key)).to.deep.equal((await quarantine.hurtAfter('', 9, both[1]!)).map(({ key }) => key));
    expect(await quarantine.hurtAfter('', 9, null)).to.have.length(4);

    await rig.put('uploaded anew', files.text!);
    expect((await quarantine.quarantine(null, 5)).map(({ files: hurt }) => hurt.map(({ key }) => key))).to.deep.equal([
      ['small'],
    ]);
    expect(await unreadable()).to.deep.equal(['small']);
    expect(await rig.hurt()).to.deep.equal(['small']);
    expect(await rig.metadata.integrity.damageCount()).to.equal(1);
    await rig.put('small', files.small!);
    expect(await unreadable()).to.deep.equal([]);
    expect((await rig.scrub()).counts).to.include({ damaged: 0, lost: 0 });
    expect(await rig.metadata.integrity.damageCount()).to.equal(0);
  });

  it('says of a read which file it was of', async () => {
    await rig.damage(rig.packs()[0]!, (bytes) => {
      for (const { offset, length } of recordsOf(bytes)) ruin(bytes, offset + length - 20);
    });
    const read = await rig.rooms.namespace.get(rig.rooms.who(rig.owner), { bucket: rig.bucket.id, key: 'small' });
    const failure = await (async () => {
      for await (const _ of read.body()) expect.fail('bytes came');
    })().then(
      () => null,
      (error: Error) => error,
    );
    expect(failure).to.include({ code: 'corrupt' });
    expect(failure?.message).to.contain('"small" is damaged');
    expect(failure).to.have.nested.property('details.key', 'small');
  });

  it('writes anew what lies in a pack whose header, frame, index or trailer is damaged', async () => {
    const classes: Record<string, (bytes: Buffer) => void> = {
      'magic of the header': (bytes) => void (bytes[1]! ^= 1),
      'zeros of the header': (bytes) => void (bytes[55]! ^= 1),
      'magic of a frame': (bytes) => void (bytes[recordsOf(bytes)[0]!.offset - 16]! ^= 1),
      'length of a frame': (bytes) => void (bytes[recordsOf(bytes)[0]!.offset - 9]! ^= 1),
      'checksum of a frame': (bytes) => void (bytes[recordsOf(bytes)[0]!.offset - 5]! ^= 1),
      'checksum of the frame itself': (bytes) => void (bytes[recordsOf(bytes)[0]!.offset - 1]! ^= 1),
      'an offset of the index': (bytes) => void (bytes[decodePackTrailer(bytes.subarray(-64))!.offset + 7]! ^= 1),
      'a label of the index': (bytes) => void (bytes[decodePackTrailer(bytes.subarray(-64))!.offset + 40]! ^= 1),
      'magic of the trailer': (bytes) => void (bytes[bytes.length - 64]! ^= 1),
      'zeros of the trailer': (bytes) => void (bytes[bytes.length - 10]! ^= 1),
      'checksum of the trailer': (bytes) => void (bytes[bytes.length - 1]! ^= 1),
    };
    for (const [name, change] of Object.entries(classes)) {
      // Each time another pack holds everything.
      const [pack] = (await rig.database.sql(`SELECT encode(pack, 'hex') FROM chunks LIMIT 1`))[0] as [string];
      await rig.damage(`${pack}.pack`, (bytes) => void change(bytes));
      expect(await unreadable(), name).to.deep.equal([]);
      const { counts } = await rig.scrub();
      expect(counts, name).to.include({ damaged: 1, healed: 1, lost: 0 });
      const left = await rig.database.sql('SELECT count(*)::int FROM chunks WHERE encode(pack, $1) = $2', ['hex', pack]);
      expect(left, name).to.deep.equal([[0]]);
      expect(await unreadable(), name).to.deep.equal([]);
      await rig.seal();
    }
    expect(await rig.metadata.integrity.damageCount()).to.equal(0);
  });

  it('tells a pack that is cut short or gone', async () => {
    const [small, bulk] = rig.packs() as [string, string];
    await rig.damage(small, (bytes) => bytes.subarray(0, recordsOf(bytes)[1]!.offset + 30));
    expect(await unreadable()).to.deep.equal(['text']);
    expect((await rig.scrub()).counts).to.include({ lost: 1 });
    expect(await rig.hurt()).to.deep.equal(['text']);
    await rig.storage().close();
    const gone = join(rig.directory, 'gone.pack');
    renameSync(join(rig.directory, 'packs', bulk), gone);
    await rig.seal();
    expect((await rig.scrub()).counts.lost).to.be.greaterThan(1);
    expect(await rig.hurt()).to.deep.equal(['big', 'text']);
    expect(await unreadable()).to.deep.equal(['big', 'text']);
    // It was only mislaid.
    await rig.storage().close();
    renameSync(gone, join(rig.directory, 'packs', bulk));
    await rig.seal();
    await rig.scrub();
    expect(await unreadable()).to.deep.equal(['text']);
    expect(await rig.hurt()).to.deep.equal(['text']);
  });

  describe('of rows', () => {
    const ROWS: [string, string, string[]][] = [
      ['the size of a chunk', `UPDATE chunks SET size = size + 1`, []],
      ['the store of a chunk', `UPDATE chunks SET store = 9`, []],
      ['the offset of a chunk', `UPDATE chunks SET pack_offset = pack_offset + 1`, []],
      ['the offset of a chunk, far', `UPDATE chunks SET pack_offset = pack_offset + 1099511627776`, []],
      ['the length of a chunk', `UPDATE chunks SET length = length # 4`, []],
      ['the pack of a chunk', `UPDATE chunks SET pack = set_byte(pack, 15, get_byte(pack, 15) # 1)`, []],
      ['the id of a chunk', `UPDATE chunks SET id = set_byte(id, 3, get_byte(id, 3) # 1)`, []],
      ['the domain of a chunk', `UPDATE chunks SET domain = domain + 1`, []],
      ['all rows of chunks', `DELETE FROM chunks`, []],
      ['the size of a leaf', `UPDATE leaves SET size = size + 1`, []],
      ['a bit of a leaf', `UPDATE leaves SET entries = set_byte(entries, 40, get_byte(entries, 40) # 8)`, []],
      ['a size in a leaf', `UPDATE leaves SET entries = set_byte(entries, 35, get_byte(entries, 35) # 8)`, []],
      ['the id of a leaf', `UPDATE leaves SET id = set_byte(id, 3, get_byte(id, 3) # 1)`, []],
      [
        'two bytes of a leaf',
        `UPDATE leaves SET entries = set_byte(set_byte(entries, 1, 255 - get_byte(entries, 1)), 2, 7)`,
        ['big'],
      ],
      ['the domain of a leaf', `UPDATE leaves SET domain = domain + 1`, ['big']],
      ['all rows of leaves', `DELETE FROM leaves`, ['big']],
    ];
    for (const [name, sql, lost] of ROWS) {
      it(`${name}: no other bytes are read, and ${lost.length === 0 ? 'it is set right' : 'its files are named'}`, async () => {
        await rig.damageRows(sql);
        await unreadable();
        const { counts } = await rig.scrub();
        // A read may have been faster.
        const healed = rig.lines.filter(({ message }) => /healed/.test(message)).length;
        expect(counts.damaged + healed, JSON.stringify(counts)).to.be.greaterThan(0);
        expect(await unreadable()).to.deep.equal(lost);
        expect(await rig.hurt()).to.deep.equal(lost);
      });
    }

    it('every byte of a content: told by the file, and no other bytes are read', async () => {
      for (const key of ['tiny', 'small', 'big']) {
        const [[id, good]] = (await rig.database.sql(
          `SELECT v.id, v.content FROM versions v JOIN slots s ON s.version_id = v.id WHERE s.key = $1`,
          [key],
        )) as [[Buffer, Buffer]];
        for (let at = 0; at < good.length; at += at < 54 ? 1 : 29) {
          const bad = Buffer.from(good);
          bad[at]! ^= 1 << (at % 8);
          await rig.damageRows('UPDATE versions SET content = $2 WHERE id = $1', [id, bad]);
          expect(await unreadable(), `${key}, byte ${at}`).to.deep.equal([key]);
          if (at % 9 !== 0) continue; // a pass for some of them: it costs more
          expect((await rig.scrub()).counts.damaged, `${key}, byte ${at}`).to.be.greaterThan(0);
          expect(await rig.hurt(), `${key}, byte ${at}`).to.deep.equal([key]);
        }
        await rig.damageRows('UPDATE versions SET content = $2 WHERE id = $1', [id, good]);
      }
      expect((await rig.scrub()).counts).to.include({ damaged: 0 });
      expect(await rig.metadata.integrity.damageCount()).to.equal(0);
    });

    it('the size of a version, the hash of a small one, a content that is gone', async () => {
      await rig.damageRows(`UPDATE versions SET size = size + 1 WHERE size = 3000`);
      await rig.database.sql(
        `UPDATE versions SET content_hash = set_byte(content_hash, 0, 1 # get_byte(content_hash, 0)) WHERE size = 300`,
      );
      await rig.damageRows(`UPDATE versions SET content = NULL WHERE size = 20000`);
      expect((await rig.scrub()).counts).to.include({ damaged: 3, lost: 3 });
      expect(await rig.hurt()).to.deep.equal(['small', 'text', 'tiny']);
    });

    it('keys that cannot be opened are told as such, and nothing is put into quarantine for them', async () => {
      await rig.damageRows(`UPDATE domains SET wrapped = set_byte(wrapped, 20, 255 - get_byte(wrapped, 20))`);
      const { rooms } = rig;
      expect(rooms).to.be.an('object');
      // The keyring of this process has them; the next one has not.
      await rig.reopenKeyring();
      await rig.scrub();
      const kinds = (await rig.metadata.integrity.damage(100)).map(({ kind }) => kind);
      expect(new Set(kinds).has('keys'), String(kinds)).to.equal(true);
      // Whatever was written with them, sealed in rows too.
      const [keys] = (await integrityOf(rig).quarantine(null, 100)).filter(({ kind }) => kind === 'keys');
      expect(keys).to.deep.include({ fileCount: 4, secondCopy: null, place: null });
      expect(await rig.database.sql('SELECT count(*)::int FROM chunks WHERE damaged_ms IS NOT NULL')).to.deep.equal([[0]]);
    });
  });

  it('goes on where it was stopped, within a pack and between phases, and finds the same', async () => {
    const dice = diceOf(`stops ${SEED}`);
    await rig.damage(rig.packs()[1]!, (bytes) => {
      for (const { offset, length } of recordsOf(bytes)) if (dice.chance(0.5)) ruin(bytes, offset + length - 40);
      ruin(bytes, recordsOf(bytes)[0]!.offset + 200);
    });
    await rig.damageRows(`UPDATE versions SET size = size + 1 WHERE size = 3000`);
    let state: ScrubState | null = null;
    const phases = new Set<string>();
    for (let runs = 0; runs < 100; runs++) {
      const abort = new AbortController();
      let saves = 0;
      const stopAt = 1 + dice.below(2);
      const ended = await rig
        .scrub({
          signal: abort.signal,
          state,
          everyStep: true,
          save(saved) {
            state = saved;
            phases.add(`${saved.phase}${saved.from > 0 ? ' within' : ''}`);
            if (++saves === stopAt) abort.abort(new Error('stopped'));
          },
        })
        .then(
          () => true,
          (error: Error) => (error.message === 'stopped' ? false : Promise.reject(error)),
        );
      if (ended) break;
      expect(runs).to.be.lessThan(99);
    }
    expect([...phases]).to.include.members(['packs', 'packs within', 'versions']);
    expect(await rig.hurt()).to.deep.equal(['big', 'small']);
  });

  it('leaves alone what is written, replaced and removed meanwhile', async () => {
    const who = rig.rooms.who(rig.owner);
    let stop = false;
    const busy = (async () => {
      for (let n = 0; !stop; n++) {
        await rig.put(`busy ${n % 5}`, random(n % 3 === 0 ? 200_000 : 2_000 + n));
        if (n % 4 === 3) await rig.rooms.namespace.remove(who, { bucket: rig.bucket.id, key: `busy ${n % 5}` });
      }
    })();
    for (let pass = 0; pass < 4; pass++) expect((await rig.scrub()).counts).to.include({ damaged: 0, lost: 0 });
    stop = true;
    await busy;
    expect(await unreadable()).to.deep.equal([]);
    rmSync(join(rig.directory, 'none'), { force: true });
  });
});
