import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { homeOf } from '#protocols/webdav/nextcloud/deps';
import { codeOf } from '../../support/rooms.ts';

/** Which bucket Nextcloud's clients sync. They delete what they have of files that are no longer there, so it never becomes another. */
describe('Nextcloud: the bucket that is synced', () => {
  const who = { principal: { id: 7, name: 'ann', role: 'member' }, protocol: 'webdav', requestId: 'R' } as const;
  const bucket = (id: number, name: string, owner = 7) => ({ id, name, owner }) as Bucket; // nothing else of it is asked
  const ask = ({ home = null, there, removed = [] }: { home?: Bucket | null; there: Bucket[]; removed?: Bucket[] }) => {
    const resolve = async (): Promise<never> => {
      throw new CloudStoreError('bucket_not_found', 'no');
    };
    const buckets = { resolved: () => home, resolve, list: async () => there, removed: async () => removed };
    return homeOf(buckets as never, who); // only these are asked
  };

  it('without a home is the first that was made, whatever a later one is called', async () => {
    expect(await ask({ there: [bucket(9, 'archive'), bucket(4, 'photos'), bucket(1, 'zoo', 8)] })).to.include({ id: 4 });
  });

  it('is none while the home, or the first, is removed and may come back; and is that one again', async () => {
    const [home, later] = [bucket(4, 'ann'), bucket(9, 'archive')];
    expect(await codeOf(ask({ there: [later], removed: [home] }))).to.equal('not_found');
    expect(await ask({ home, there: [home, later] })).to.equal(home);
    expect(await ask({ there: [later], removed: [bucket(12, 'tried'), bucket(2, 'other', 8)] }), 'no home').to.equal(later);
  });
});
