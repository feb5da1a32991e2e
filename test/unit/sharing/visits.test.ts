import { expect } from 'chai';
import type { LinkRecord, LinkStore } from '#contracts/link-store';
import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import { createTickets } from '#sharing/tickets';
import { createVisits, type VisitsOptions } from '#sharing/visits';
import { codeOf } from '../../support/rooms.ts';

describe('a visit by a link', () => {
  const record = { id: 7, maker: 1, at: { bucket: 1, key: 'trip/' }, mode: 'download', networks: null } as Partial<LinkRecord>;

  /** @param meanwhile between the look at the link and that at its maker */
  function rig(meanwhile: (change: (patch: Partial<LinkRecord>) => void) => void) {
    let now = { ...record, disabled: false, passwordHash: null, expires: null } as LinkRecord; // what is asked of it
    let told: (payload: string | null) => void = () => undefined;
    const change = (patch: Partial<LinkRecord>): void => {
      now = { ...now, ...patch };
      told('7');
    };
    let looks = 0;
    const options: Partial<VisitsOptions> = {
      store: { find: async () => now, findByToken: async () => now } as Partial<LinkStore> as LinkStore,
      principals: {
        async find() {
          if (++looks === 1) meanwhile(change);
          return { id: 1, name: 'ann', role: 'member', disabled: false } as PrincipalRecord; // what is asked of it
        },
      } as Partial<PrincipalStore> as PrincipalStore,
      signals: {
        subscribe(_: string, listener: typeof told) {
          told = listener;
          return () => undefined;
        },
      } as unknown as Signals, // what is asked of it
      tickets: createTickets(() => Buffer.alloc(32)),
      hashOf: (token) => Buffer.from(token),
      clock: { now: () => 1_000 },
    };
    const visits = createVisits(options as VisitsOptions); // what a visit asks
    const context = { remoteAddress: '192.0.2.1' } as never; // what is asked of it
    return {
      change,
      open: () => visits.open('a'.repeat(27), { protocol: 'rest', requestId: 'r', context, tickets: [] }),
    };
  }

  it('does not begin by what the link was a moment ago', async () => {
    const taken = { disabled: true };
    expect(await codeOf(rig((change) => change(taken)).open())).to.equal('not_found');
    expect(await codeOf(rig((change) => change({ passwordHash: 'new' })).open())).to.equal('unauthenticated');
    const { open, change } = rig(() => undefined);
    const { signal } = await open();
    expect(signal.aborted).to.equal(false);
    change(taken);
    await new Promise((next) => setImmediate(next));
    expect(signal.aborted).to.equal(true);
    // A change of another link is no reason to be sent away.
    expect((await rig((told) => told({})).open()).signal.aborted).to.equal(false);
  });
});
