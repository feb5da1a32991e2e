import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import * as tus from 'tus-js-client';
import { type Client, createClient, readingBy } from '../../clients/typescript/index.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

const TUS = { 'Tus-Resumable': '1.0.0' };
const PATCH_TYPE = { 'Content-Type': 'application/offset+octet-stream' };

describe('uploads by tus', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let client: Client;

  const signIn = async (): Promise<void> => {
    client = createClient({ url: gateway.webUrl, fetch: checkedFetch });
    await client.login(gateway.user, gateway.password);
  };
  before(async () => {
    gateway = await startGateway({ keepData: true });
    await signIn();
  });
  after(async () => {
    await gateway.stop();
    rmSync(gateway.dataDir, { recursive: true, force: true });
  });

  const authorization = async (): Promise<string> => `Bearer ${await client.session.token()}`;
  const metadata = (key: string): string =>
    `bucket ${btoa('home')},key ${Buffer.from(key).toString('base64')},filetype ${btoa('text/plain')},mtime ${btoa('1000')}`;
  const begin = async (key: string, length: number, headers: Record<string, string> = {}): Promise<string> => {
    const response = await client.request('POST', '/uploads', {
      headers: { ...TUS, 'Upload-Length': String(length), 'Upload-Metadata': metadata(key), ...headers },
    });
    expect(response.status).to.equal(201);
    return response.headers.get('location')!.split('/').at(-1)!;
  };
  const patch = (id: string, offset: number, body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    client.request('PATCH', `/uploads/${id}`, {
      headers: { ...TUS, ...PATCH_TYPE, 'Upload-Offset': String(offset), ...headers },
      body,
    });
  const offsetOf = async (id: string): Promise<number> =>
    Number((await client.request('HEAD', `/uploads/${id}`, { headers: TUS })).headers.get('upload-offset'));
  const digestOf = async (key: string): Promise<string> => {
    const response = await client.fetch('GetFile', { path: { bucket: 'home', key } });
    return sha256(new Uint8Array(await response.arrayBuffer()));
  };
  const refusal = (call: Promise<unknown>): Promise<{ status: number; code: string }> =>
    call.then(
      () => ({ status: 0, code: 'none' }),
      ({ status, code }) => ({ status, code }),
    );

  /** Sends the head and some of a PATCH, and leaves it hanging. */
  async function beginPatch(id: string, offset: number, length: number, first: Buffer) {
    const url = new URL(`${client.baseUrl}/uploads/${id}`);
    const req = httpRequest(url, {
      method: 'PATCH',
      headers: {
        ...TUS,
        ...PATCH_TYPE,
        'Upload-Offset': offset,
        'Content-Length': length,
        Authorization: await authorization(),
      },
    });
    req.on('error', () => undefined);
    req.write(first);
    await once(req, 'socket');
    return req;
  }

  it("of tus-js-client arrive, in pieces and from partial uploads, and what they made is the file's bytes", async () => {
    for (const [name, options] of Object.entries({
      'one piece.bin': {},
      'pieces.bin': { chunkSize: 700_000 },
      'with the creation.bin': { uploadDataDuringCreation: true },
      'partial.bin': { parallelUploads: 3, metadataForPartialUploads: { bucket: 'home', key: 'partial.bin' } },
    })) {
      const bytes = randomBytes(3_000_017);
      const Authorization = await authorization();
      await new Promise<void>((resolve, reject) => {
        const upload = new tus.Upload(bytes, {
          endpoint: `${client.baseUrl}/uploads`,
          headers: { Authorization },
          metadata: { bucket: 'home', key: `tus/${name}`, filetype: 'application/x-test', mtime: '86400000' },
          retryDelays: null,
          onSuccess: () => resolve(),
          onError: reject,
          ...options,
        });
        upload.start();
      });
      const stat = await client.call('Stat', { path: { bucket: 'home', key: `tus/${name}` } });
      expect(stat).to.include({ size: bytes.length, contentType: 'application/x-test', mtime: '1970-01-02T00:00:00.000Z' });
      expect(await digestOf(`tus/${name}`), name).to.equal(sha256(bytes));
    }
    expect((await client.call('ListUploads', {})).uploads).to.deep.equal([]);
  });

  it('keep after kill -9 what was acknowledged, and go on from another device after the restart; without a sum that was promised there is no file', async () => {
    const few = randomBytes(100_000);
    const promised = { 'Upload-Metadata': `${metadata('promised.bin')},digest ${btoa('sha-256')}` };
    const sum = (of: Uint8Array): Record<string, string> => ({ 'Repr-Digest': `sha-256=:${sha256Base64(of)}:` });
    const isThere = async (): Promise<boolean> =>
      (await refusal(client.call('Stat', { path: { bucket: 'home', key: 'promised.bin' } }))).status === 0;
    const [wrong, right] = [await begin('promised.bin', few.length, promised), await begin('promised.bin', few.length, promised)];
    for (const one of [wrong, right]) {
      expect((await patch(one, 0, few)).headers.get('upload-offset')).to.equal(String(few.length));
      expect(await refusal(client.call('FinishUpload', { path: { id: one }, body: {} }))).to.include({ status: 409 });
    }
    const bytes = randomBytes(2_500_000);
    const id = await begin('killed.bin', bytes.length);
    expect((await patch(id, 0, bytes.subarray(0, 1_000_000))).headers.get('upload-offset')).to.equal('1000000');
    const req = await beginPatch(id, 1_000_000, 1_500_000, bytes.subarray(1_000_000, 1_300_000));
    // Its name was taken meanwhile, and it ends under another one just as the gateway dies.
    const beside = await begin('beside.bin', few.length, { 'If-None-Match': '*' });
    await client.call('PutFile', { path: { bucket: 'home', key: 'beside.bin' }, body: 'theirs' });
    expect(await refusal(patch(beside, 0, few))).to.include({ code: 'precondition_failed' });
    const finish = () => client.call('FinishUpload', { path: { id: beside }, body: { key: 'beside (2).bin', overwrite: false } });
    const under = finish().catch(() => undefined);
    await gateway.kill();
    await under;
    req.destroy();
    gateway = await startGateway({ dataDir: gateway.dataDir, keepData: true });
    await signIn();
    const offset = await offsetOf(id);
    expect(offset).to.be.within(1_000_000, 1_300_000);
    const listed = (await client.call('ListUploads', {})).uploads.find((one) => one.id === id);
    expect(listed).to.include({ id, key: 'killed.bin', offset, length: bytes.length });
    const entry = await client.upload({ bucket: 'home', key: 'killed.bin', source: new Blob([bytes]), resume: id }).done;
    expect(entry).to.include({ key: 'killed.bin', size: bytes.length });
    expect(await digestOf('killed.bin')).to.equal(sha256(bytes));

    const [renamed, again, at] = await Promise.all([finish(), finish(), finish()]);
    expect(renamed).to.include({ key: 'beside (2).bin', size: few.length });
    expect([again, at]).to.deep.equal([renamed, renamed]);
    expect(await digestOf('beside (2).bin')).to.equal(sha256(few));
    expect(await digestOf('beside.bin')).to.equal(sha256(Buffer.from('theirs')));

    const none = new Uint8Array();
    expect([await offsetOf(wrong), await isThere()]).to.deep.equal([few.length, false]);
    expect(await refusal(patch(wrong, few.length, none, sum(none)))).to.deep.equal({
      status: 460,
      code: 'upload_checksum_mismatch',
    });
    expect(await isThere()).to.equal(false);
    // The answer to the first may have been lost.
    for (const _ of [1, 2]) expect((await patch(right, few.length, none, sum(few))).status).to.equal(204);
    expect(await digestOf('promised.bin')).to.equal(sha256(few));
    const empty = client.upload({ bucket: 'home', key: 'nothing.bin', source: new Blob([]), reading: readingBy(subtle) });
    expect(await empty.done).to.deep.include({ size: 0, checksum: { algorithm: 'sha256', value: sha256Base64(none) } });
  });

  it('are for whoever may only add, too: a new file, and never what is there', async () => {
    await client.call('CreateUser', { body: { name: 'adder', role: 'guest', password: 'a password of adder' } });
    const grant = { kind: 'user' as const, name: 'adder', role: 'uploader' as const };
    await client.call('GrantAccess', { path: { bucket: 'home', key: 'in/' }, body: grant });
    await client.call('PutFile', { path: { bucket: 'home', key: 'in/there' }, body: 'of the owner' });
    const [owner, adder] = [client, createClient({ url: gateway.webUrl, fetch: checkedFetch })];
    await adder.login('adder', 'a password of adder');
    const bytes = randomBytes(200_000);
    client = adder;
    try {
      const id = await begin('in/new', bytes.length);
      expect((await patch(id, 0, bytes)).status).to.equal(204);
      for (const key of ['in/there', 'in/new']) {
        expect(await refusal(begin(key, 1)), key).to.deep.equal({ status: 403, code: 'access_denied' });
        const over = { 'X-Overwrite': 'true' };
        expect(await refusal(begin(key, 1, over)), key).to.deep.equal({ status: 403, code: 'access_denied' });
      }
      expect((await refusal(begin('beside', 1))).status).to.be.oneOf([403, 404]);
      // It was free when the upload began.
      const late = await begin('in/late', 3);
      await owner.call('PutFile', { path: { bucket: 'home', key: 'in/late' }, body: 'first' });
      expect(await refusal(patch(late, 0, Buffer.from('abc')))).to.deep.equal({ status: 403, code: 'access_denied' });
      // Nor elsewhere than where it may add, or over what is there; beside it, it may.
      const finish = (key: string, overwrite: boolean) =>
        adder.call('FinishUpload', { path: { id: late }, body: { key, overwrite } });
      expect((await refusal(finish('beside', false))).status).to.be.oneOf([403, 404]);
      expect(await refusal(finish('in/there', true))).to.deep.equal({ status: 403, code: 'access_denied' });
      expect(await finish('in/late (2)', false)).to.include({ key: 'in/late (2)', size: 3 });
      expect((await refusal(adder.fetch('GetFile', { path: { bucket: 'home', key: 'in/' } }))).status).to.be.oneOf([403, 404]);
    } finally {
      client = owner;
    }
    expect(await digestOf('in/new')).to.equal(sha256(bytes));
    for (const [key, text] of Object.entries({ 'in/there': 'of the owner', 'in/late': 'first' })) {
      expect(await (await client.fetch('GetFile', { path: { bucket: 'home', key } })).text()).to.equal(text);
    }
  });

  it('are held to the quota while they come, also where nobody has said how long they are', async () => {
    await client.call('CreateBucket', { body: { name: 'narrow' } });
    await client.call('UpdateBucket', { path: { bucket: 'narrow' }, body: { quota: { bytes: 1_000_000, objects: null } } });
    const place = { 'Upload-Metadata': `bucket ${btoa('narrow')},key ${btoa('grows')}` };
    const endless = async (): Promise<string> => {
      const answer = await client.request('POST', '/uploads', { headers: { ...TUS, ...place, 'Upload-Defer-Length': '1' } });
      return answer.headers.get('location')!.split('/').at(-1)!;
    };
    const id = await endless();
    expect((await patch(id, 0, randomBytes(600_000))).headers.get('upload-offset')).to.equal('600000');
    // Alone it would fit; with what came before it does not.
    expect(await refusal(patch(id, 600_000, randomBytes(600_000)))).to.deep.equal({ status: 507, code: 'quota_exceeded' });
    const offset = await offsetOf(id);
    expect(offset).to.be.within(600_000, 1_000_000);
    const rest = 1_000_000 - offset;
    expect(await refusal(patch(id, offset, randomBytes(rest), { 'Upload-Length': '1000001' }))).to.deep.include({ status: 507 });
    const other = await endless();
    const stream = await refusal(patch(other, 0, randomBytes(3_000_000)));
    expect(stream).to.deep.equal({ status: 507, code: 'quota_exceeded' });
    expect(await offsetOf(other)).to.be.at.most(1_000_000);
    // What ends under another name needs the room there as well.
    const over = { 'Upload-Metadata': `bucket ${btoa('narrow')},key ${btoa('over')}`, 'If-None-Match': '*' };
    const beside = await begin('over', 600_000, over);
    const fill = (key: string, size: number) =>
      client.call('PutFile', { path: { bucket: 'narrow', key }, body: new Uint8Array(size) });
    await fill('over', 1);
    expect(await refusal(patch(beside, 0, randomBytes(600_000)))).to.include({ status: 412 });
    await fill('filled', 450_000);
    const finish = () => client.call('FinishUpload', { path: { id: beside }, body: { key: 'over (2)', overwrite: false } });
    expect(await refusal(finish())).to.deep.equal({ status: 507, code: 'quota_exceeded' });
    await client.call('RemoveFile', { path: { bucket: 'narrow', key: 'filled' } });
    expect(await finish()).to.include({ key: 'over (2)', size: 600_000 });
    await client.call('RemoveFile', { path: { bucket: 'narrow', key: 'over (2)' } });
    const small = await endless();
    await patch(small, 0, randomBytes(10));
    expect((await patch(small, 10, randomBytes(10), { 'Upload-Length': '20' })).status).to.equal(204);
  });

  it('keep what came of a request that broke off', async () => {
    const bytes = randomBytes(1_000_000);
    let [id, offset] = ['', 0];
    // Who asks how far it is ends what is still being read of it, so it is asked once; later, if the machine was too slow.
    for (let waitMs = 20; offset === 0; waitMs *= 2) {
      id = await begin('broken.bin', bytes.length);
      const req = await beginPatch(id, 0, bytes.length, bytes.subarray(0, 400_000));
      while (req.writableLength > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      req.destroy();
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      offset = await offsetOf(id);
    }
    expect(offset).to.be.within(1, 400_000);
    await patch(id, offset, bytes.subarray(offset));
    expect(await digestOf('broken.bin')).to.equal(sha256(bytes));
  });

  it('give way to whoever goes on with them, and two never both append', async () => {
    const bytes = randomBytes(600_000);
    const id = await begin('twice.bin', bytes.length);
    const hanging = await beginPatch(id, 0, bytes.length, bytes.subarray(0, 200_000));
    for (let n = 0; n < 100 && hanging.writableLength > 0; n++) await new Promise((resolve) => setTimeout(resolve, 20));
    const offset = await offsetOf(id);
    const rest = await Promise.all([1, 2, 3].map(() => refusal(patch(id, offset, bytes.subarray(offset)))));
    hanging.destroy();
    expect(rest.filter(({ code }) => code === 'none').length).to.be.within(0, 3);
    expect(
      rest.every(({ code }) => code === 'none' || code === 'upload_offset_mismatch'),
      JSON.stringify(rest),
    ).to.equal(true);
    const at = await offsetOf(id);
    if (at < bytes.length) await patch(id, at, bytes.subarray(at));
    expect(await digestOf('twice.bin')).to.equal(sha256(bytes));
  });

  it('refuse a body with another checksum, and keep nothing of it', async () => {
    const bytes = Buffer.from('the right bytes');
    const id = await begin('sum.txt', bytes.length);
    const sum = (of: Uint8Array): string => `sha1 ${createHash('sha1').update(of).digest('base64')}`;
    expect(await refusal(patch(id, 0, bytes, { 'Upload-Checksum': sum(Buffer.from('other')) }))).to.deep.equal({
      status: 460,
      code: 'upload_checksum_mismatch',
    });
    expect(await offsetOf(id)).to.equal(0);
    expect(await refusal(patch(id, 0, bytes, { 'Upload-Checksum': 'sha0 AA==' }))).to.include({ status: 400 });
    await patch(id, 0, bytes, { 'Upload-Checksum': sum(bytes) });
    expect(await digestOf('sum.txt')).to.equal(sha256(bytes));
  });

  it('hold all that is stored against the SHA-256 that comes with the last bytes, however the bytes came, and make no file of others', async () => {
    const bytes = randomBytes(300_000);
    const [first, rest] = [bytes.subarray(0, 100_000), bytes.subarray(100_000)];
    const promised = { 'Upload-Metadata': `${metadata('whole-sum.bin')},digest ${btoa('sha-256')}` };
    const whole = (of: Uint8Array): Record<string, string> => ({
      'Repr-Digest': `sha-256=:${createHash('sha256').update(of).digest('base64')}:`,
    });
    // Added up as it went by; never, because nobody said that it would be asked for; in part, because a piece came with a sum of its own.
    for (const [headers, own] of [
      [promised, {}],
      [{}, {}],
      [promised, { 'Upload-Checksum': `sha1 ${createHash('sha1').update(first).digest('base64')}` }],
    ] as const) {
      const wrong = await begin('whole-sum.bin', bytes.length, headers);
      await patch(wrong, 0, first, own);
      expect(await refusal(patch(wrong, first.length, rest, whole(first)))).to.deep.equal({
        status: 460,
        code: 'upload_checksum_mismatch',
      });
      expect(await refusal(client.request('HEAD', `/uploads/${wrong}`, { headers: TUS }))).to.include({ status: 404 });
      expect(await refusal(client.call('Stat', { path: { bucket: 'home', key: 'whole-sum.bin' } }))).to.include({ status: 404 });
      const right = await begin('whole-sum.bin', bytes.length, headers);
      await patch(right, 0, first, own);
      await patch(right, first.length, rest, whole(bytes));
      const { entry } = await client.call('GetUpload', { path: { id: right } });
      expect(entry).to.deep.include({ checksum: { algorithm: 'sha256', value: sha256Base64(bytes) } });
      await client.call('RemoveFile', { path: { bucket: 'home', key: 'whole-sum.bin' } });
    }
    expect(await refusal(begin('whole-sum.bin', 1, { 'Repr-Digest': 'sha-256=:AA==:' }))).to.include({ status: 400 });
  });

  it('of a file that is not the one whose beginning was sent are refused at the end, by the sum that the client makes', async () => {
    const bytes = randomBytes(10_000_000);
    const other = Buffer.from(bytes);
    other[7] = (other[7] ?? 0) ^ 1;
    const promise = { 'Upload-Metadata': `${metadata('goes-on.bin')},digest ${btoa('sha-256-8mib')}` };
    for (const [source, headers, code] of [
      [other, promise, 'upload_checksum_mismatch'],
      [bytes, promise, 'none'],
      // It was begun by a program that promised no sum, so it comes with the last bytes.
      [bytes, {}, 'none'],
    ] as const) {
      const id = await begin('goes-on.bin', bytes.length, headers);
      await patch(id, 0, bytes.subarray(0, 9_000_000));
      const checked: number[] = [];
      const upload = client.upload({
        bucket: 'home',
        key: 'goes-on.bin',
        source: new Blob([source]),
        resume: id,
        reading: readingBy(subtle),
        pieceBytes: 9_000_000,
        onChecked: (read) => checked.push(read),
      });
      expect((await refusal(upload.done)).code).to.equal(code);
      for (const read of checked) expect(read).to.be.oneOf([8_388_608, bytes.length]);
      if (code === 'none')
        expect(await upload.done).to.deep.include({ checksum: { algorithm: 'sha256', value: sha256Base64(bytes) } });
    }
    expect(await digestOf('goes-on.bin')).to.equal(sha256(bytes));
  });

  it('go through a proxy that takes no large bodies, and one that breaks each off: with smaller pieces, as often as some of it comes through', async () => {
    const bytes = randomBytes(5_000_000);
    const upload = async (
      name: string,
      wire: (body: Blob, init: RequestInit, input: Parameters<typeof fetch>[0]) => Promise<Response>,
    ): Promise<number[]> => {
      const sizes: number[] = [];
      const behind = createClient({
        url: gateway.webUrl,
        mode: 'tokens',
        fetch: (input, init) => {
          if (init?.method !== 'PATCH') return checkedFetch(input, init);
          const body = init.body as Blob;
          sizes.push(body.size);
          return wire(body, init, input);
        },
      });
      await behind.login(gateway.user, gateway.password);
      const source = new Blob([bytes]);
      await behind.upload({ bucket: 'home', key: name, source, retries: 1, reading: readingBy(subtle) }).done;
      expect(await digestOf(name)).to.equal(sha256(bytes));
      return sizes;
    };
    const refusing = await upload('refusing.bin', async ({ size }, init, input) =>
      size > 4_500_000 ? new Response('<h1>Too large</h1>', { status: 413 }) : checkedFetch(input, init),
    );
    expect(refusing).to.deep.equal([5_000_000, 4 << 20, 5_000_000 - (4 << 20), 0]);
    // Some arrives of each, so it is never given up, nor are the pieces made smaller.
    const breaking = await upload('breaking.bin', async (body, init, input) => {
      if (body.size <= 2_000_000) return checkedFetch(input, init);
      await checkedFetch(input, { ...init, body: body.slice(0, 2_000_000) });
      throw new TypeError('the connection broke');
    });
    expect(breaking).to.deep.equal([5_000_000, 3_000_000, 1_000_000, 0]);
    const refusal413 = upload('never.bin', async () => new Response('', { status: 413 }));
    expect((await refusal(refusal413)).status).to.equal(413);
  });

  it('decide conditions at the end again, and end under another name or over what is there', async () => {
    const bytes = Buffer.from('mine');
    const id = await begin('clash.txt', bytes.length, { 'If-None-Match': '*' });
    await client.request('PUT', '/files/home/clash.txt', { body: 'theirs' });
    expect(await refusal(patch(id, 0, bytes))).to.deep.equal({ status: 412, code: 'precondition_failed' });
    expect(await refusal(client.request('HEAD', `/uploads/${id}`, { headers: TUS }))).to.include({ status: 412 });
    expect(await digestOf('clash.txt')).to.equal(sha256(Buffer.from('theirs')));
    const finish = (key: string) => client.call('FinishUpload', { path: { id }, body: { key } });
    expect(await refusal(finish('a folder/'))).to.deep.equal({ status: 400, code: 'invalid_key' });
    const renamed = await finish('clash (2).txt');
    expect(renamed).to.include({ key: 'clash (2).txt', size: 4, contentType: 'text/plain' });
    const again = await begin('clash.txt', bytes.length);
    await patch(again, 0, bytes);
    expect(await digestOf('clash.txt')).to.equal(sha256(bytes));
    expect(await offsetOf(again)).to.equal(4);
    expect(await refusal(begin('clash.txt', 4, { 'If-None-Match': '*' }))).to.deep.equal({
      status: 412,
      code: 'precondition_failed',
    });
  });

  it('that are called off while they are begun are given up on the gateway', async () => {
    let reached: () => void = () => undefined;
    const under = new Promise<void>((resolve) => (reached = resolve));
    const slow = createClient({
      url: gateway.webUrl,
      async fetch(input, init) {
        const answer = await checkedFetch(input, init);
        if (init?.method === 'POST' && String(input).endsWith('/uploads')) reached();
        return answer;
      },
    });
    await slow.login(gateway.user, gateway.password);
    const before = (await client.call('ListUploads', {})).uploads.map(({ id }) => id);
    const upload = slow.upload({ bucket: 'home', key: 'off.bin', source: new Blob([randomBytes(1000)]) });
    await under;
    await upload.cancel();
    expect((await client.call('ListUploads', {})).uploads.map(({ id }) => id)).to.deep.equal(before);
    expect((await refusal(client.call('Stat', { path: { bucket: 'home', key: 'off.bin' } }))).status).to.equal(404);
  });

  it("refuse what is no offset, no length, too long, of another version, or another user's", async () => {
    const post = (headers: Record<string, string>) => refusal(client.request('POST', '/uploads', { headers }));
    const Metadata = { 'Upload-Metadata': metadata('bad.txt') };
    expect(await post({ 'Upload-Length': '1', ...Metadata })).to.deep.equal({ status: 412, code: 'unsupported_tus_version' });
    for (const length of ['-1', '1.5', 'x', '99999999999999999999']) {
      expect(await post({ ...TUS, 'Upload-Length': length, ...Metadata }), length).to.include({ status: 400 });
    }
    expect(await post({ ...TUS, 'Upload-Length': '9007199254740991', ...Metadata })).to.include({ status: 413 });
    expect(await post({ ...TUS, ...Metadata })).to.include({ status: 400 });
    expect(await post({ ...TUS, 'Upload-Length': '1' })).to.include({ status: 400 });
    expect(await post({ ...TUS, 'Upload-Length': '1', 'Upload-Metadata': `bucket ${btoa('home')},key ****` })).to.include({
      status: 400,
    });
    const id = await begin('bad.txt', 4);
    const four = Buffer.from('four');
    expect(await refusal(patch(id, 1, four))).to.deep.equal({ status: 413, code: 'too_large' });
    expect(await refusal(patch(id, 0, Buffer.from('five!')))).to.deep.equal({ status: 413, code: 'too_large' });
    expect(await refusal(patch(id, 2, Buffer.from('2')))).to.deep.equal({ status: 409, code: 'upload_offset_mismatch' });
    expect(await refusal(patch(id, 0, four, { 'Content-Type': 'text/plain' }))).to.include({ status: 415 });
    expect(await offsetOf(id)).to.equal(0);
    expect(await refusal(client.request('HEAD', `/uploads/${'0'.repeat(32)}`, { headers: TUS }))).to.include({ status: 404 });
    await client.request('DELETE', `/uploads/${id}`, { headers: TUS });
    expect(await refusal(client.request('HEAD', `/uploads/${id}`, { headers: TUS }))).to.include({ status: 404 });
  });
});

function subtle(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', bytes);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sha256Base64(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
