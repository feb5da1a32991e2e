import { expect } from 'chai';
import { type Database, openDatabase } from '../../../src/metadata/database.ts';
import { RowWriter } from '../../../src/metadata/row-set.ts';
import { freshDatabase, quiet, type TestDatabase } from '../../support/database.ts';
import { quickDice, SEED } from '../../support/random.ts';

interface Row {
  b: boolean | null;
  i: number | null;
  l: number | null;
  t: string | null;
  h: string | null;
  y: Buffer | null;
  j: object | null;
}

function write(out: RowWriter, row: Row): void {
  out.bool(row.b);
  out.int4(row.i);
  out.int8(row.l);
  out.text(row.t);
  out.hex(row.h);
  out.bytea(row.y);
  out.jsonb(row.j);
}

describe('rows written as a value of an array of a composite type', () => {
  let test: TestDatabase;
  let database: Database;
  before(async () => {
    test = await freshDatabase();
    database = openDatabase({ connection: test.connection, poolSize: 1, log: quiet });
    await database.query({
      name: 'type',
      text: 'CREATE TYPE row_of_all AS (b boolean, i int, l bigint, t text, h bytea, y bytea, j jsonb)',
    });
  });
  after(async () => {
    await database?.close();
    await test?.drop();
  });

  async function read(set: Buffer | null): Promise<Row[]> {
    const text = 'SELECT b, i, l, t, encode(h, $$hex$$), y, j::text FROM unnest($1::row_of_all[])';
    const rows = await database.query<[boolean, number, number, string, string, Buffer, string]>({ name: 'read', text }, [set]);
    return rows.map(([b, i, l, t, h, y, j]) => ({ b, i, l, t, h, y, j: j === null ? null : JSON.parse(j) }));
  }

  it('come out as they went in, whatever their values and however many', async () => {
    const { below } = quickDice(SEED);
    const some = <T>(...values: T[]): T => values[below(values.length)] as T;
    const row = (): Row => ({
      b: some(true, false, null),
      i: some(0, -1, 2 ** 31 - 1, -(2 ** 31), null),
      l: some(0, 1, -1, 2 ** 31, 2 ** 32, -(2 ** 32) - 7, 2 ** 53 - 1, -(2 ** 53) + 1, null),
      t: some('', 'a/b', 'ü€😀'.repeat(below(100)), '\t\\"{},', null),
      h: some('', '00ff'.repeat(8), null),
      y: some(Buffer.alloc(0), Buffer.alloc(below(40_000), 7), null),
      j: some({}, { a: [1, 'ü"\\'], b: null }, { long: 'x'.repeat(below(5000)) }, null),
    });
    const out = new RowWriter();
    for (const count of [1, 2, 300, 1]) {
      out.reset();
      const rows = Array.from({ length: count }, row);
      const others = Array.from({ length: count }, row);
      const sets = [out.set(write, rows), out.set(write, others)];
      expect(await read(sets[0] as Buffer), `CLOUDSTORE_TEST_SEED=${SEED}`).to.deep.equal(rows);
      expect(await read(sets[1] as Buffer), `CLOUDSTORE_TEST_SEED=${SEED}`).to.deep.equal(others);
    }
  });

  it('are NULL where there are none', () => {
    expect(new RowWriter().set(write, [])).to.equal(null);
  });

  it('are refused where a text is no Unicode, which would be stored as another one', () => {
    const row: Row = { b: null, i: null, l: null, t: 'half of a pair: \ud83d', h: null, y: null, j: null };
    expect(() => new RowWriter().set(write, [row])).to.throw('cannot be stored');
  });
});
