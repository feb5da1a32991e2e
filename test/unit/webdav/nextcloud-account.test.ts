import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { answerOf } from '#protocols/webdav/nextcloud/account';
import { codeOf } from '../../support/rooms.ts';

/** What the account page of Nextcloud's clients shows of the room, asked of buckets and a quota that are made up here. */
describe('Nextcloud: the account and its room', () => {
  const ann = { id: 7, name: 'ann', role: 'member' } as const;
  const home = { id: 3, name: 'home', owner: 7 } as Bucket; // nothing else of it is asked
  const none = (code: 'bucket_not_found' | 'unavailable') => async (): Promise<never> => {
    throw new CloudStoreError(code, 'no');
  };
  const ask = async (
    resolve: () => Promise<Bucket>,
    room: { used: number; available: number | null } = { used: 0, available: null },
    list: () => Promise<Bucket[]> = async () => [],
  ) => {
    const deps = { buckets: { resolved: () => null, resolve, list }, namespace: { quota: async () => room } };
    const who = { principal: ann, protocol: 'webdav', requestId: 'R' };
    return answerOf({ deps, who } as never, 'GET', '/cloud/user', 'https://files.example'); // of its rooms, only these are asked
  };
  const roomOf = async (...args: Parameters<typeof ask>) => ((await ask(...args)) ?? { data: {} }).data as { quota: object };

  const quotaOf = async (...args: Parameters<typeof ask>) => (await roomOf(...args)).quota;

  it('tells what is used and left', async () => {
    expect(await quotaOf(async () => home, { used: 250, available: 750 })).to.deep.equal({
      free: 750,
      used: 250,
      total: 1000,
      relative: 25,
      quota: 1000,
    });
    expect(await quotaOf(async () => home, { used: 250, available: null })).to.include({
      free: -3,
      total: -3,
      quota: -3,
      used: 250,
    });
    expect(await quotaOf(async () => home, { used: 0, available: 0 })).to.include({ free: 0, total: 0, relative: 0 });
  });

  it('is nothing for who owns no bucket', async () => {
    expect(await quotaOf(none('bucket_not_found'), { used: 9, available: 9 })).to.include({ free: 0, used: 0, total: 0 });
    expect(await quotaOf(async () => ({ ...home, owner: 8 }), { used: 9, available: 9 }), "another's").to.include({ used: 0 });
  });

  it('is not told as nothing while the database is away: clients would stop to upload', async () => {
    expect(await codeOf(ask(none('unavailable')))).to.equal('unavailable');
    expect(await codeOf(ask(none('bucket_not_found'), undefined, none('unavailable')))).to.equal('unavailable');
  });
});
