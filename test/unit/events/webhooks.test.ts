import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createPublicAddressTest } from '#events/public-address';
import { createWebhooks, signatureOf } from '#events/webhooks';
import { codeOf } from '../../support/rooms.ts';

describe('webhooks', () => {
  let server: Server;
  let port: number;
  let status = 200;
  let headers: Record<string, string> = {};
  const got: { headers: IncomingMessage['headers']; body: string }[] = [];

  before(async () => {
    server = createServer((req, res) => {
      let body = '';
      req.on('data', (part: Buffer) => (body += part));
      req.on('end', () => {
        got.push({ headers: req.headers, body });
        res.writeHead(status, headers).end('thank you');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    status = 200;
    headers = {};
    got.length = 0;
  });

  const open = (url: string, options: { allowPrivate?: boolean; secret?: string | null; timeoutMs?: number } = {}) =>
    createWebhooks({
      targets: new Map([['t', new URL(url)]]),
      secret: null,
      allowPrivate: true,
      clock: { now: () => 1_700_000_000_500 },
      ...options,
    });
  const post = async (url: string, options: Parameters<typeof open>[1] = {}): Promise<string> => {
    const webhooks = open(url, options);
    try {
      return await codeOf(webhooks.post('t', { id: 'i', body: '{"a":"ä"}' }));
    } finally {
      webhooks.close();
    }
  };

  it('posts the message with its id and time, signed over both', async () => {
    expect(await post(`http://127.0.0.1:${port}/in?x=1`, { secret: 'a very long secret' })).to.equal('none');
    const [message] = got;
    expect(message?.body).to.equal('{"a":"ä"}');
    expect(message?.headers).to.include({
      'content-type': 'application/json',
      'x-cloudstore-event-id': 'i',
      'x-cloudstore-timestamp': '1700000000',
      'x-cloudstore-signature': `v1=${signatureOf('a very long secret', 1_700_000_000, '{"a":"ä"}')}`,
    });
  });

  it('signs nothing without a secret', async () => {
    await post(`http://127.0.0.1:${port}/`);
    expect(got[0]?.headers).not.to.have.property('x-cloudstore-signature');
  });

  for (const [answer, code] of [
    [204, 'none'],
    [500, 'unavailable'],
    [429, 'unavailable'],
    [400, 'access_denied'],
    [410, 'access_denied'],
    [302, 'access_denied'],
  ] as const) {
    it(`takes ${answer} for ${code}`, async () => {
      status = answer;
      headers = answer === 302 ? { location: `http://127.0.0.1:${port}/elsewhere` } : {};
      expect(await post(`http://127.0.0.1:${port}/`)).to.equal(code);
      expect(got, 'a redirect is not followed').to.have.length(1);
    });
  }

  it('says unavailable of a closed port, and of one that does not answer', async () => {
    expect(await post('http://127.0.0.1:1/')).to.equal('unavailable');
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    expect(await post(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/`, { timeoutMs: 50 })).to.equal('unavailable');
    silent.closeAllConnections();
    silent.close();
  });

  for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0.0.0.0']) {
    it(`sends nothing to ${host} unless that is allowed`, async () => {
      expect(await post(`http://${host}:${port}/`, { allowPrivate: false })).to.equal('access_denied');
      expect(got).to.have.length(0);
    });
  }

  it('knows no target that the settings do not name', async () => {
    const webhooks = open('http://example.org/');
    expect([webhooks.has('t'), webhooks.has('other')]).to.deep.equal([true, false]);
    expect(await codeOf(webhooks.post('other', { id: '', body: '' }))).to.equal('not_found');
    webhooks.close();
  });

  const isPublic = createPublicAddressTest();
  const addresses: Record<string, boolean> = {
    '8.8.8.8': true,
    '100.63.255.255': true,
    '100.64.0.1': false,
    '10.1.2.3': false,
    '172.31.0.1': false,
    '172.32.0.1': true,
    '169.254.169.254': false,
    '192.168.1.1': false,
    '224.0.0.1': false,
    '255.255.255.255': false,
    '2606:4700::1111': true,
    '::1': false,
    'fe80::1': false,
    'fd00::1': false,
    '::ffff:8.8.8.8': false,
    '64:ff9b::a00:1': false,
    '2002:a00:1::': false,
    '2001:db8::1': false,
    'ff02::1': false,
    'example.org': false,
  };
  for (const [address, answer] of Object.entries(addresses)) {
    it(`${address} is ${answer ? '' : 'not '}of the public internet`, () => expect(isPublic(address)).to.equal(answer));
  }
});
