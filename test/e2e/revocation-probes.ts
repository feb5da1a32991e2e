import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { within } from '../support/identity.ts';
import type { SlowTransfer } from '../support/slow-transfers.ts';

/** What somebody may hold when they are taken back. */
export const HOLDS = ['socket', 'download', 'upload', 'presigned URL', 'verification kept'] as const;
export type Hold = (typeof HOLDS)[number];

/** What Nextcloud's stream closes with. */
const PUSH_ENDED = 1008;

/** One thing that runs, or is let in, by a credential; or that it never opens. */
export interface Probe {
  begin(): Promise<void>;
  /** That it runs, right before it is taken back. */
  still?(): void;
  /** After it was taken back. */
  over(): Promise<void>;
}

/** One kind of credential: what it holds, by name, and how it ends. */
export interface Held {
  cells: Record<Hold, Record<string, Probe>>;
  takeBack(): Promise<{ status: number }>;
}

/** So that what never ends is told by its name. */
const soon = <T>(ended: Promise<T>): Promise<T | string> => Promise.race([ended, sleep(30_000, 'it still runs', { ref: false })]);
export const running = (start: () => SlowTransfer): Probe => {
  let transfer: SlowTransfer | null = null;
  let how: string | null = null;
  return {
    async begin() {
      transfer = start();
      void transfer.outcome.then((outcome) => (how = outcome));
      await transfer.begun;
    },
    still() {
      expect(how).to.equal(null);
    },
    async over() {
      transfer!.readOn();
      // Sometimes the answer of what was broken off comes through before the connection ends.
      expect(await soon(transfer!.outcome)).to.be.oneOf([
        'broken',
        'answered 401',
        'answered 403',
        'answered 404',
        'answered 503',
      ]);
    },
  };
};
/** Asked twice before, so that whatever is remembered of it is remembered. */
export const asked = (ask: () => Promise<{ status: number }>, refused: readonly number[] = [401, 403]): Probe => ({
  async begin() {
    for (let time = 0; time < 2; time++) expect((await ask()).status).to.be.within(200, 299);
  },
  async over() {
    await within(async () => refused.includes((await ask()).status));
  },
});
/** What such a credential opens at no time, so that there is nothing to end. */
export const never = (ask: () => Promise<{ status: number }>): Probe => ({
  async begin() {
    expect((await ask()).status).to.be.within(400, 499);
  },
  over: async () => undefined,
});
export const stream = (open: () => Promise<{ closed: Promise<unknown> }>, code: number): Probe => {
  let socket: { closed: Promise<unknown> } | null = null;
  return {
    async begin() {
      socket = await open();
    },
    async over() {
      const told = await soon(socket!.closed);
      expect(told).to.equal(code);
    },
  };
};

/** Nextcloud's stream. */
export const pushStream = (ws: string, name: string, password: string): Probe =>
  stream(() => openPush(ws, name, password), PUSH_ENDED);

/** It takes a name and a password, as texts. */
async function openPush(ws: string, name: string, password: string): Promise<{ closed: Promise<unknown> }> {
  const socket = new WebSocket(`${ws}/push/ws`);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const told = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
  socket.send(name);
  socket.send(password);
  expect(await told).to.equal('authenticated');
  return { closed };
}
