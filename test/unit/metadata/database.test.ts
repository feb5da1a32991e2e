import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { openDatabase } from '../../../src/metadata/database.ts';
import { freshDatabase, quiet } from '../../support/database.ts';
import { lossyWire } from '../../support/lossy-wire.ts';
import { codeOf } from '../../support/rooms.ts';

/** A message of the database's protocol (PostgreSQL manual, 54.7). */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

describe('a connection to the database', () => {
  it('may end in the breath in which it begins: that is unavailable, and no end of the process', async () => {
    const welcome = [message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))];
    const farewell = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'));
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(Buffer.concat([...welcome, farewell])));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const url = `postgres://cloudstore@127.0.0.1:${port}/cloudstore`;
    const database = openDatabase({ connection: { url }, poolSize: 1, log: quiet });
    expect(await codeOf(database.query({ name: 'one', text: 'SELECT 1' }))).to.equal('unavailable');
    await database.close();
    server.close();
    await once(server, 'close');
  });

  it('turns each row as it comes, all of them again where it breaks in between, and tells what turning one throws', async () => {
    const real = await freshDatabase();
    const wire = await lossyWire(real.connection);
    const database = openDatabase({ connection: wire.connection, poolSize: 1, log: quiet });
    const many = { name: 'many', text: `SELECT n, repeat('x', 10000) FROM generate_series(0, $1) AS n` };
    const seen: number[] = [];
    const turn = ([n]: [number, string], index: number): string => {
      seen.push(n);
      return `${n} is ${index}`;
    };
    let cuts = 0;
    wire.passage = (message) => (message.includes('generate_series') && cuts++ === 0 ? 'answer cut' : 'through');
    try {
      const turned = await database.readEach(many, [99], turn);
      expect(turned).to.deep.equal(Array.from({ length: 100 }, (_, n) => `${n} is ${n}`));
      expect(seen.length).to.be.above(100);
      expect(await database.readEach(many, [-1], turn)).to.deep.equal([]);
      const fails = database.readEach(many, [99], (_, index) => {
        if (index === 50) throw new Error('of no use');
        return index;
      });
      expect(await fails.catch((error: Error) => error.message)).to.equal('of no use');
      expect(await database.readEach(many, [0], turn)).to.deep.equal(['0 is 0']);
      expect(await codeOf(database.readEach({ name: 'none', text: 'SELECT 1 / $1::int' }, [0], turn))).to.equal('22012');
    } finally {
      await database.close();
      await wire.close();
      await real.drop();
    }
  });
});
