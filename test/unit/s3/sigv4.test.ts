import { expect } from 'chai';
import { decodeChunked } from '#protocols/s3/aws-chunked';
import { readCredentials } from '#protocols/s3/credentials';
import { canonicalRequest, createSigners, EMPTY_SHA256, sameText, scopeText, stringToSign } from '#protocols/s3/sigv4';
import { decodePath, encodeUri, parseQuery } from '#protocols/s3/uri';

// AWS: "Signature Calculations for the Authorization Header" and "… Using Query Parameters", S3's own examples.
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const STAMP = '20130524T000000Z';
const SCOPE = { date: '20130524', region: 'us-east-1' };
const HOST = 'examplebucket.s3.amazonaws.com';

interface Vector {
  name: string;
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  payload: string;
  signature: string;
}

const common = (payload: string): Record<string, string> => ({
  host: HOST,
  'x-amz-content-sha256': payload,
  'x-amz-date': STAMP,
});
const FILE = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
const VECTORS: Vector[] = [
  {
    name: 'GET Object with a range',
    method: 'GET',
    path: '/test.txt',
    query: '',
    headers: { ...common(EMPTY_SHA256), range: 'bytes=0-9' },
    payload: EMPTY_SHA256,
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'PUT Object',
    method: 'PUT',
    path: '/test$file.text',
    query: '',
    headers: { ...common(FILE), date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    payload: FILE,
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET Bucket lifecycle',
    method: 'GET',
    path: '/',
    query: 'lifecycle',
    headers: common(EMPTY_SHA256),
    payload: EMPTY_SHA256,
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'GET Bucket (list objects)',
    method: 'GET',
    path: '/',
    query: 'prefix=J&max-keys=2',
    headers: common(EMPTY_SHA256),
    payload: EMPTY_SHA256,
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
  {
    name: 'presigned GET',
    method: 'GET',
    path: '/test.txt',
    query:
      'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=ignored',
    headers: { host: HOST },
    payload: 'UNSIGNED-PAYLOAD',
    signature: 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  },
];
/** AWS's chunked example: 64 KiB, 1 KiB and the end. */
const CHAIN_SEED = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
const CHUNKED = Buffer.concat([
  Buffer.from('10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n'),
  Buffer.alloc(65_536, 'a'),
  Buffer.from('\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n'),
  Buffer.alloc(1024, 'a'),
  Buffer.from('\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n'),
]);

const signerOf = createSigners();
const chain = { signer: signerOf(SECRET, SCOPE), stamp: STAMP, scope: scopeText(SCOPE), seed: CHAIN_SEED };

async function* cut(bytes: Buffer, at: number): AsyncGenerator<Buffer> {
  if (at > 0) yield bytes.subarray(0, at);
  if (at < bytes.length) yield bytes.subarray(at);
}
async function* oneByOne(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i++) yield bytes.subarray(i, i + 1);
}
async function decode(
  source: AsyncIterable<Buffer>,
  options: Partial<Parameters<typeof decodeChunked>[1]> = {},
): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const piece of decodeChunked(source, { decodedLength: 66_560, onTrailers: null, chain: null, ...options }))
    out.push(piece);
  return Buffer.concat(out);
}
async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? 'no code',
  );
}

describe('SigV4', () => {
  for (const { name, method, path, query, headers, payload, signature } of VECTORS) {
    it(`signs AWS's example: ${name}`, () => {
      const request = { method, path, query: parseQuery(query), header: (key: string) => headers[key] ?? '' };
      const canonical = canonicalRequest(request, encodeUri(decodePath(path), true), Object.keys(headers).sort(), payload);
      expect(signerOf(SECRET, SCOPE).sign(stringToSign(STAMP, SCOPE, canonical))).to.equal(signature);
    });
  }

  it('signs texts longer than its scratch buffer', () => {
    const text = 'x'.repeat(5000);
    expect(signerOf(SECRET, SCOPE).sign(text))
      .to.equal(signerOf(SECRET, SCOPE).sign(text))
      .and.match(/^[0-9a-f]{64}$/);
  });

  it('compares without stopping at the first difference, and never takes a prefix for the whole', () => {
    expect([
      sameText('ab', 'ab'),
      sameText('ab', 'ac'),
      sameText('ab', 'a'),
      sameText('', 'a'),
      sameText('aa', 'a'),
    ]).to.deep.equal([true, false, false, false, false]);
  });

  it('keeps the path raw: plus stays, bytes count as UTF-8, bad UTF-8 is refused', () => {
    expect(decodePath('/a+b//../%2F%20')).to.equal('/a+b//../\u002f ');
    expect(decodePath('/\u00c3\u00bc')).to.equal('/ü');
    expect(() => decodePath('/%ff'))
      .to.throw()
      .with.property('code', 'InvalidURI');
    expect(() => decodePath('/%zz'))
      .to.throw()
      .with.property('code', 'InvalidURI');
    expect(parseQuery('a=1+2&b&c=%2B').pairs).to.deep.equal([
      ['a', '1 2'],
      ['b', ''],
      ['c', '+'],
    ]);
  });
});

describe('credentials that come again', () => {
  const query = parseQuery('');
  const said = (more: string): string =>
    `AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-date,${more}`;
  const read = (authorization: string, known?: Parameters<typeof readCredentials>[3]) =>
    readCredentials({ authorization, 'x-amz-date': STAMP }, query, 's3', known);

  it('are read as if for the first time, each with its own signature', () => {
    const known = new Map();
    for (const digit of ['a', 'b', 'a']) {
      const text = said(`Signature=${digit.repeat(64)}`);
      expect(read(text, known)).to.deep.equal(read(text));
    }
    expect(known.size).to.equal(1);
  });

  it('are refused when they are not what was known', () => {
    const known = new Map();
    read(said(`Signature=${'a'.repeat(64)}`), known);
    for (const wrong of [
      'Signature=',
      `Signature=${'a'.repeat(63)}`,
      `Signature=${'A'.repeat(64)}`,
      `Signature=${'a'.repeat(64)},x=y`,
      'Signature=Signature=',
    ])
      expect(() => read(said(wrong), known), wrong)
        .to.throw()
        .with.property('code', 'AuthorizationHeaderMalformed');
    expect(() => read(said(`Signature=${'a'.repeat(64)}`).replace('20130524', '20130525'), known))
      .to.throw()
      .with.property('code', 'AuthorizationHeaderMalformed');
  });

  it('are forgotten when there are too many', () => {
    const known = new Map();
    for (let n = 0; n < 1500; n++) read(said(`Signature=${'a'.repeat(64)}`).replace('AKID', `AKID${n}`), known);
    expect(known.size).to.be.within(1, 1000);
  });
});

describe('aws-chunked', () => {
  it("decodes AWS's signed example, byte by byte too", async () => {
    expect((await decode(cut(CHUNKED, 0), { chain })).length).to.equal(66_560);
    expect((await decode(oneByOne(CHUNKED), { chain })).equals(Buffer.alloc(66_560, 'a'))).to.equal(true);
  });

  it('refuses a changed byte, a dropped chunk and a body that ends early', async () => {
    const changed = Buffer.from(CHUNKED);
    changed[70_000 - 4000] = 0x62;
    expect(await codeOf(decode(cut(changed, 0), { chain }))).to.equal('SignatureDoesNotMatch');
    const dropped = CHUNKED.subarray(CHUNKED.indexOf('400;chunk'));
    expect(await codeOf(decode(cut(dropped, 0), { chain, decodedLength: 1024 }))).to.equal('SignatureDoesNotMatch');
    for (const length of [10, 100, 65_000, CHUNKED.length - 100]) {
      expect(await codeOf(decode(cut(CHUNKED.subarray(0, length), 0), { chain })), String(length)).to.equal('IncompleteBody');
    }
  });

  it('decodes wherever the network cuts, with its trailer', async () => {
    const body = Buffer.from('5\r\nhello\r\n3\r\n!\r\n\r\n0\r\nx-amz-checksum-crc32:abcd==\r\n\r\n');
    for (let at = 0; at <= body.length; at++) {
      const trailers: string[][] = [];
      const onTrailers = (map: Map<string, string>): void => void trailers.push(...map.entries().map((entry) => [...entry]));
      const out = await decode(cut(body, at), { decodedLength: 8, onTrailers });
      expect(out.toString(), String(at)).to.equal('hello!\r\n');
      expect(trailers).to.deep.equal([['x-amz-checksum-crc32', 'abcd==']]);
    }
  });

  it('refuses lengths that do not agree, rubbish, and endless lines', async () => {
    const plain = (text: string, decodedLength: number): Promise<string> =>
      codeOf(decode(cut(Buffer.from(text), 0), { decodedLength }));
    expect(await plain('5\r\nhello\r\n0\r\n\r\n', 4)).to.equal('IncompleteBody');
    expect(await plain('5\r\nhello\r\n0\r\n\r\n', 6)).to.equal('IncompleteBody');
    expect(await plain('5\r\nhelloX\r\n0\r\n\r\n', 5)).to.equal('IncompleteBody');
    expect(await plain('-5\r\nhello\r\n0\r\n\r\n', 5)).to.equal('IncompleteBody');
    expect(await plain('0\r\n\r\nmore', 0)).to.equal('IncompleteBody');
    expect(await plain('1'.repeat(5000), 5)).to.equal('IncompleteBody');
    expect(await codeOf(decode(cut(Buffer.from('5\r\nhello\r\n0\r\n\r\n'), 0), { decodedLength: 5, chain }))).to.equal(
      'IncompleteBody',
    );
  });
});
