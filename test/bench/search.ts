/**
 * Search by name in a million objects over REST: the first page for words that match one, a thousand and all of them, against a look-up of one object in the same run.
 *   node test/bench/search.ts [--objects=1000000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createClient } from '../../clients/typescript/index.ts';
import { startGateway } from '../support/gateway.ts';
import { flag } from './common.ts';
import { median } from './load.ts';

const objects = Number(flag('objects') ?? 1_000_000);
const ROUNDS = 100;

const directory = mkdtempSync(join(tmpdir(), 'cloudstore-search-'));
const dataDir = join(directory, 'data');
const gateway = await startGateway({ dataDir });
try {
  const client = createClient({ url: gateway.webUrl });
  await client.login(gateway.user, gateway.password);
  await client.call('PutFile', { path: { bucket: gateway.bucket, key: 'one/known name.txt' }, body: 'x' });
  // Rows as commits make them; the trigger writes down their names.
  const database = new pg.Client({ host: join(dataDir, 'postgres-socket'), user: 'cloudstore', database: 'cloudstore' });
  await database.connect();
  await database.query(
    `INSERT INTO slots (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms, created_ms, attributes)
     SELECT 1000000000 + n, s.bucket_id, 'f' || n % 1000 || '/IMG_' || n || ' Holiday.jpg', true, s.version_id, 'hidden', false, 1000000000 + n,
            1, 'e', n, n, n, '{}' FROM slots s, generate_series(1, $1::int) AS n WHERE s.key = 'one/known name.txt'`,
    [objects],
  );
  await database.query('ANALYZE');
  await database.end();
  const begun = performance.now();
  while (!(await client.call('Search', { query: { q: 'known' } })).complete);
  const seconds = (performance.now() - begun) / 1000;
  console.log(`${objects} names came into the index in ${seconds.toFixed(1)} s, by searches alone`);

  async function measure(work: () => Promise<unknown>): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const from = performance.now();
      await work();
      times.push(performance.now() - from);
    }
    return median(times);
  }
  const lookUp = await measure(() => client.call('Stat', { path: { bucket: gateway.bucket, key: 'one/known name.txt' } }));
  console.log(`a look-up of one file: ${lookUp.toFixed(2)} ms`);
  for (const [what, q] of Object.entries({ 'one match': 'known', all: 'img', 'a few of them': 'img 1234', none: 'nothing' })) {
    const ms = await measure(() => client.call('Search', { query: { q } }));
    console.log(`first page, ${what} (${q}): ${ms.toFixed(2)} ms, ${(ms / lookUp).toFixed(1)} look-ups (target: 10)`);
  }
} finally {
  await gateway.stop();
  rmSync(directory, { recursive: true, force: true });
}
