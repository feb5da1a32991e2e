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

  it('tells each row as it comes, all of them again where it breaks in between, and what telling one throws', async () => {
    const real = await freshDatabase();
    const wire = await lossyWire(real.connection);
    const database = openDatabase({ connection: wire.connection, poolSize: 1, log: quiet });
    const many = { name: 'many', text: `SELECT n, repeat('x', 10000) FROM generate_series(0, $1) AS n` };
    const seen: number[] = [];
    let told: number[] = [];
    const begin = () => {
      told = [];
      return (bytes: Buffer, at: number): void => {
        const n = bytes.readInt32BE(at + 6);
        expect(bytes.toString('latin1', at + 14, at + 10_014)).to.equal('x'.repeat(10_000));
        seen.push(n);
        told.push(n);
      };
    };
    const read = async (last: number): Promise<number[]> => {
      await database.readRows(many, [last], begin);
      return told;
    };
    const server = async (): Promise<unknown> =>
      (await database.query({ name: 'server', text: 'SELECT pg_backend_pid()' }))[0]?.[0];
    let cuts = 0;
    wire.passage = (message) => (message.includes('generate_series') && cuts++ === 0 ? 'answer cut' : 'through');
    try {
      expect(await read(99)).to.deep.equal(Array.from({ length: 100 }, (_, n) => n));
      expect(seen.length).to.be.above(100);
      const connection = await server();
      expect(await read(-1)).to.deep.equal([]);
      const fails = database.readRows(many, [99], () => (bytes, at) => {
        if (bytes.readInt32BE(at + 6) === 50) throw new Error('of no use');
      });
      expect(await fails.catch((error: Error) => error.message)).to.equal('of no use');
      expect(await read(0)).to.deep.equal([0]);
      expect(await codeOf(database.readRows({ name: 'none', text: 'SELECT 1 / $1::int' }, [0], begin))).to.equal('22012');
      // The driver reads on as ever, on the same connection.
      expect(await server()).to.equal(connection);
      expect(await server()).to.equal(connection);
    } finally {
      await database.close();
      await wire.close();
      await real.drop();
    }
  });
});
