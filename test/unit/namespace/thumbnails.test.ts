import { expect } from 'chai';
import type { ObjectRead } from '#contracts/namespace';
import type { Seal } from '#contracts/seal';
import type { ThumbnailStore } from '#contracts/thumbnails';
import type { ContentRef } from '#core/content-ref';
import { createThumbnails } from '#namespace/thumbnails';

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(2_000, 7)]);
const contentOf = (n: number): ContentRef => ({ kind: 'chunk', domain: 1, size: PNG.length, id: Buffer.alloc(32, n) });

describe('thumbnails', () => {
  function rig() {
    const kept = new Map<string, Buffer>();
    const store = {
      find: async (content: Buffer, size: number) => kept.get(`${content.toString('hex')} ${size}`) ?? null,
      put: async (content: Buffer, size: number, sealed: Buffer) => void kept.set(`${content.toString('hex')} ${size}`, sealed),
    } as Partial<ThumbnailStore> as ThumbnailStore; // what is asked of it
    let made = 0;
    const maker = { make: async () => Buffer.from(`picture ${++made}`) };
    const seal: Seal = { seal: (plain) => Buffer.from(plain), open: (sealed) => Buffer.from(sealed) };
    const room = () => createThumbnails({ thumbnails: store, maker: { close: async () => undefined, ...maker }, seal });
    return { room, made: () => made };
  }
  const read = (key: string, content: ContentRef): ObjectRead =>
    ({
      info: { key, size: PNG.length, content },
      body: async function* (range?: { start: number; end: number }) {
        yield range === undefined ? PNG : PNG.subarray(range.start, range.end + 1);
      },
    }) as unknown as ObjectRead; // what is read of it
  const signal = new AbortController().signal;

  it('are made once for a content, under however many names it lies, also when all are asked for at once and after a start', async () => {
    const { room, made } = rig();
    const one = room();
    const names = ['a.png', 'b/copy of a.png', 'c.txt'];
    const all = await Promise.all([...names, ...names].map((name) => one.get(read(name, contentOf(1)), 256, signal)));
    expect(new Set(all.map(String))).to.have.all.keys('picture 1');
    expect(String(await one.get(read('later.png', contentOf(1)), 256, signal))).to.equal('picture 1');
    expect(String(await room().get(read('a.png', contentOf(1)), 256, signal)), 'another start').to.equal('picture 1');
    expect(new Set(names.map((name) => one.etag(read(name, contentOf(1)), 256))).size).to.equal(1);
    expect(made()).to.equal(1);
    await one.get(read('a.png', contentOf(1)), 64, signal);
    await one.get(read('a.png', contentOf(2)), 256, signal);
    expect(made(), 'another size, another content').to.equal(3);
  });

  it('are made once for equal bytes that lie in their rows, each sealed by itself; and not for others of that size', async () => {
    const { room, made } = rig();
    const one = room();
    const small = (n: number, bytes = PNG.subarray(0, 900), domain = 1): ObjectRead =>
      ({
        info: {
          key: `${n}.png`,
          size: bytes.length,
          content: { kind: 'inline', domain, size: bytes.length, sealed: Buffer.alloc(950, n) },
        },
        body: async function* (range?: { start: number; end: number }) {
          yield range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
        },
      }) as unknown as ObjectRead; // what is read of it
    await one.get(small(1), 256, signal);
    await one.get(small(2), 256, signal);
    expect(made()).to.equal(1);
    await one.get(small(3, Buffer.concat([PNG.subarray(0, 899), Buffer.from('x')])), 256, signal);
    await one.get(small(4, PNG.subarray(0, 900), 2), 256, signal);
    expect(made(), 'other bytes, and those of another owner').to.equal(3);
  });

  it('hold the bytes of a few images at a time, however many are asked for, and send too many away', async () => {
    const kept = { find: async () => null, put: async () => undefined } as Partial<ThumbnailStore> as ThumbnailStore; // what is asked of it
    const seal: Seal = { seal: (plain) => Buffer.from(plain), open: (sealed) => Buffer.from(sealed) };
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    let [held, most] = [0, 0];
    const maker = {
      async make() {
        most = Math.max(most, ++held);
        await opened;
        held--;
        return Buffer.from('picture');
      },
      close: async () => undefined,
    };
    const room = createThumbnails({ thumbnails: kept, maker, seal });
    const asked = (from: number, to: number): Promise<string>[] =>
      Array.from({ length: to - from }, (_, n) =>
        room.get(read('a.png', contentOf(from + n)), 256, signal).then(String, ({ code }) => code),
      );
    const many = asked(0, 200);
    await new Promise((next) => setTimeout(next, 50));
    const over = asked(200, 250);
    await new Promise((next) => setTimeout(next, 50));
    open();
    expect(new Set(await Promise.all(many))).to.have.all.keys('picture');
    expect(await Promise.all(over)).to.include('unavailable');
    expect(most).to.be.within(1, 4);
  });
});
