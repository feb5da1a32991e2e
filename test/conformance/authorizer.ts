import { expect } from 'chai';
import type { Authorizer } from '#contracts/authorizer';
import { ACTIONS, type Action } from '#core/actions';
import type { Bucket } from '#core/bucket';
import type { Grant, GrantRole } from '#core/grant';
import type { Role, Who } from '#core/principal';

const every = Object.keys(ACTIONS) as Action[];
const on = (kind: 'object' | 'bucket' | 'service') => every.filter((action) => ACTIONS[action].on === kind);

/** Role, ownership and grants against every action. `make` gives an authorizer that knows exactly these grants on bucket 1. */
export function describeAuthorizer(name: string, make: (grants: Grant[]) => { authorizer: Authorizer; bucket: Bucket }): void {
  describe(`authorizer: ${name}`, () => {
    const user = (id: number, role: GrantRole, prefix = ''): Grant => ({
      subject: { kind: 'user', id },
      bucket: 1,
      prefix,
      role,
    });
    const { authorizer, bucket } = make([
      user(8, 'viewer', 'a/'),
      user(9, 'editor'),
      user(10, 'uploader', 'in/'),
      user(11, 'manager'),
      user(12, 'owner'),
      user(13, 'commenter'),
      { subject: { kind: 'group', id: 1 }, bucket: 1, prefix: 'team/', role: 'editor' },
    ]);
    const who = (id: number | null, role: Role, more: object = {}): Who => ({
      principal: id === null ? null : { id, name: `u${id}`, role, ...more },
      protocol: 's3',
      requestId: '',
    });
    const link = (place: number, prefix: string) => ({
      credential: { kind: 'link' as const, id: '5', scope: { actions: ['read', 'list'], places: [{ bucket: place, prefix }] } },
    });
    const allowed = async (as: Who, key: string): Promise<Action[]> => {
      const out: Action[] = [];
      for (const action of every) {
        const place = ACTIONS[action].on === 'service' ? null : bucket;
        const { allowed } = await authorizer.decide(as, action, place, key);
        const thrown = await Promise.resolve()
          .then(() => authorizer.require(as, action, place, key))
          .then(
            () => null,
            (error: Error & { code?: string }) => error.code,
          );
        expect(thrown, action).to.equal(allowed ? null : as.principal === null ? 'unauthenticated' : 'access_denied');
        if (allowed) out.push(action);
      }
      return out;
    };
    const own = ['bucket.list', 'account.read', 'account.write'] as const;
    const viewer = every.filter((action) => ACTIONS[action].least === 'viewer');
    const editor = every.filter((action) => ['viewer', 'commenter', 'editor'].includes(ACTIONS[action].least));
    const cases: [string, Who, string, readonly Action[]][] = [
      ['an admin everything', who(1, 'admin'), 'k', every],
      ['a member its own, and new buckets', who(7, 'member'), 'k', [...on('object'), ...on('bucket'), 'bucket.create', ...own]],
      ['another member nothing but new buckets', who(6, 'member'), 'a/k', ['bucket.create', ...own]],
      ['a member what it was granted', who(8, 'member'), 'a/k', [...viewer, 'bucket.create', ...own]],
      ['a guest what it was granted', who(8, 'guest'), 'a/k', [...viewer, ...own]],
      ['a guest the folder itself', who(8, 'guest'), 'a/', [...viewer, ...own]],
      ['a guest deep in the folder', who(8, 'guest'), 'a/b/c/d', [...viewer, ...own]],
      ['a guest nothing beside it', who(8, 'guest'), 'ab', own],
      ['a guest not the file of the name', who(8, 'guest'), 'a', own],
      ['a guest not the bucket', who(8, 'guest'), '', own],
      ['an editor', who(9, 'guest'), 'any', [...editor, ...own]],
      ['an uploader to add, and to see nothing', who(10, 'guest'), 'in/new', ['create', 'upload.parts', 'upload.abort', ...own]],
      [
        'a manager everything but the bucket itself',
        who(11, 'guest'),
        'k',
        [...every.filter((action) => !['owner', 'nobody'].includes(ACTIONS[action].least)), ...own],
      ],
      ['a granted owner all that is in the bucket', who(12, 'guest'), 'k', [...on('object'), ...on('bucket'), ...own]],
      ['a commenter to read and comment', who(13, 'guest'), 'k', [...viewer, 'comment', ...own]],
      ['who is in a group what the group was granted', who(20, 'guest', { groups: [3, 1] }), 'team/k', [...editor, ...own]],
      ['who is in another group nothing', who(20, 'guest', { groups: [3] }), 'team/k', own],
      [
        'a link what it was made for',
        who(7, 'member', link(1, 'a/')),
        'a/k',
        every.filter((action) => action === 'read' || action === 'list'),
      ],
      ["a link nothing else of its maker's", who(7, 'member', link(1, 'a/')), 'k', []],
      ['a link nothing that its maker may not', who(6, 'member', link(1, 'a/')), 'a/k', []],
      ['a link to elsewhere nothing', who(7, 'member', link(2, 'a/')), 'a/k', []],
      ['a guest not even what it owns', who(7, 'guest'), 'k', own],
      ['nobody nothing', who(null, 'guest'), 'a/k', []],
    ];
    for (const [what, as, key, expected] of cases) {
      it(`allows ${what}`, async () => expect((await allowed(as, key)).sort()).to.deep.equal([...expected].sort()));
    }

    it('takes from a credential what its scope does not hold', async () => {
      const scoped = (scope: object | null) =>
        who(7, 'member', { credential: { kind: 's3', id: 'K', scope: { actions: null, places: null, ...scope } } });
      expect(await allowed(scoped({ actions: ['read', 'list'] }), 'k')).to.have.members(['read', 'list']);
      const placed = scoped({ places: [{ bucket: 1, prefix: 'a/' }] });
      expect(await allowed(placed, 'a/k')).to.have.members([...on('object'), ...on('bucket'), 'bucket.list']);
      expect(await allowed(placed, 'ab')).to.deep.equal(['bucket.list']);
      const elsewhere = scoped({ places: [{ bucket: 2, prefix: '' }] });
      expect([await authorizer.visible(placed, bucket), await authorizer.visible(elsewhere, bucket)]).to.deep.equal([
        true,
        false,
      ]);
    });

    it('obeys the policies of temporary keys, and takes one that nobody can read for one that allows nothing', async () => {
      const temporary = (...policies: object[]) =>
        who(7, 'member', { credential: { kind: 'temporary', id: 'K', scope: null, policies } });
      const reading = {
        Version: '2012-10-17',
        Statement: { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/a/*' },
      };
      const all = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
      expect(await allowed(temporary(reading), 'a/k')).to.deep.equal(['read']);
      expect(await allowed(temporary(reading), 'k')).to.deep.equal([]);
      expect(await allowed(temporary(all, reading), 'a/k')).to.deep.equal(['read']);
      expect(await allowed(temporary(all), 'k')).to.deep.equal(await allowed(who(7, 'member'), 'k'));
      const denying = { Statement: [all.Statement[0], { Effect: 'Deny', Action: 's3:Put*', Resource: '*' }] };
      expect(await allowed(temporary(denying), 'k'))
        .to.include('read')
        .and.not.include('write');
      expect(await allowed(temporary({ Statement: 'everything' }), 'k')).to.deep.equal([]);
    });

    it('shows a bucket to its owner, to admins and to whoever was granted anything in it', async () => {
      const visible = (id: number | null, role: Role, more = {}) => authorizer.visible(who(id, role, more), bucket);
      const seeing = [visible(1, 'admin'), visible(7, 'member'), visible(8, 'guest'), visible(20, 'guest', { groups: [1] })];
      expect(await Promise.all([...seeing, visible(7, 'member', link(1, 'a/'))])).to.deep.equal([true, true, true, true, true]);
      const blind = [visible(6, 'member'), visible(7, 'guest'), visible(null, 'guest'), visible(20, 'guest')];
      expect(await Promise.all([...blind, visible(7, 'member', link(2, 'a/'))])).to.deep.equal([
        false,
        false,
        false,
        false,
        false,
      ]);
    });
  });
}
