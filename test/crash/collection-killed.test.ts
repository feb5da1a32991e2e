import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { COLLECTED_PACK_BYTES } from './collecting.ts';
import { WHENS } from './crash-point.ts';
import { openRounds, type Rounds } from './rounds.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const SEED = Number(process.env.CLOUDSTORE_TEST_SEED ?? 20_261_126);
const KEYS = ['a', 'b', 'a/b', 'a/c', 'x', 'z/1', 'z/2'];
const OPERATIONS = 40;
/** What collection and compaction do themselves: their statements, what they write down, and what they do to packs. */
const OF_COLLECTION = '^(SQL (collect|packs|expiry|setting)-|SQL (BEGIN|COMMIT)|unlink|rename|fsync of)';
const KILLS = LONG ? 400 : 6;

/** Collection, compaction and the end of history run beside writers and die with them, at a call of their own. */
describe('killed while it collects', function () {
  this.timeout(LONG ? 3_600_000 : 600_000);
  let rounds: Rounds;
  before(async () => {
    console.log(`      CLOUDSTORE_TEST_SEED=${SEED}`);
    const directory = 'cloudstore-crash-gc-';
    rounds = await openRounds({ keys: KEYS, operations: OPERATIONS, collects: true, seed: SEED, directory });
  });
  after(() => rounds?.close());

  it('keeps what it acknowledged, gives back the rest, and doubles nothing', async () => {
    const calls = await rounds.run(0, 'before', { of: OF_COLLECTION });
    if (calls === null) throw new Error('The first round was not to be killed');
    const { removedChunks, compacted, removedPacks } = rounds.collected()!;
    for (let kill = 0; kill < KILLS; kill++) {
      const n = 1 + Math.floor(((kill + 0.5) * calls) / KILLS);
      await rounds.run(n, WHENS[kill % WHENS.length]!, { of: OF_COLLECTION });
    }
    await rounds.run(0, 'before');
    console.log(`      ${calls} calls a round; acknowledged: ${[...rounds.kinds].map(([kind, n]) => `${n} ${kind}`).join(', ')}`);
    console.log(`      of the first: ${removedChunks} chunks and ${removedPacks} packs removed, ${compacted} packs compacted`);

    const { database, packs } = rounds;
    const [[history, garbage, wrong]] = (await database.sql(`SELECT
      (SELECT count(*) FROM versions WHERE visibility = 'hidden' AND superseded_ms IS NOT NULL)::int,
      (SELECT count(*) FROM chunks WHERE condemned_ms IS NOT NULL)::int,
      (SELECT count(*) FROM packs p FULL JOIN (SELECT pack, count(*) AS n, sum(length) AS z FROM chunks GROUP BY pack) c ON c.pack = p.id
        WHERE coalesce(p.live_chunks, 0) <> coalesce(c.n, 0) OR coalesce(p.live_bytes, 0) <> coalesce(c.z, 0))::int`)) as [
      [number, number, number],
    ];
    expect([history, garbage, wrong], 'history left, garbage left, packs that count wrong').to.deep.equal([0, 0, 0]);
    const files = readdirSync(packs).filter((name) => name.endsWith('.pack'));
    const named = new Set(
      (await database.sql(`SELECT DISTINCT encode(pack, 'hex') FROM chunks`)).map(([pack]) => `${pack}.pack`),
    );
    expect(
      files.filter((name) => !named.has(name)),
      'packs that nothing refers to',
    ).to.deep.equal([]);
    expect(
      [...named].filter((name) => !files.includes(name)),
      'packs that are gone',
    ).to.deep.equal([]);
    const bytes = files.reduce((sum, name) => sum + statSync(join(packs, name)).size, 0);
    const [[live]] = (await database.sql('SELECT coalesce(sum(length), 0)::int FROM chunks')) as [[number]];
    expect(bytes).to.be.lessThan(live * 1.34 + 4 * COLLECTED_PACK_BYTES);
  });
});
