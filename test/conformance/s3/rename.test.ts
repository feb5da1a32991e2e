import { expect } from 'chai';
import { api } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const rename = ({ send }: Lab, from: string, to: string, headers: Record<string, string> = {}) =>
  send('PUT', to, { query: 'renameObject', headers: { 'x-amz-rename-source': from, ...headers } });

suite('RenameObject', api('RenameObject'), {
  'the object has its new name, and the old one is gone': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    const { headers } = await lab.put(from, 'bytes', { 'x-amz-meta-a': 'b', 'content-type': 'text/x-test' });
    expectStatus(await rename(lab, from, to), 200);
    expectStatus(await lab.get(from), 404);
    const moved = await lab.get(to);
    expect(moved.text).to.equal('bytes');
    expect(moved.headers.etag).to.equal(headers.etag);
    expect(moved.headers['x-amz-meta-a']).to.equal('b');
    expect(moved.headers['content-type']).to.equal('text/x-test');
  },
  'the source may be named with its bucket': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    await lab.put(from, 'a');
    expectStatus(await rename(lab, lab.path(from), to), 200);
    expectStatus(await lab.get(to), 200);
  },
  'the source is percent-encoded': async (lab) => {
    const to = lab.key();
    await lab.put('a b+c/ü', 'a');
    expectStatus(await rename(lab, 'a%20b+c/%C3%BC', to), 200);
    expectStatus(await lab.get(to), 200);
  },
  'an absent source is NoSuchKey': async (lab) => expectError(await rename(lab, lab.key('absent'), lab.key()), 404, 'NoSuchKey'),
  'what is at the new name is overwritten': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    await lab.put(from, 'new');
    await lab.put(to, 'old');
    expectStatus(await rename(lab, from, to), 200);
    expect((await lab.get(to)).text).to.equal('new');
  },
  'If-None-Match: * keeps what is at the new name': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    await lab.put(from, 'new');
    await lab.put(to, 'old');
    expectError(await rename(lab, from, to, { 'if-none-match': '*' }), 412, 'PreconditionFailed');
    expect((await lab.get(to)).text).to.equal('old');
    expect((await lab.get(from)).text).to.equal('new');
  },
  'If-Match decides on the ETag at the new name': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    await lab.put(from, 'new');
    const { headers } = await lab.put(to, 'old');
    expectError(await rename(lab, from, to, { 'if-match': '"0"' }), 412, 'PreconditionFailed');
    expectStatus(await rename(lab, from, to, { 'if-match': headers.etag ?? '' }), 200);
  },
  'the source has a condition of its own': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    const { headers } = await lab.put(from, 'a');
    expectError(await rename(lab, from, to, { 'x-amz-rename-source-if-match': '"0"' }), 412, 'PreconditionFailed');
    expectStatus(await rename(lab, from, to, { 'x-amz-rename-source-if-match': headers.etag ?? '' }), 200);
  },
  'a client token makes a repeat succeed and do nothing': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    const token = { 'x-amz-client-token': `t-${from}` };
    await lab.put(from, 'first');
    expectStatus(await rename(lab, from, to, token), 200);
    await lab.put(from, 'second');
    expectStatus(await rename(lab, from, to, token), 200);
    expect((await lab.get(from)).text).to.equal('second');
    expect((await lab.get(to)).text).to.equal('first');
  },
  'a client token of another rename is IdempotencyParameterMismatch': over(
    ['source', 'destination', 'condition'],
    (differs) => async (lab) => {
      const [from, to, other] = [lab.key(), lab.key(), lab.key()];
      const token = { 'x-amz-client-token': `t-${from}` };
      await lab.put(from, 'a');
      await lab.put(other, 'b');
      expectStatus(await rename(lab, from, to, token), 200);
      const [source, destination] = [differs === 'source' ? other : from, differs === 'destination' ? other : to];
      const headers = differs === 'condition' ? { ...token, 'if-none-match': '*' } : token;
      expectError(await rename(lab, source, destination, headers), 400, 'IdempotencyParameterMismatch');
      expect((await lab.get(to)).text).to.equal('a');
    },
  ),
  'a rename that failed leaves its client token to the next try': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    const token = { 'x-amz-client-token': `t-${from}` };
    expectError(await rename(lab, from, to, token), 404, 'NoSuchKey');
    await lab.put(from, 'a');
    expectStatus(await rename(lab, from, to, token), 200);
  },
  'a client token has at most 64 printable characters': over(['x'.repeat(65), 'a b'], (token) => async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    await lab.put(from, 'a');
    expectError(await rename(lab, from, to, { 'x-amz-client-token': token }), 400, 'InvalidArgument');
    expectStatus(await lab.get(from), 200);
  }),
  'onto itself is refused': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'a');
    expectError(await rename(lab, key, key), 400, 'InvalidRequest');
    expectStatus(await lab.get(key), 200);
  },
  'tags go along': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    await lab.put(from, 'a', { 'x-amz-tagging': 'a=b' });
    expectStatus(await rename(lab, from, to), 200);
    expect((await lab.head(to)).headers['x-amz-tagging-count']).to.equal('1');
  },
  'a listing shows the new name only': async (lab) => {
    await lab.put('listed/from', 'a');
    expectStatus(await rename(lab, 'listed/from', 'listed/to'), 200);
    const listed = await lab.send('GET', '', { query: { 'list-type': 2, prefix: 'listed/' } });
    expect(
      listed
        .xml()
        .all('Contents')
        .map((one) => one.value('Key')),
    ).to.deep.equal(['listed/to']);
  },
  'who may not remove the source may not rename it': async (lab) => {
    const [from, to] = [lab.key(), lab.key()];
    await lab.put(from, 'a');
    const answer = await lab
      .otherAccount()
      .send('PUT', lab.path(to), { query: 'renameObject', headers: { 'x-amz-rename-source': from } });
    expect([403, 404]).to.include(answer.status);
    expectStatus(await lab.get(from), 200);
  },
});
