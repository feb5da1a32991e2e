import { expect } from 'chai';
import fc from 'fast-check';
import type { JournalEvent } from '#contracts/journal';
import { isCloudStoreError } from '#core/errors';
import { assertMessages } from '#protocols/ws/actions';
import { changeBelow } from '#protocols/ws/events';
import { CHANNELS, MESSAGE_TYPES, parseMessage } from '#protocols/ws/messages';

describe('messages of the event stream', () => {
  const seed = Number(process.env.CLOUDSTORE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  before(() => console.log(`      seed ${seed}`));

  it('are read strictly', () => {
    expect(parseMessage('{"type":"auth","token":"t"}')).to.deep.equal({ type: 'auth', token: 't' });
    expect(parseMessage('{"type":"subscribe","bucket":"home","cursor":"1.20"}')).to.deep.equal({
      type: 'subscribe',
      bucket: 'home',
      prefix: '',
      cursor: { epoch: 1, seq: 20 },
    });
    const wrong = ['', '[]', 'null', '{}', '{"type":"toString"}', '{"type":"auth"}', '{"type":"auth","token":1}'];
    wrong.push('{"type":"ping","extra":1}', '{"type":"subscribe","bucket":"b","cursor":"x"}');
    for (const text of wrong) expect(() => parseMessage(text), text).to.throw();
  });
  it('do not start without an action, nor does a channel', () => {
    assertMessages(MESSAGE_TYPES, CHANNELS);
    expect(() => assertMessages([...MESSAGE_TYPES, 'history'], CHANNELS)).to.throw(
      'The message history does not say which action',
    );
    expect(() => assertMessages(MESSAGE_TYPES, [...CHANNELS, 'users'])).to.throw('The channel users does not say which action');
  });
  it('fuzzed, are read or refused', () => {
    const near = fc.record({ type: fc.constantFrom('auth', 'subscribe', 'unsubscribe', 'ping', 'x'), bucket: fc.anything() });
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      near.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(text, (message) => {
        try {
          parseMessage(message);
        } catch (error) {
          expect(isCloudStoreError(error, 'invalid_argument'), String(error)).to.equal(true);
        }
      }),
      { seed, numRuns: 3000 },
    );
  });
  it('tell of a prefix what happened below it, and no key outside', () => {
    const of = (kind: JournalEvent['kind'], key: string, fromKey: string | null = null, fromBucket: number | null = null) =>
      changeBelow({ bucket: 1, kind, key, fromKey, fromBucket } as JournalEvent, 'a/b/');
    expect(of('put', 'a/b/c')).to.deep.equal({ kind: 'put', key: 'a/b/c', fromKey: null });
    expect(of('put', 'a/x')).to.equal(null);
    expect(of('removeTree', 'a/')).to.include({ kind: 'removeTree', key: 'a/' });
    expect(of('move', 'a/b/new', 'a/b/old')).to.include({ kind: 'move', fromKey: 'a/b/old' });
    expect(of('move', 'secret', 'a/b/c')).to.deep.equal({ kind: 'remove', key: 'a/b/c', fromKey: null });
    expect(of('move', 'secret/', 'a/')).to.deep.equal({ kind: 'removeTree', key: 'a/', fromKey: null });
    expect(of('move', 'a/b/c', 'secret')).to.deep.equal({ kind: 'move', key: 'a/b/c', fromKey: null });
    expect(of('copy', 'elsewhere', 'a/b/c')).to.equal(null);
    expect(of('move', 'x', 'a/b/c', 2)).to.equal(null);
  });
});
