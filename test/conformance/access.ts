import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Principal, Who } from '#core/principal';
import { bytesOf } from '#core/stream';
import { codeOf, type TestRooms } from '../support/rooms.ts';

/** Every call of namespace, buckets and uploads, by every kind of caller. */
export function describeAccess(name: string, make: () => Promise<TestRooms>): void {
  describe(`who may what: ${name}`, () => {
    let rooms: TestRooms;
    let home: Bucket;
    let theirs: Bucket;
    const people: Record<string, Who> = {};
    let reader: Principal;
    before(async () => {
      rooms = await make();
      const ann = await rooms.user('ann', 'member');
      people.owner = rooms.who(ann);
      people.admin = rooms.who(await rooms.user('root', 'admin'));
      people.stranger = rooms.who(await rooms.user('stranger', 'member'));
      reader = await rooms.user('reader', 'guest');
      const writer = await rooms.user('writer', 'guest');
      people.reader = rooms.who(reader);
      people.writer = rooms.who(writer);
      people.anonymous = rooms.who(null);
      home = await rooms.bucket(ann, 'anns');
      theirs = await rooms.bucket(people.stranger.principal!, 'strangers');
      for (const key of ['shared/a', 'shared/sub/b', 'shared', 'shared-not/c', 'private'])
        await rooms.put(people.owner, home, key, key);
      await rooms.metadata.authority.setGrant({
        subject: { kind: 'user', id: reader.id },
        bucket: home.id,
        prefix: 'shared/',
        role: 'viewer',
      });
      await rooms.metadata.authority.setGrant({
        subject: { kind: 'user', id: writer.id },
        bucket: home.id,
        prefix: 'shared/',
        role: 'editor',
      });
    });
    after(() => rooms.close());

    const at = (key: string, bucket = home) => ({ bucket: bucket.id, key });
    const denied = { stranger: 'bucket_not_found', anonymous: 'bucket_not_found' };
    const all = { owner: 'none', admin: 'none' };
    /** What each call ends with, for each caller. */
    const matrix: [string, (who: Who) => Promise<unknown>, Record<string, string>][] = [
      [
        'reads in the grant',
        (who) => rooms.namespace.get(who, at('shared/a')),
        { ...all, ...denied, reader: 'none', writer: 'none' },
      ],
      [
        'stats beside the grant',
        (who) => rooms.namespace.stat(who, at('shared-not/c')),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'reads the file of the name of the granted folder',
        (who) => rooms.namespace.stat(who, at('shared')),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'lists the grant',
        (who) => rooms.namespace.list(who, { bucket: home.id, prefix: 'shared/sub/', delimiter: '', after: '', limit: 9 }),
        { ...all, ...denied, reader: 'none', writer: 'none' },
      ],
      [
        'lists the bucket',
        (who) => rooms.namespace.list(who, { bucket: home.id, prefix: '', delimiter: '/', after: '', limit: 9 }),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'lists by half a name',
        (who) => rooms.namespace.list(who, { bucket: home.id, prefix: 'shared', delimiter: '', after: '', limit: 9 }),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'writes in the grant',
        (who) => rooms.put(who, home, 'shared/new', ''),
        { ...all, ...denied, reader: 'access_denied', writer: 'none' },
      ],
      [
        'writes beside it',
        (who) => rooms.put(who, home, 'new', ''),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'annotates',
        (who) => rooms.namespace.annotate(who, at('shared/a'), { mtime: 1 }),
        { ...all, ...denied, reader: 'access_denied', writer: 'none' },
      ],
      [
        'makes a folder',
        (who) => rooms.namespace.makeDirectory(who, at(`shared/${who.principal?.name}/`)),
        { ...all, ...denied, reader: 'access_denied', writer: 'none' },
      ],
      [
        'copies an object out of what it may not read',
        (who) => rooms.namespace.copyObject(who, at('private'), at('shared/stolen'), { etag: 'md5' }),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'copies out of what it may not read',
        (who) => rooms.namespace.copy(who, at('private'), at('shared/stolen'), { overwrite: true }),
        { stranger: 'bucket_not_found', anonymous: 'bucket_not_found', reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'moves out of what it may only read',
        (who) => rooms.namespace.move(who, at('shared/a'), at('mine', theirs), { overwrite: true }),
        { anonymous: 'bucket_not_found', reader: 'access_denied' },
      ],
      [
        'copies a part of what it may not read',
        (who) => stolenPart(who),
        { ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'removes',
        (who) => rooms.namespace.remove(who, at('shared/absent')),
        { ...all, ...denied, reader: 'access_denied', writer: 'none' },
      ],
      [
        'removes beside the grant',
        (who) => rooms.namespace.remove(who, at('private-absent')),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'locks',
        (who) =>
          rooms.namespace.lock(who, {
            at: at(`shared/lock-${who.principal?.name}`),
            exclusive: true,
            infinite: false,
            ownerXml: null,
            timeoutMs: 1000,
          }),
        { ...all, ...denied, reader: 'access_denied', writer: 'none' },
      ],
      [
        'sees locks',
        (who) => rooms.namespace.locks(who, home.id, ['shared/a']),
        { ...all, ...denied, reader: 'none', writer: 'none' },
      ],
      [
        'sees its folder by its path',
        (who) => rooms.namespace.entry(who, at('shared')),
        { ...all, ...denied, reader: 'none', writer: 'none' },
      ],
      [
        'begins an upload beside the grant',
        (who) => rooms.uploads.begin(who, at('private'), { attributes: {} }),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      ['resolves the name', (who) => rooms.buckets.resolve(who, 'anns'), { ...all, ...denied, reader: 'none', writer: 'none' }],
      [
        'configures',
        (who) => rooms.buckets.update(who, home.id, { config: {} }),
        { ...all, ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'removes the bucket',
        (who) => rooms.buckets.remove(who, home.id),
        { owner: 'bucket_not_empty', admin: 'bucket_not_empty', ...denied, reader: 'access_denied', writer: 'access_denied' },
      ],
      [
        'makes a bucket',
        (who) => rooms.buckets.create(who, `made-by-${who.principal?.name}`),
        { ...all, stranger: 'none', reader: 'access_denied', writer: 'access_denied', anonymous: 'unauthenticated' },
      ],
    ];

    it('lets who may only add do just that, whole and in parts', async () => {
      const adder = await rooms.user('adder', 'guest');
      const who = rooms.who(adder);
      const subject = { kind: 'user' as const, id: adder.id };
      await rooms.metadata.authority.setGrant({ subject, bucket: home.id, prefix: 'shared/', role: 'uploader' });
      await until(async () => (await codeOf(rooms.buckets.resolve(who, 'anns'))) === 'none');
      expect(await codeOf(rooms.put(who, home, 'shared/added', 'x'))).to.equal('none');
      expect(await codeOf(rooms.put(who, home, 'shared/added', 'y'))).to.equal('access_denied');
      expect(await rooms.text(people.owner!, home, 'shared/added')).to.equal('x');
      expect(await codeOf(rooms.put(who, home, 'added', 'x'))).to.equal('access_denied');
      expect(await codeOf(rooms.namespace.get(who, at('shared/added')))).to.equal('access_denied');
      expect(await codeOf(rooms.namespace.remove(who, at('shared/added')))).to.equal('access_denied');
      const away = rooms.namespace.move(who, at('shared/added'), at('shared/other'), { overwrite: false });
      expect(await codeOf(away)).to.equal('access_denied');
      const completed = async (key: string): Promise<string> => {
        const upload = await rooms.uploads.begin(who, at(key), { attributes: {} });
        const part = await rooms.uploads.writePart(who, at(key), upload.id, 1, bytesOf(Buffer.from('p')), {});
        return codeOf(rooms.uploads.complete(who, at(key), upload.id, [{ number: 1, etag: part.etag }], {}));
      };
      expect([await completed('shared/parted'), await completed('shared/added')]).to.deep.equal(['none', 'access_denied']);
      expect(await rooms.text(people.owner!, home, 'shared/added')).to.equal('x');
    });

    async function stolenPart(who: Who): Promise<unknown> {
      const upload = await rooms.uploads.begin(people.writer!, at('shared/parts'), { attributes: {} });
      return rooms.uploads.copyPart(who, at('shared/parts'), upload.id, 1, at('private'), {});
    }

    for (const [what, call, expected] of matrix) {
      it(what, async () => {
        const verdicts: Record<string, string> = {};
        for (const name of Object.keys(expected)) {
          const code = await codeOf(call(people[name]!));
          // An anonymous caller is told nothing about buckets, but that it is anonymous.
          verdicts[name] = name === 'anonymous' && code === 'unauthenticated' ? expected[name]! : code;
        }
        expect(verdicts).to.deep.equal(expected);
      });
    }

    it('shows a folder and never the file of its name to whoever was granted the folder', async () => {
      expect(await rooms.namespace.entry(people.reader!, at('shared'))).to.include({ kind: 'directory', key: 'shared/' });
      expect(await rooms.namespace.entry(people.owner!, at('shared'))).to.include({ kind: 'object', key: 'shared' });
    });

    it('lists the buckets that one may see', async () => {
      const names = async (who: Who) => (await rooms.buckets.list(who)).map(({ name }) => name);
      expect(await names(people.reader!)).to.deep.equal(['anns']);
      expect(await names(people.stranger!)).to.deep.equal(['made-by-stranger', 'strangers']);
      expect(await names(people.admin!)).to.include.members(['anns', 'strangers']);
    });

    it('forgets a grant within a second', async () => {
      await rooms.namespace.get(people.reader!, at('shared/a'));
      await rooms.metadata.authority.removeGrant({
        subject: { kind: 'user', id: reader.id },
        bucket: home.id,
        prefix: 'shared/',
      });
      const until = Date.now() + 1000;
      while ((await codeOf(rooms.namespace.get(people.reader!, at('shared/a')))) === 'none' && Date.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await codeOf(rooms.namespace.get(people.reader!, at('shared/a')))).to.equal('bucket_not_found');
    });

    it('sees a bucket that another process made or removed at once', async () => {
      const ann = people.owner!.principal!;
      expect(await codeOf(rooms.buckets.resolve(people.owner!, 'elsewhere'))).to.equal('bucket_not_found');
      const { id } = await rooms.metadata.buckets.create({ name: 'elsewhere', owner: ann.id, domain: home.domain });
      expect((await rooms.buckets.resolve(people.owner!, 'elsewhere')).id).to.equal(id);
      await rooms.namespace.put(people.owner!, { bucket: id, key: 'x' }, bytesOf(), { etag: 'md5' });
      await rooms.metadata.buckets.remove(id, { force: true });
      const until = Date.now() + 1000;
      while ((await codeOf(rooms.buckets.resolve(people.owner!, 'elsewhere'))) === 'none' && Date.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await codeOf(rooms.buckets.resolve(people.owner!, 'elsewhere'))).to.equal('bucket_not_found');
    });
  });
}

/** What was granted is seen when its signal has come. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 5000;
  while (!(await holds()) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
}
