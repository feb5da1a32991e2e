import { expect } from 'chai';
import { splitRows } from '../../../src/metadata/row-stream.ts';
import { quickDice, SEED } from '../../support/random.ts';

/** A message of the database's protocol (PostgreSQL manual, 54.7). */
function message(kind: string, body: string): Buffer {
  const bytes = Buffer.from(`${kind}----${body}`);
  bytes.writeUInt32BE(bytes.length - 1, 1);
  return bytes;
}

describe('rows taken out of what the database sends', () => {
  it('come each whole and in order, and all else goes on as it came, however it is cut', () => {
    const said = [message('2', ''), message('T', 'x'), ...['', 'a', 'D', 'b'.repeat(3000)].map((body) => message('D', body))];
    const all = [...said, message('N', 'notice'), message('D', 'last'), message('C', 'SELECT'), message('Z', 'I')];
    const whole = Buffer.concat(all);
    const pick = quickDice(SEED).below;
    const cuts = [
      [1],
      [2],
      [5],
      [6],
      [whole.length],
      ...Array.from({ length: 200 }, () => Array.from({ length: 20 }, () => 1 + pick(900))),
    ];
    for (const sizes of cuts) {
      const told: string[] = [];
      const splitter = splitRows(
        (bytes, at) => told.push(`row ${bytes.toString('latin1', at, at + bytes.readUInt32BE(at - 4) - 4)}`),
        (bytes) => told.push(bytes.toString('latin1')),
      );
      for (let [from, turn] = [0, 0]; from < whole.length; turn++) {
        const size = sizes[turn % sizes.length] as number;
        // What came is the receiver's for that call only.
        const chunk = Buffer.from(whole.subarray(from, from + size));
        splitter.feed(chunk);
        chunk.fill('?');
        from += size;
      }
      const expected = all.map((one) => (one[0] === 0x44 ? `row ${one.toString('latin1', 5)}` : one.toString('latin1')));
      expect(told, `${sizes}, CLOUDSTORE_TEST_SEED=${SEED}`).to.deep.equal(expected);
    }
  });

  it('end with the message at which it is told so: what is behind goes on as it came', () => {
    const passed: string[] = [];
    const splitter = splitRows(
      () => passed.push('row'),
      (bytes) => {
        passed.push(bytes.toString('latin1'));
        if (bytes[0] === 'Z'.charCodeAt(0)) splitter.end();
      },
    );
    const [end, behind] = [message('Z', 'I'), Buffer.concat([message('D', 'of another'), message('D', 'q').subarray(0, 3)])];
    splitter.feed(Buffer.concat([message('D', 'x'), end, behind]));
    splitter.feed(Buffer.from('more'));
    expect(passed).to.deep.equal(['row', end.toString('latin1'), behind.toString('latin1'), 'more']);
    expect(splitter.end()).to.equal(false);
  });
});
