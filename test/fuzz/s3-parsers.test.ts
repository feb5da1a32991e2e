import { expect } from 'chai';
import fc from 'fast-check';
import { isCloudStoreError } from '#core/errors';
import { decodeChunked } from '#protocols/s3/aws-chunked';
import { combineCrcs } from '#protocols/s3/crc-combine';
import { S3Error } from '#protocols/s3/errors';
import { compileParser } from '#protocols/s3/request-parser';
import { canonicalQuery } from '#protocols/s3/sigv4';
import { smallDigest } from '#protocols/s3/small-digest';
import { decodePath, encodeUri, parseQuery } from '#protocols/s3/uri';
import { anyText, FUZZ_TIMEOUT_MS, fuzzRuns, fuzzSeed } from '../support/fuzz.ts';

const runs = fuzzRuns(300);

/** Foreign bytes may be refused, in S3's words; nothing else may come out. */
function refusedOr<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof S3Error || isCloudStoreError(error)) return null;
    throw error;
  }
}

async function* pieces(bytes: Uint8Array, sizes: number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

describe(`S3 parsers, fuzzed (CLOUDSTORE_TEST_SEED=${fuzzSeed})`, function () {
  this.timeout(FUZZ_TIMEOUT_MS);

  it('paths and queries: any key survives its encoding, any text is decoded or refused', () => {
    fc.assert(
      fc.property(anyText, fc.string({ unit: 'grapheme' }), (key, text) => {
        if (key.isWellFormed()) {
          expect(decodePath(encodeUri(key, true))).to.equal(key);
          expect(parseQuery(`k=${encodeUri(key)}`).get('k')).to.equal(key);
        }
        const query = refusedOr(() => parseQuery(text));
        // A canonical query is its own canonical form.
        if (query !== null) expect(canonicalQuery(parseQuery(canonicalQuery(query)))).to.equal(canonicalQuery(query));
      }),
      runs,
    );
  });

  it('aws-chunked: what was framed comes out, however it was cut; anything else is refused', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 6 }),
        sizes,
        fc.nat(200),
        async (chunks, cuts, flip) => {
          const framed = chunks.flatMap((chunk) => [
            Buffer.from(`${chunk.length.toString(16)}\r\n`),
            Buffer.from(chunk),
            Buffer.from('\r\n'),
          ]);
          const body = Buffer.concat([...framed, Buffer.from('0\r\n\r\n')]);
          const plain = Buffer.concat(chunks);
          const read = async (bytes: Buffer): Promise<Buffer | null> => {
            const out: Uint8Array[] = [];
            try {
              const options = { decodedLength: plain.length, onTrailers: null, chain: null };
              for await (const piece of decodeChunked(pieces(bytes, cuts), options)) out.push(piece);
            } catch (error) {
              if (error instanceof S3Error) return null;
              throw error;
            }
            return Buffer.concat(out);
          };
          expect((await read(body))?.equals(plain)).to.equal(true);
          const changed = Buffer.from(body);
          changed[flip % body.length] = (changed[flip % body.length] ?? 0) ^ 0x15;
          const other = await read(changed);
          if (other !== null) expect(other.length).to.equal(plain.length);
        },
      ),
      runs,
    );
  });

  it('XML bodies: parsed to the shape or refused', () => {
    const { payload } = compileParser('DeleteObjectsRequest');
    const part = fc.constantFrom(
      '<Delete>',
      '</Delete>',
      '<Object>',
      '</Object>',
      '<Key>',
      '</Key>',
      'a',
      '&amp;',
      '&x;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<Quiet>true</Quiet>',
      ' xmlns="x"',
      '<?xml version="1.0"?>',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        const parsed = refusedOr(() => payload?.parse(parts.join(''))) as { Objects?: { Key?: string }[] } | null | undefined;
        for (const object of parsed?.Objects ?? []) expect(object.Key).to.be.a('string');
      }),
      runs,
    );
    const keys = fc.array(fc.string({ unit: fc.constantFrom('a', '/', ' ', 'é', '日') }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(keys, (names) => {
        const xml = `<Delete>${names.map((name) => `<Object><Key>${name}</Key></Object>`).join('')}</Delete>`;
        expect(payload?.parse(xml)).to.deep.equal({ Objects: names.map((Key) => ({ Key })) });
      }),
      runs,
    );
  });

  it('CRCs of parts make the CRC of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 5 }), async (parts) => {
        for (const name of ['crc32', 'crc32c', 'crc64nvme'] as const) {
          const combined = combineCrcs(
            name,
            await Promise.all(
              parts.map(async (part) => ({ crc: await smallDigest(name, Buffer.from(part)), size: part.length })),
            ),
          );
          expect(combined.equals(await smallDigest(name, Buffer.concat(parts)))).to.equal(true);
        }
      }),
      fuzzRuns(60),
    );
  });
});
