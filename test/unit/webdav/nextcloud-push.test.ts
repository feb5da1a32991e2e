import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { createPushDoor } from '#protocols/webdav/nextcloud/push';

/** The sockets of Nextcloud's clients, with an authenticator and a journal that are made up here. */
describe('Nextcloud: push', () => {
  const ann = { id: 7, name: 'ann', role: 'member' } as const;
  const home = { id: 3, name: 'home', owner: 7 } as Bucket; // nothing else of it is asked
  let server: Server;
  afterEach(() => server?.close());

  async function listen({ head, follow }: { head(): Promise<string>; follow?(): Promise<void> }) {
    let valid = true;
    let changed = (_id: number | null): void => undefined;
    const errors: unknown[] = [];
    const door = createPushDoor({
      authenticator: {
        remembered: () => ann,
        admit: () => undefined,
        stillValid: async () => valid,
        onChange: (told: typeof changed) => (changed = told),
      },
      buckets: { resolved: () => home },
      journal: { head },
      hub: { follow: follow ?? (() => new Promise(() => undefined)) },
    } as never); // of its rooms, only these are asked
    const log = { debug: () => undefined, error: (fields: unknown) => void errors.push(fields) };
    server = createServer().on('upgrade', (req, socket, first) =>
      door.upgrade(req, socket as never, first, { log, remoteAddress: '127.0.0.1', requestId: 'R' } as never),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/push/ws`);
    const said: string[] = [];
    client.on('message', (data) => said.push(data.toString()));
    const closed = once(client, 'close');
    await once(client, 'open');
    client.send('ann');
    client.send('pw');
    const revoke = (tell: boolean): void => {
      valid = false;
      if (tell) changed(ann.id);
    };
    return { said, errors, revoke, code: async () => (await closed)[0] as number };
  }

  it('a journal that fails where it is begun anew closes the one socket, and nothing else', async () => {
    let asked = 0;
    const { code, errors } = await listen({
      head: async () => {
        if (asked++ > 0) throw new CloudStoreError('unavailable', 'no');
        return 'cursor';
      },
      follow: async () => {
        throw new CloudStoreError('cursor_expired', 'no');
      },
    });
    expect([await code(), errors.length]).to.deep.equal([1011, 1]);
  });

  for (const tell of [true, false]) {
    it(`who is revoked while it begins is not authenticated (${tell ? 'told' : 'not told'} of the change)`, async () => {
      let reached = (): void => undefined;
      let go = (_cursor: string): void => undefined;
      const beginning = new Promise<void>((resolve) => (reached = resolve));
      const { code, said, revoke } = await listen({
        head: () => {
          reached();
          return new Promise((resolve) => (go = resolve));
        },
      });
      await beginning;
      revoke(tell);
      if (!tell) go('cursor');
      expect([await code(), said]).to.deep.equal([1008, []]);
      go('cursor');
    });
  }
});
