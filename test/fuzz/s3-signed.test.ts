import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import fc from 'fast-check';
import { isCloudStoreError } from '#core/errors';
import { decodeChunked } from '#protocols/s3/aws-chunked';
import { S3Error } from '#protocols/s3/errors';
import { OPERATIONS, SHAPES } from '#protocols/s3/model';
import { compileParser } from '#protocols/s3/request-parser';
import { createHostedBucket, parseTarget } from '#protocols/s3/target';
import { createVerifier } from '#protocols/s3/verifier';
import { frameChunks } from '../conformance/s3/harness/chunked.ts';
import { createClient, type Outgoing } from '../conformance/s3/harness/client.ts';
import { encode, sign } from '../conformance/s3/harness/signer.ts';
import { FUZZ_TIMEOUT_MS, fuzzRuns, fuzzSeed } from '../support/fuzz.ts';

const KEYS = { accessKeyId: 'AKIDFUZZ', secretAccessKey: 'secret of the fuzzer' };
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const client = createClient('http://127.0.0.1:9000', KEYS);
const hosted = createHostedBucket(null);
const runs = fuzzRuns(150);

/** Foreign bytes may be refused, in S3's words; nothing else may come out. */
function refused(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof S3Error || isCloudStoreError(error)) return true;
    throw error;
  }
}

/** As node:http hands it over. */
function received({ method, target, headers }: Outgoing): IncomingMessage {
  const distinct: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const trimmed = value.replace(/^[ \t]+|[ \t]+$/g, '');
    distinct[lower] = [...(distinct[lower] ?? []), trimmed];
  }
  const joined = Object.fromEntries(Object.entries(distinct).map(([name, values]) => [name, values.join(', ')]));
  return { method, url: target, headers: joined, headersDistinct: distinct } as unknown as IncomingMessage;
}

/** Whether the gateway takes the request as the key's own. @throws S3Error */
function verify(request: Outgoing): void {
  const req = received(request);
  const verifier = createVerifier({ region: 'us-east-1', now: () => NOW, signatureV2: 'all' });
  const target = parseTarget(req, hosted);
  const claim = verifier.claim(req, target);
  if (claim === null) throw new S3Error('AccessDenied');
  verifier.verify(req, target, claim, { id: KEYS.accessKeyId, secret: KEYS.secretAccessKey } as never);
}

describe(`S3 signatures, chunks and documents, fuzzed (CLOUDSTORE_TEST_SEED=${fuzzSeed})`, function () {
  this.timeout(FUZZ_TIMEOUT_MS);
  const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,10}$/);
  const text = fc.string({
    unit: fc.constantFrom('a', 'Z', '0', '/', ' ', '+', '%', '&', '=', ';', '~', '.', '-', 'é', '日', '😀'),
    maxLength: 12,
  });
  const request = fc.record({
    method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
    key: text.filter((one) => one !== ''),
    query: fc.dictionary(word, text, { maxKeys: 4 }),
    metadata: fc.dictionary(word, fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/), { maxKeys: 3 }),
    auth: fc.constantFrom('header', 'query'),
    payload: fc.constantFrom('signed', 'unsigned', 'chunks', 'unsigned-trailer'),
  });
  type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;
  const prepared = ({ method, key, query, metadata, auth, payload }: Request): Outgoing =>
    client.prepare(method, `/bucket/${key}`, {
      at: new Date(NOW),
      auth: auth as 'header',
      // A URL that is signed covers no body here.
      payload: auth === 'query' ? 'unsigned' : (payload as 'signed'),
      query,
      body: 'body',
      headers: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    });

  it('what another signer signs is taken, and nothing of it can be changed', () => {
    const changes: Record<string, (request: Outgoing) => Outgoing> = {
      method: (one) => ({ ...one, method: one.method === 'GET' ? 'PUT' : 'GET' }),
      path: (one) => ({ ...one, target: one.target.replace('/bucket/', '/bucket/x') }),
      bucket: (one) => ({ ...one, target: one.target.replace('/bucket/', '/buckeT/') }),
      query: (one) => ({ ...one, target: `${one.target}${one.target.includes('?') ? '&' : '?'}zz=1` }),
      header: (one) => ({ ...one, headers: [...one.headers, ['x-amz-acl', 'public-read']] }),
      host: (one) => ({ ...one, headers: one.headers.map(([n, v]) => (n === 'Host' ? [n, 'evil:1'] : [n, v])) }),
      signature: (one) => ({
        ...one,
        target: one.target.replace(/(X-Amz-Signature=)(.)/, (_, name, digit) => `${name}${digit === '0' ? '1' : '0'}`),
        headers: one.headers.map(([n, v]) => [
          n,
          v.replace(/(Signature=)(.)/, (_, name, digit) => `${name}${digit === '0' ? '1' : '0'}`),
        ]),
      }),
    };
    fc.assert(
      fc.property(request, fc.constantFrom(...Object.keys(changes)), (given, change) => {
        const good = prepared(given);
        verify(good);
        const changed = (changes[change] as (request: Outgoing) => Outgoing)(good);
        expect(
          refused(() => verify(changed)),
          `${change} of ${JSON.stringify(good)}`,
        ).to.equal(true);
      }),
      runs,
    );
  });

  it('of a URL signed by version 2 nothing can be changed but how it is written', () => {
    const end = NOW / 1000 + 600;
    const response = fc.dictionary(fc.constantFrom('response-content-type', 'response-expires', 'versionId', 'acl'), text, {
      maxKeys: 3,
    });
    fc.assert(
      fc.property(
        request,
        response,
        fc.nat(),
        fc.string({ unit: 'binary-ascii', maxLength: 3 }),
        fc.nat(2),
        (given, more, at, put, cut) => {
          const path = `/bucket/${encode(given.key, true)}`;
          const pairs = Object.entries(more).sort(([a], [b]) => (a < b ? -1 : 1));
          const moved = Object.entries(given.metadata)
            .map(([name, value]) => [`x-amz-meta-${name.toLowerCase()}`, value] as const)
            .filter(([name], index, all) => all.findIndex(([other]) => other === name) === index)
            .sort(([a], [b]) => (a < b ? -1 : 1));
          const signed = pairs.map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&');
          const amz = moved.map(([name, value]) => `${name}:${value}\n`).join('');
          const signature = createHmac('sha1', KEYS.secretAccessKey)
            .update(`${given.method}\n\n\n${end}\n${amz}${path}${signed === '' ? '' : `?${signed}`}`)
            .digest('base64');
          const proof = [
            ['AWSAccessKeyId', KEYS.accessKeyId],
            ['Expires', String(end)],
            ['Signature', signature],
          ];
          const query = [...pairs, ...moved, ...proof].map(([name = '', value = '']) => `${name}=${encode(value)}`).join('&');
          const good: Outgoing = {
            method: given.method,
            target: `${path}?${query}`,
            headers: [['Host', '127.0.0.1:9000']],
            body: Buffer.from(''),
          };
          verify(good);
          const where = at % (good.target.length + 1);
          const changed = { ...good, target: good.target.slice(0, where) + put + good.target.slice(where + cut) };
          if (refused(() => verify(changed))) return;
          const [one, other] = [good, changed].map((each) => {
            const { bucket, key, query: found } = parseTarget(received(each), hosted);
            return {
              bucket,
              key,
              pairs: found.pairs
                .filter(([name]) => name !== 'Signature' && name !== 'AWSAccessKeyId')
                // White space around a header's value is not signed, and restoreMovedHeaders leaves it out.
                .map(([name, value]) => `${name}=${name.startsWith('x-amz-') ? value.replace(/^[ \t]+|[ \t]+$/g, '') : value}`)
                .sort(),
            };
          });
          expect(other, changed.target).to.deep.equal(one);
        },
      ),
      runs,
    );
  });

  it('any character put anywhere into head or target is refused, or was not signed', () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.string({ unit: 'binary-ascii', maxLength: 3 }), fc.nat(2), (given, at, put, cut) => {
        const good = prepared(given);
        const places = [good.target, ...good.headers.map(([, value]) => value)];
        const place = at % places.length;
        const old = places[place] ?? '';
        const where = at % (old.length + 1);
        const value = old.slice(0, where) + put + old.slice(where + cut);
        const changed =
          place === 0
            ? { ...good, target: value }
            : { ...good, headers: good.headers.map(([n, v], index): [string, string] => [n, index === place - 1 ? value : v]) };
        const taken = !refused(() => verify(changed));
        if (!taken) return;
        // It is the same request: what it asks for is what was signed.
        const [one, other] = [good, changed].map((each) => {
          const { bucket, key, query } = parseTarget(received(each), hosted);
          const pairs = query.pairs.map((pair) => pair.join('=')).sort();
          const meta = each.headers
            .filter(([n]) => n.startsWith('x-amz-meta-'))
            .map(([n, v]) => [n, v.trim().replace(/ +/g, ' ')]);
          return { method: each.method, bucket, key, pairs, meta };
        });
        expect(other).to.deep.equal(one);
      }),
      runs,
    );
  });

  it('signed chunks and their trailers come out as they were signed, however they are cut, and a changed byte is refused', async () => {
    const trailer = fc
      .tuple(fc.stringMatching(/^x-amz-[a-z]{1,8}$/), fc.stringMatching(/^[!-~]{0,12}$/))
      .filter(([name]) => name !== 'x-amz-trailer');
    const read = async (bytes: Buffer, length: number, size: number, seed: ReturnType<typeof seedOf>) => {
      const found = { plain: Buffer.alloc(0), trailers: [] as [string, string][] };
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      try {
        const options = {
          decodedLength: length,
          onTrailers: (given: Map<string, string>) => void (found.trailers = [...given]),
          chain: seed.chain,
        };
        const out: Uint8Array[] = [];
        for await (const piece of decodeChunked(pieces(), options)) out.push(Buffer.from(piece));
        return { ...found, plain: Buffer.concat(out) };
      } catch (error) {
        if (error instanceof S3Error) return null;
        throw error;
      }
    };
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 120 }),
        fc.integer({ min: 1, max: 50 }),
        fc.uniqueArray(trailer, { maxLength: 2, selector: ([name]) => name }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (body, chunkBytes, trailers, size, at, flip) => {
          const seed = seedOf();
          const framed = frameChunks(Buffer.from(body), { chunkBytes, signature: seed.signature, trailers });
          const good = await read(framed, body.length, size, seed);
          expect(good?.plain.equals(Buffer.from(body))).to.equal(true);
          expect(good?.trailers).to.deep.equal(trailers);
          const changed = Buffer.from(framed);
          changed[at % framed.length] = (changed[at % framed.length] ?? 0) ^ flip;
          const other = await read(changed, body.length, size, seed);
          if (other === null) return;
          // The frame may be written otherwise (the case of a digit, white space); what it carries may not.
          expect(other.plain.equals(Buffer.from(body))).to.equal(true);
          expect(other.trailers).to.deep.equal(trailers);
        },
      ),
      runs,
    );
  });

  it("documents of every operation: any tree of the model's elements is read or refused", () => {
    const parsers = [...new Set(OPERATIONS.map(([, , , , , input]) => input))].flatMap(
      (input) => compileParser(input).payload ?? [],
    );
    const roots = OPERATIONS.flatMap(([, , , , , input]) =>
      (SHAPES[input]?.[0] ?? []).filter(([, , { payload }]) => payload === 1),
    ).map(([name, , traits]) => traits.xmlName ?? name);
    const names = [
      ...new Set(Object.values(SHAPES).flatMap(([members]) => members.map(([name, , traits]) => traits.xmlName ?? name))),
    ];
    const value = fc.oneof(
      fc.constantFrom(
        '',
        'true',
        '1',
        '-1',
        '1e400',
        '2026-01-01T00:00:00Z',
        'Enabled',
        '&amp;',
        '&#x10FFFF;',
        '&#0;',
        '<![CDATA[x]]>',
        '\u0000',
        'NaN',
      ),
      fc.string({ maxLength: 8 }),
    );
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        fc.tuple(fc.constantFrom(...names), value).map(([name, inner]) => `<${name}>${inner}</${name}>`),
        fc
          .tuple(fc.constantFrom(...names), fc.array(tie('tree'), { maxLength: 4 }))
          .map(([name, inner]) => `<${name}>${inner.join('')}</${name}>`),
      ),
    }));
    fc.assert(
      fc.property(fc.constantFrom(...roots), fc.array(tree, { maxLength: 4 }), fc.nat(), (root, inner, pick) => {
        const xml = `<${root}>${inner.join('')}</${root}>`;
        for (const parser of [parsers[pick % parsers.length], ...parsers]) refused(() => parser?.parse(xml));
      }),
      runs,
    );
  });
});

/** A signature that chunks are chained to, as our verifier hands it on. */
function seedOf() {
  const at = new Date(NOW);
  const signature = sign(
    { method: 'PUT', path: '/bucket/k', query: '', headers: [['host', 'h']], payloadHash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' },
    KEYS,
    {
      at,
      region: 'us-east-1',
    },
  );
  const request = client.prepare('PUT', '/bucket/k', { at, payload: 'chunks-trailer', body: 'x' });
  const req = received(request);
  const verifier = createVerifier({ region: 'us-east-1', now: () => NOW });
  const target = parseTarget(req, hosted);
  const claim = verifier.claim(req, target);
  const key = { id: KEYS.accessKeyId, secret: KEYS.secretAccessKey } as never;
  const payload = claim === null ? null : verifier.verify(req, target, claim, key);
  if (payload?.kind !== 'chunked' || payload.chain === null) throw new Error('The request is not one of signed chunks.');
  return { signature, chain: { ...payload.chain, seed: signature.signature } };
}
