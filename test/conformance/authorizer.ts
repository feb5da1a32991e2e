import { expect } from 'chai';
import type { Action, Authorizer } from '#contracts/authorizer';
import type { Grant } from '#contracts/principal-store';
import type { Bucket } from '#core/bucket';
import type { Role, Who } from '#core/principal';

const ACTIONS: Action[] = ['read', 'write', 'delete', 'list', 'bucket.create', 'bucket.configure', 'bucket.remove', 'admin'];

/** Role, ownership and grants against every action. `make` gives an authorizer that knows exactly these grants. */
export function describeAuthorizer(name: string, make: (grants: (Grant & { principal: number })[]) => Authorizer): void {
  describe(`authorizer: ${name}`, () => {
    const bucket = { id: 1, owner: 7 } as Bucket;
    const authorizer = make([
      { principal: 8, bucket: 1, prefix: 'a/', access: 'read' },
      { principal: 9, bucket: 1, prefix: '', access: 'write' },
      { principal: 9, bucket: 2, prefix: '', access: 'read' },
    ]);
    const who = (id: number | null, role: Role): Who => ({
      principal: id === null ? null : { id, name: `u${id}`, role },
      protocol: 's3',
      requestId: '',
    });
    const allowed = async (as: Who, key: string): Promise<string[]> => {
      const out: string[] = [];
      for (const action of ACTIONS) {
        try {
          await authorizer.require(as, action, action === 'bucket.create' || action === 'admin' ? null : bucket, key);
          out.push(action);
        } catch (error) {
          expect(error).to.have.property('code', as.principal === null ? 'unauthenticated' : 'access_denied');
        }
      }
      return out;
    };
    const objects = ['read', 'write', 'delete', 'list'];
    const cases: [string, Who, string, string[]][] = [
      ['an admin everything', who(1, 'admin'), 'k', ACTIONS],
      [
        'a member its own, and new buckets',
        who(7, 'member'),
        'k',
        [...objects, 'bucket.create', 'bucket.configure', 'bucket.remove'],
      ],
      ['another member nothing but new buckets', who(6, 'member'), 'a/k', ['bucket.create']],
      ['a member what it was granted', who(8, 'member'), 'a/k', ['read', 'list', 'bucket.create']],
      ['a guest what it was granted', who(8, 'guest'), 'a/k', ['read', 'list']],
      ['a guest the folder itself', who(8, 'guest'), 'a/', ['read', 'list']],
      ['a guest nothing beside it', who(8, 'guest'), 'ab', []],
      ['a guest not the file of the name', who(8, 'guest'), 'a', []],
      ['a guest not the bucket', who(8, 'guest'), '', []],
      ['a guest who may write, objects only', who(9, 'guest'), 'any', objects],
      ['a guest not even what it owns', who(7, 'guest'), 'k', []],
      ['nobody nothing', who(null, 'guest'), 'a/k', []],
    ];
    for (const [what, as, key, expected] of cases) {
      it(`allows ${what}`, async () => expect(await allowed(as, key)).to.deep.equal(expected));
    }

    it('shows a bucket to its owner, to admins and to whoever was granted anything in it', async () => {
      const visible = async (id: number | null, role: Role) => authorizer.visible(who(id, role), bucket);
      expect(await Promise.all([visible(1, 'admin'), visible(7, 'member'), visible(8, 'guest')])).to.deep.equal([
        true,
        true,
        true,
      ]);
      expect(await Promise.all([visible(6, 'member'), visible(7, 'guest'), visible(null, 'guest')])).to.deep.equal([
        false,
        false,
        false,
      ]);
    });
  });
}
