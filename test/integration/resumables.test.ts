import { expect } from 'chai';
import type { Keyring } from '#contracts/keyring';
import type { Resumables } from '#contracts/resumables';
import { CloudStoreError } from '#core/errors';
import { type Bytes, bytesOf } from '#core/stream';
import { createResumables } from '#namespace/resumables';
import { codeOf, openRooms, type TestRooms } from '../support/rooms.ts';

describe('resumable uploads', () => {
  let rooms: TestRooms;
  before(async () => {
    rooms = await openRooms();
  });
  after(() => rooms.close());

  it('have rows of which one of several appends at an offset, whichever gateways they are on', async () => {
    const owner = await rooms.user('ann', 'member');
    const { id: bucket, domain } = await rooms.bucket(owner, 'home');
    const store = rooms.metadata.resumables;
    const { id } = await store.create({
      bucket,
      key: 'a',
      principal: owner.id,
      attributes: {},
      kind: 'whole',
      length: 30,
      conditions: {},
      metadata: '',
      concat: null,
    });
    const part = {
      size: 10,
      content: { kind: 'inline', domain, size: 10, sealed: Buffer.alloc(10) } as const,
      digests: {},
      modified: 0,
    };
    const append = (offset: number) => codeOf(store.append(id, offset, part, [], []));
    const codes = await Promise.all([append(0), append(0), append(0), append(0)]);
    expect(codes.sort()).to.deep.equal(['conflict', 'conflict', 'conflict', 'none']);
    expect((await store.find(id))?.received).to.equal(10);
    expect(await store.parts(id)).to.have.length(1);
    expect([await append(10), await append(20), await append(30)]).to.deep.equal(['none', 'none', 'too_large']);
  });

  it('conflict with whoever appends behind their end, and are not found once they are removed', async () => {
    const owner = await rooms.user('eve', 'member');
    const bucket = await rooms.bucket(owner, 'ended');
    const store = rooms.metadata.resumables;
    const whole = createResumables({ ...parts(), content: rooms.content });
    const as = rooms.who(owner);
    const options = { attributes: {}, kind: 'whole', length: 4, conditions: {}, metadata: '', concat: null } as const;
    const { id } = await whole.begin(as, { bucket: bucket.id, key: 'a' }, options);
    await whole.append(as, id, 0, bytesOf(Buffer.from('abcd')), {});
    await whole.finish(as, id);
    const content = { kind: 'inline', domain: bucket.domain, size: 1, sealed: Buffer.alloc(1) } as const;
    const late = () => store.append(id, 4, { size: 1, content, digests: {}, modified: 0 }, [], []);
    const error = await late().catch((thrown: unknown) => thrown as CloudStoreError);
    expect(error).to.deep.include({ code: 'conflict', details: { received: 4 } });
    await store.remove(id);
    expect(await codeOf(late())).to.equal('upload_not_found');
  });

  it('are joined whole or not at all, also where one of them is given up or joined by somebody else meanwhile', async () => {
    const owner = await rooms.user('una', 'member');
    const bucket = await rooms.bucket(owner, 'joined');
    const as = rooms.who(owner);
    const store = rooms.metadata.resumables;
    const options = { attributes: {}, conditions: {}, metadata: '', concat: null };
    const halves: string[] = [];
    for (const [key, text] of [
      ['1', 'first '],
      ['2', 'second'],
    ] as const) {
      const whole = createResumables({ ...parts(), content: rooms.content });
      const { id } = await whole.begin(as, { bucket: bucket.id, key }, { ...options, kind: 'partial', length: text.length });
      await whole.append(as, id, 0, bytesOf(Buffer.from(text)), {});
      halves.push(id);
    }
    let meanwhile: (() => Promise<void>) | null = () => store.remove(halves[1]!);
    /** Between the look at the partial ones and the read of what they have. */
    const locks: typeof rooms.metadata.locks = {
      ...rooms.metadata.locks,
      async covering(...given) {
        await meanwhile?.();
        meanwhile = null;
        return rooms.metadata.locks.covering(...given);
      },
    };
    const joining = createResumables({ ...parts(), locks, content: rooms.content });
    const at = { bucket: bucket.id, key: 'whole' };
    const join = () => joining.join(as, at, halves, { ...options, kind: 'final', length: null });
    expect(await codeOf(join())).to.equal('upload_not_found');
    expect(await codeOf(rooms.text(as, bucket, 'whole'))).to.equal('not_found');
  });

  /** What all of them share. */
  const parts = () => ({
    ...rooms.metadata,
    ...rooms.shared(),
    keyring: { load: async (id: number) => ({ id }) } as Partial<Keyring> as Keyring,
    clock: { now: () => Date.now() },
  });

  describe('a stream that is stored in segments', () => {
    /** Of each body that is stored: it has been read, and the disk waits to be told how it ends. */
    interface Held {
      text: string;
      end: (error?: CloudStoreError) => void;
    }

    let resumables: Resumables;
    let held: Held[];
    let refuse: CloudStoreError | null;
    let wake: (() => void)[];
    let count = 0;

    before(() => {
      resumables = createResumables({
        ...parts(),
        segments: { bytesMax: 4, msMax: 60_000 },
        content: {
          ...rooms.content,
          async write(body, options) {
            if (refuse !== null && held.length > 0) throw refuse;
            const staged = await rooms.content.write(body, options);
            const text = Buffer.from(rooms.content.peek(staged.content) ?? []).toString();
            await new Promise<void>((resolve, reject) => {
              held.push({ text, end: (error) => (error === undefined ? resolve() : reject(error)) });
              for (const one of wake.splice(0)) one();
            });
            return staged;
          },
        },
      });
    });
    beforeEach(() => {
      held = [];
      wake = [];
      refuse = null;
    });

    /** Waits until so many have been read. */
    async function read(count: number): Promise<string[]> {
      while (held.length < count) await new Promise<void>((resolve) => wake.push(resolve));
      return held.map(({ text }) => text);
    }

    async function begin(): Promise<{ append(): Promise<string>; received(): Promise<number>; stored(): Promise<number[]> }> {
      const owner = await rooms.user(`ann ${++count}`, 'member');
      const who = rooms.who(owner);
      const bucket = await rooms.bucket(owner, `segments-${count}`);
      const options = { kind: 'whole' as const, length: 12, conditions: {}, attributes: {}, metadata: '', concat: null };
      const { id } = await resumables.begin(who, { bucket: bucket.id, key: 'a' }, options);
      return {
        append: () => codeOf(resumables.append(who, id, 0, pieces(), {})),
        received: async () => (await resumables.find(who, id)).received,
        stored: async () => (await rooms.metadata.resumables.parts(id)).map(({ size }) => size),
      };
    }

    async function* pieces(): Bytes {
      for (const text of ['aaaa', 'bbbb', 'cccc']) yield Buffer.from(text);
    }

    it('comes on while the segment before is made durable, one ahead, and has its rows in order', async () => {
      const upload = await begin();
      const ended = upload.append();
      expect(await read(2), 'the disk still has the first').to.deep.equal(['aaaa', 'bbbb']);
      held[1]?.end();
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(await upload.received(), 'what came before it is not there').to.equal(0);
      expect(held, 'no more than one ahead').to.have.length(2);
      held[0]?.end();
      await read(3);
      expect(await upload.received()).to.be.oneOf([4, 8]);
      held[2]?.end();
      expect(await ended).to.equal('none');
      expect(await upload.received()).to.equal(12);
      expect(await upload.stored()).to.deep.equal([4, 4, 4]);
    });

    it('keeps nothing behind a segment that could not be stored', async () => {
      const upload = await begin();
      const ended = upload.append();
      await read(2);
      held[1]?.end();
      held[0]?.end(new CloudStoreError('unavailable', 'The disk is gone.'));
      expect(await ended).to.equal('unavailable');
      expect(await upload.stored()).to.deep.equal([]);
      expect(held).to.have.length(2);
    });

    it('ends where a segment is refused before it is read, and keeps what came', async () => {
      const upload = await begin();
      refuse = new CloudStoreError('insufficient_storage', 'The disk is full.');
      const ended = upload.append();
      await read(1);
      held[0]?.end();
      expect(await ended).to.equal('insufficient_storage');
      expect(await upload.received()).to.equal(4);
    });
  });
});
