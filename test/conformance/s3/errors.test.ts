import { expect } from 'chai';
import { api, PAGES } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

suite('errors', PAGES.errors, {
  'an absent key is NoSuchKey with its key': async ({ get, key }) => {
    const absent = key('absent');
    const answer = await get(absent);
    expectError(answer, 404, 'NoSuchKey');
    expect(answer.xml().value('Key')).to.equal(absent);
  },
  'an absent bucket is NoSuchBucket with its name': async ({ s3 }) => {
    const answer = await s3.send('GET', '/no-such-bucket-of-anybody/a');
    expectError(answer, 404, 'NoSuchBucket');
    expect(answer.xml().value('BucketName')).to.equal('no-such-bucket-of-anybody');
  },
  'an error document has no namespace and names host and request': async ({ get, key }) => {
    const { headers, xml } = await get(key('absent'));
    expect(xml().attributes).to.equal('');
    expect(xml().value('HostId')).to.equal(headers['x-amz-id-2']);
  },
  'an error of HEAD has its status and no body': {
    page: api('HeadObject'),
    run: async ({ s3, path, key }) => {
      const wire = await s3.open();
      const { method, target, headers } = s3.prepare('HEAD', path(key('absent')));
      wire.write(`${method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
      const answer = await wire.answer('HEAD');
      expect(answer.status).to.equal(404);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(wire.unread().length).to.equal(0);
      wire.destroy();
    },
  },
  'every answer has a request id of its own': {
    page: PAGES.commonHeaders,
    run: async ({ put, get, key }) => {
      const name = key();
      const ids = [await put(name, 'a'), await get(name), await get(key('absent'))].map(
        ({ headers }) => headers['x-amz-request-id'],
      );
      expect(new Set(ids).size).to.equal(3);
      // One, said once.
      for (const id of ids) expect(id).to.match(/^[^, ]{8,}$/);
    },
  },
  'a failed request is found by its id in header, body and log': {
    page: PAGES.commonHeaders,
    run: async ({ gateway, get, key }) => {
      if (gateway === null) return; // elsewhere the log is not ours to read
      const answer = await get(key('absent'), { auth: 'none' });
      expectError(answer, 403, 'AccessDenied');
      const id = String(answer.headers['x-amz-request-id']);
      for (let left = 100; left > 0; left--) {
        const { stdout, stderr } = gateway.output();
        if (`${stdout}${stderr}`.includes(id)) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect.fail(`${id} is not in the log`);
    },
  },
  'a method that goes with no operation is MethodNotAllowed': over(['PATCH', 'TRACE'], (method) => async ({ send, key }) => {
    const answer = await send(method, key());
    expect(answer.status).to.equal(405);
    expectError(answer, 405, 'MethodNotAllowed');
  }),
  'a key above 1,024 bytes is KeyTooLongError and says the limit': {
    page: PAGES.keys,
    run: async ({ send }) => {
      const answer = await send('PUT', 'k'.repeat(1025), { body: 'a' });
      expectError(answer, 400, 'KeyTooLongError');
      expect(answer.xml().value('MaxSizeAllowed')).to.equal('1024');
      expect(answer.xml().value('Size')).to.equal('1025');
    },
  },
  'a key of 1,024 bytes is taken': {
    page: PAGES.keys,
    run: async ({ put, get }) => {
      await put('k'.repeat(1024), 'a');
      expectStatus(await get('k'.repeat(1024)), 200);
    },
  },
});
