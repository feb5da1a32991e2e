import { expect } from 'chai';
import { CloudStoreError } from '#core/errors';
import type { ObjectInfo } from '#core/object';
import type { Bytes } from '#core/stream';
import { namedBody } from '#namespace/named-body';

const INFO = { bucket: 1, key: 'k', versionId: 'v' } as Partial<ObjectInfo> as ObjectInfo;

describe('a body whose damage is told with its name', () => {
  const damage = new CloudStoreError('corrupt', 'A chunk is damaged.', { details: { offset: 5 } });
  const body = (failing: boolean): Bytes => {
    const pieces = [Buffer.from('a'), Buffer.from('b')];
    return {
      async *[Symbol.asyncIterator]() {
        yield* pieces;
        if (failing) throw damage;
      },
      async each(take) {
        for (const piece of pieces) await take(piece);
        if (failing) throw damage;
      },
    };
  };

  it('names it by either way out, once', async () => {
    for (const way of ['each', 'iterator']) {
      const told: CloudStoreError[] = [];
      const named = namedBody(body(true), INFO, (error) => told.push(error));
      let text = '';
      const take = (piece: Uint8Array): null => {
        text += Buffer.from(piece).toString();
        return null;
      };
      const error = await (async () => {
        if (way === 'each') await named.each!(take, undefined);
        else for await (const piece of named) take(piece);
      })().catch((caught: unknown) => caught as CloudStoreError);
      expect(text).to.equal('ab');
      expect((error as CloudStoreError).details).to.deep.equal({ offset: 5, bucket: 1, key: 'k', versionId: 'v' });
      expect(told).to.deep.equal([error]);
    }
  });

  it('gives nobody else the name: what its taker throws goes by as it is, of damage too', async () => {
    const other = new CloudStoreError('corrupt', 'Something else is damaged.');
    for (const late of [true, false]) {
      const told: unknown[] = [];
      const named = namedBody(body(false), INFO, (error) => told.push(error));
      const take = (): Promise<void> => {
        if (late) return Promise.reject(other);
        throw other;
      };
      expect(await named.each!(take, undefined).catch((caught: unknown) => caught)).to.equal(other);
      expect(told).to.deep.equal([]);
      expect(other.details).to.deep.equal({});
    }
  });

  it('hands nothing out by itself of a body that does not', () => {
    async function* plain(): Bytes {
      yield Buffer.from('a');
    }
    expect(namedBody(plain(), INFO, undefined)).to.not.have.any.keys('each', 'whole');
  });
});
