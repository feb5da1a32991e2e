import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import type { ObjectRead } from '#contracts/namespace';
import { CloudStoreError } from '#core/errors';
import { collect } from '#core/stream';
import { httpDate, parseConditions, parseEtags } from '#http/conditional-headers';
import { createTrustedProxies } from '#http/proxies';
import { answerRanges } from '#http/range-response';
import { createRequestIds } from '#http/request-id';

describe('conditional headers', () => {
  it('take ETags quoted, weak, bare and many', () => {
    expect(parseEtags('"a", W/"b" ,c')).to.deep.equal(['a', 'b', 'c']);
    expect(parseEtags(' * ')).to.equal('*');
  });

  it('ignore dates that are none, and read prefixed ones', () => {
    expect(parseConditions({ 'if-modified-since': 'yesterday', 'if-match': '"x"' })).to.deep.equal({ ifMatch: ['x'] });
    const date = httpDate(Date.UTC(2026, 1, 3, 4, 5, 6, 789));
    expect(date).to.equal('Tue, 03 Feb 2026 04:05:06 GMT');
    expect(parseConditions({ 'x-amz-copy-source-if-unmodified-since': date }, 'x-amz-copy-source-')).to.deep.equal({
      ifUnmodifiedSince: Date.UTC(2026, 1, 3, 4, 5, 6),
    });
  });
});

describe('range answers', () => {
  const content = Buffer.from('0123456789');
  const read = {
    info: { size: content.length },
    range: null,
    async *body(range: { start: number; end: number } = { start: 0, end: content.length - 1 }) {
      yield content.subarray(range.start, range.end + 1);
    },
  } as unknown as ObjectRead; // of an object only its size is looked at
  const options = { contentType: 'text/plain', boundary: 'B' };
  const text = async (requests: Parameters<typeof answerRanges>[1]): Promise<[number, unknown, string]> => {
    const answer = answerRanges(read, requests, options);
    const body = await collect(answer.body(), 1e6, () => new Error('too large'));
    expect(body.length).to.equal(answer.headers['Content-Length']);
    return [answer.status, answer.headers['Content-Range'], body.toString()];
  };

  it('are whole, single or several', async () => {
    expect(await text(null)).to.deep.equal([200, undefined, '0123456789']);
    expect(await text([{ suffix: 2 }])).to.deep.equal([206, 'bytes 8-9/10', '89']);
    expect(
      await text([
        { start: 1, end: 2 },
        { start: 99, end: null },
      ]),
    ).to.deep.equal([206, 'bytes 1-2/10', '12']);
    const [status, contentRange, body] = await text([
      { start: 5, end: 6 },
      { start: 0, end: 0 },
    ]);
    expect([status, contentRange]).to.deep.equal([206, undefined]);
    expect(body).to.equal(
      '\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-6/10\r\n\r\n56' +
        '\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n--B--\r\n',
    );
  });

  it('are refused when none covers a byte', () => {
    expect(() => answerRanges(read, [{ start: 10, end: null }, { suffix: 0 }], options))
      .to.throw(CloudStoreError)
      .that.deep.includes({ code: 'invalid_range', details: { size: 10 } });
  });
});

describe('trusted proxies', () => {
  const origin = (peer: string, headers: Record<string, string>, networks: string[]): unknown =>
    // A request's socket and headers are all that is looked at.
    createTrustedProxies(networks).origin({ socket: { remoteAddress: peer }, headers } as unknown as IncomingMessage);

  it('are believed only where they are named', () => {
    const headers = {
      host: 'in',
      'x-forwarded-for': '9.9.9.9, 1.2.3.4',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'out',
    };
    const stranger = { remoteAddress: '10.0.0.1', secure: false, tls: null, host: 'in' };
    expect(origin('10.0.0.1', headers, [])).to.deep.equal(stranger);
    expect(origin('10.0.0.1', headers, ['10.1.0.0/16'])).to.deep.equal(stranger);
    expect(origin('::ffff:10.0.0.1', headers, ['10.0.0.0/8'])).to.deep.equal({
      remoteAddress: '1.2.3.4',
      secure: true,
      tls: null,
      host: 'out',
    });
  });

  it('are what speaks TLS, where they say for whom: the client itself does where nobody does', () => {
    const socket = { remoteAddress: '10.0.0.1', encrypted: true };
    const tlsOf = (headers: Record<string, string>, networks: string[]): unknown =>
      createTrustedProxies(networks).origin({ socket, headers } as unknown as IncomingMessage).tls;
    const proxied: Record<string, string>[] = [{ 'x-forwarded-for': '1.2.3.4' }, { 'x-forwarded-proto': 'https' }];
    for (const headers of proxied) {
      expect(tlsOf(headers, ['10.0.0.1'])).to.equal(null);
      expect(tlsOf(headers, [])).to.equal(socket);
    }
    expect(tlsOf({}, ['10.0.0.1'])).to.equal(socket);
  });

  it('are walked from the right until the first stranger', () => {
    const headers = { host: 'h', 'x-forwarded-for': '6.6.6.6, 1.2.3.4:5555, 10.0.0.2, fd00::1' };
    expect(origin('10.0.0.1', headers, ['10.0.0.0/8', 'fd00::/8'])).to.include({ remoteAddress: '1.2.3.4' });
  });
});

describe('request ids', () => {
  it('are 16 upper-case hex digits and never the same', () => {
    const next = createRequestIds(randomBytes);
    const ids = Array.from({ length: 2000 }, next);
    expect(ids.every((id) => /^[0-9A-F]{16}$/.test(id))).to.equal(true);
    expect(new Set(ids).size).to.equal(2000);
  });
});
