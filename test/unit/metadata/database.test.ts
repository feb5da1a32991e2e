import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { foreignCalls } from '#core/foreign-calls';
import { openMetadata } from '#metadata/open';
import { type Connection, openDatabase, translate } from '../../../src/metadata/database.ts';
import { freshDatabase, quiet } from '../../support/database.ts';
import { lossyWire } from '../../support/lossy-wire.ts';
import { codeOf } from '../../support/rooms.ts';

/** A message of the database's protocol (PostgreSQL manual, 54.7). */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

function urlOf(connection: Connection, options: string): Connection {
  const more = `options=${encodeURIComponent(options)}`;
  if ('url' in connection) return { url: `${connection.url}${connection.url.includes('?') ? '&' : '?'}${more}` };
  const { socketDirectory, port, user, database } = connection;
  return { url: `postgres:///${database}?host=${encodeURIComponent(socketDirectory)}&port=${port}&user=${user}&${more}` };
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

  it('over a network is asked for signs of life while it is silent', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const asked: unknown[][] = [];
    const { setKeepAlive } = Socket.prototype;
    Socket.prototype.setKeepAlive = function (this: Socket, ...args: unknown[]) {
      if (this.remotePort === port) asked.push(args);
      return setKeepAlive.apply(this, args as [boolean, number]);
    };
    const database = openDatabase({ connection: { url: `postgres://a@127.0.0.1:${port}/b` }, poolSize: 1, log: quiet });
    try {
      expect(await codeOf(database.query({ name: 'one', text: 'SELECT 1' }))).to.equal('unavailable');
      expect(asked[0]).to.deep.equal([true, 10_000]);
    } finally {
      Socket.prototype.setKeepAlive = setKeepAlive;
      await database.close();
      server.close();
    }
  });

  it('over a network ends when what it sent is not acknowledged for 20 seconds', async function () {
    const calls = process.platform === 'linux' ? foreignCalls() : null;
    if (calls === null) this.skip();
    const real = await freshDatabase();
    const wire = await lossyWire(real.connection);
    const limits: number[] = [];
    const { setKeepAlive } = Socket.prototype;
    const getsockopt = calls.loaded.func('getsockopt', 'int', ['int', 'int', 'int', '_Out_ uint *', '_Inout_ uint *']);
    const read = (socket: Socket): void => {
      const value = [0];
      getsockopt((socket as unknown as { _handle: { fd: number } })._handle.fd, 6, 18, value, [4]);
      limits.push(value[0] ?? 0);
    };
    Socket.prototype.setKeepAlive = function (this: Socket, ...args: unknown[]) {
      setImmediate(read, this);
      return setKeepAlive.apply(this, args as [boolean, number]);
    };
    const database = openDatabase({ connection: wire.connection, poolSize: 1, log: quiet });
    try {
      await database.query({ name: 'one', text: 'SELECT 1' });
      expect(limits).to.deep.equal([20_000]);
    } finally {
      Socket.prototype.setKeepAlive = setKeepAlive;
      await database.close();
      await wire.close();
      await real.drop();
    }
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

  it('commits to the disk and is ended by no time, whatever the database is set to, and what its URL says counts too', async () => {
    const real = await freshDatabase();
    const set = (what: string): Promise<unknown> =>
      real.sql(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET ${what}', current_database()); END $$`);
    await set('synchronous_commit = off');
    for (const what of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) await set(`${what} = 5`);
    const database = openDatabase({ connection: urlOf(real.connection, '-c work_mem=1234kB'), poolSize: 1, log: quiet });
    const show = async (name: string): Promise<unknown> =>
      (await database.query({ name, text: `SELECT current_setting('${name}')` }))[0]?.[0];
    try {
      await database.query({ name: 'slow', text: 'SELECT 1 FROM pg_sleep(0.05)' });
      expect(await Promise.all(['synchronous_commit', 'enable_seqscan', 'work_mem'].map(show))).to.deep.equal([
        'on',
        'off',
        '1234kB',
      ]);
    } finally {
      await database.close();
      await real.drop();
    }
  });

  it('lets others have what a process has locked that was stopped in the middle, unless it is to take its time', async () => {
    const real = await freshDatabase();
    await real.sql('CREATE TABLE few AS SELECT 1 AS n');
    const open = () => openDatabase({ connection: real.connection, poolSize: 1, log: quiet, idleMsMax: 300 });
    const [one, two] = [open(), open()];
    const lock = { name: 'lock', text: 'SELECT n FROM few FOR UPDATE' };
    try {
      for (const how of ['transaction', 'patientTransaction'] as const) {
        const { promise: resumed, resolve: resume } = Promise.withResolvers<void>();
        const { promise: locked, resolve: hasLocked } = Promise.withResolvers<void>();
        const stopped = one[how](async (session) => {
          await session.query(lock);
          hasLocked();
          await resumed;
          return session.query(lock);
        });
        await locked;
        const other = two.transaction((session) => session.query(lock));
        const first = await Promise.race([other.then(() => 'the other'), sleep(3_000, 'none', { ref: false })]);
        resume();
        expect([how, first, await codeOf(stopped)]).to.deep.equal(
          how === 'transaction' ? [how, 'the other', 'unavailable'] : [how, 'none', 'none'],
        );
        await other;
      }
      expect(await one.query(lock)).to.deep.equal([[1]]);
    } finally {
      await Promise.all([one.close(), two.close()]);
      await real.drop();
    }
  });

  it('that takes no changes any more, or is not let in, makes room for another', async () => {
    const real = await freshDatabase();
    await real.sql('CREATE TABLE few (n int)');
    await real.sql(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
    );
    const database = openDatabase({ connection: real.connection, poolSize: 1, log: quiet });
    const insert = (): Promise<unknown> => database.execute({ name: 'insert', text: 'INSERT INTO few VALUES (1)' });
    try {
      expect(await codeOf(insert())).to.equal('unavailable');
      await real.sql(
        `BEGIN READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$; COMMIT`,
      );
      expect(await insert()).to.equal(1);
      for (const code of ['28P01', '3D000', '25P03', '57014', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EMFILE'])
        expect(await codeOf(Promise.reject(translate(Object.assign(new Error('no'), { code })))), code).to.equal('unavailable');
    } finally {
      await database.close();
      await real.drop();
    }
  });

  it('that cannot store every name is refused before anything is made in it', async () => {
    const real = await freshDatabase();
    const { connection } = real;
    const name = `latin_${randomBytes(4).toString('hex')}`;
    await real.sql(
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    const there = 'url' in connection ? Object.assign(new URL(connection.url), { pathname: `/${name}` }).href : null;
    const latin = there === null ? { ...(connection as Extract<Connection, { port: number }>), database: name } : { url: there };
    try {
      const why = await openMetadata({ connection: latin, clock: Date, random: randomBytes, log: quiet }).then(
        () => 'none',
        (error: Error) => error.message,
      );
      expect(why).to.contain('LATIN1').and.contain('UTF8');
    } finally {
      await real.sql(`DROP DATABASE ${name} WITH (FORCE)`);
      await real.drop();
    }
  });
});
