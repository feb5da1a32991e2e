import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { SEED, seededRandom } from '../support/random.ts';
import { openRekeyRig } from '../support/rekey-rig.ts';
import { codeOf } from '../support/rooms.ts';

describe(`a pack that is lost (seed ${SEED})`, () => {
  it('takes what lies in it along, and nothing else', async () => {
    const rig = await openRekeyRig();
    try {
      const random = seededRandom(SEED);
      const writer = rig.start();
      const bodies = new Map<string, { bytes: Buffer; packs: Set<string> }>();
      const packsOf = async (key: string): Promise<Set<string>> => {
        const rows = await rig.gc.metadata.database.sql(
          `SELECT DISTINCT encode(c.pack, 'hex') FROM versions v JOIN slots s ON s.id = v.slot_id, LATERAL cs_leaf_ids(v.content) AS l(id)
             JOIN leaves f ON f.id = l.id, LATERAL cs_chunk_ids(f.entries) AS k(id) JOIN chunks c ON c.id = k.id
            WHERE s.key = $1 AND get_byte(v.content, 1) = 3`,
          [key],
        );
        return new Set(rows.map(([pack]) => pack as string));
      };
      for (const key of ['a', 'b', 'c']) {
        const bytes = random(3 << 20);
        await writer.put(key, bytes);
        await rig.gc.files.seal();
        bodies.set(key, { bytes, packs: await packsOf(key) });
      }
      await writer.put('tiny', random(300));
      const lost = [...bodies.get('b')!.packs];
      expect(lost.length).to.be.at.least(1);
      for (const pack of lost) {
        rmSync(join(rig.gc.directory, `${pack}.pack`));
        await rig.gc.log.forget(pack); // its descriptor is still open here
      }
      const reader = rig.start();
      expect(await codeOf(reader.read('b'))).to.equal('corrupt');
      for (const key of ['a', 'c']) expect((await reader.read(key)).equals(bodies.get(key)!.bytes), key).to.equal(true);
      expect((await reader.read('tiny')).length).to.equal(300);
    } finally {
      await rig.close();
    }
  });
});
