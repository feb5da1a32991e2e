import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { openDatabase } from '../../../src/metadata/database.ts';
import { quiet } from '../../support/database.ts';
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
});
