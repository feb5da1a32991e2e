import { expect } from 'chai';
import fc from 'fast-check';
import { isCloudStoreError } from '#core/errors';
import { S3Error } from '#protocols/s3/errors';
import { formBoundary, openForm } from '#protocols/s3/multipart-form';
import { checkPolicy, parsePolicy } from '#protocols/s3/post-policy';
import { canonicalRequest } from '#protocols/s3/sigv4';
import { readTagging } from '#protocols/s3/tag-set';
import { parseQuery } from '#protocols/s3/uri';
import { anyText, FUZZ_TIMEOUT_MS, fuzzRuns, fuzzSeed } from '../support/fuzz.ts';

const runs = fuzzRuns(300);
const BOUNDARY = 'b';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
}

/** Foreign bytes may be refused, in S3's words; nothing else may come out. */
function assertRefusal(error: unknown): void {
  if (!(error instanceof S3Error) && !isCloudStoreError(error)) throw error;
}

async function readForm(bytes: Uint8Array, size: number): Promise<{ fields: Map<string, string>; file: Buffer } | null> {
  try {
    const form = await openForm(pieces(bytes, size), BOUNDARY);
    const file: Uint8Array[] = [];
    for await (const piece of form.file.body) file.push(piece);
    return { fields: new Map(form.fields), file: Buffer.concat(file) };
  } catch (error) {
    assertRefusal(error);
    return null;
  }
}

function formOf(fields: readonly (readonly [string, string])[], file: Uint8Array): Buffer {
  const part = (name: string, more = ''): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const head = fields.map(([name, value]) => `${part(name)}${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(head + part('file', '; filename="f"')), file, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
}

describe(`S3 forms, policies and signatures, fuzzed (CLOUDSTORE_TEST_SEED=${fuzzSeed})`, function () {
  this.timeout(FUZZ_TIMEOUT_MS);
  const name = fc.stringMatching(/^[a-z][a-z-]{0,12}$/).filter((text) => text !== 'file');
  const value = fc.stringMatching(/^[ -~]{0,40}$/).filter((text) => !text.includes(`--${BOUNDARY}`));
  // A line's end stands before it, too.
  const file = fc.uint8Array({ maxLength: 200 }).filter((bytes) => !`\r\n${Buffer.from(bytes)}`.includes(`\r\n--${BOUNDARY}`));

  it('forms: what was sent comes out, however it was cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, value), { maxLength: 6, selector: ([one]) => one }),
        file,
        fc.integer({ min: 1, max: 60 }),
        async (fields, bytes, size) => {
          const form = await readForm(formOf(fields, bytes), size);
          expect(form?.fields).to.deep.equal(new Map(fields));
          expect(form?.file.equals(Buffer.from(bytes))).to.equal(true);
        },
      ),
      runs,
    );
  });

  it('forms: what was changed anywhere is read or refused, and ends', async () => {
    const part = fc.constantFrom(
      '\r\n',
      '--b',
      '--',
      'Content-Disposition: form-data',
      '; name="',
      'file',
      '"',
      '\r\n\r\n',
      '\\',
      '\0',
      'a',
      'é',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), async (parts, size) => {
        await readForm(Buffer.from(parts.join('')), size);
      }),
      runs,
    );
    await fc.assert(
      fc.asyncProperty(file, fc.nat(), fc.nat(255), async (bytes, at, to) => {
        const body = formOf([['key', 'a']], bytes);
        body[at % body.length] = to;
        await readForm(body, 16);
      }),
      runs,
    );
  });

  it('boundaries: any content type names one, names none or is refused', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const type of [text, `multipart/form-data;${text}`, `multipart/form-data; boundary=${text}`]) {
          try {
            expect(formBoundary(type)?.length ?? 1).to.be.within(1, 70);
          } catch (error) {
            assertRefusal(error);
          }
        }
      }),
      runs,
    );
  });

  it('policies: any JSON is a policy or refused, and what it allows is what it says', () => {
    const json = fc.json();
    const condition = fc.oneof(
      fc.tuple(
        fc.constantFrom('eq', 'starts-with', 'content-length-range', 'EQ', 'x'),
        fc.oneof(fc.constant('$key'), fc.jsonValue()),
        fc.jsonValue(),
      ),
      fc.dictionary(name, fc.oneof(value, fc.jsonValue()), { maxKeys: 2 }),
      fc.jsonValue(),
    );
    const shaped = fc.record({
      expiration: fc.constantFrom('2099-01-01T00:00:00Z', 'x'),
      conditions: fc.array(condition, { maxLength: 6 }),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          json,
          shaped.map((policy) => JSON.stringify(policy)),
        ),
        value,
        (text, key) => {
          try {
            const policy = parsePolicy(Buffer.from(text).toString('base64'));
            checkPolicy(
              policy,
              new Map([
                ['key', key],
                ['bucket', 'b'],
              ]),
              0,
            );
            // It was let in: every condition holds, and the one field that needs naming is named.
            expect(policy.conditions.some(({ field }) => field === 'key')).to.equal(true);
            for (const { match, field, value: wanted } of policy.conditions) {
              const given = field === 'key' ? key : field === 'bucket' ? 'b' : '';
              expect(match === 'eq' ? given === wanted : given.startsWith(wanted)).to.equal(true);
            }
          } catch (error) {
            if (error instanceof Error && error.name === 'AssertionError') throw error;
            assertRefusal(error);
          }
        },
      ),
      runs,
    );
  });

  it('tagging headers: any text is at most ten tags, each named once, or refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.array(fc.tuple(name, value)).map((tags) => tags.map((tag) => tag.join('=')).join('&')),
        ),
        (text) => {
          try {
            expect(Object.keys(readTagging(text) ?? {}).length).to.be.at.most(10);
          } catch (error) {
            assertRefusal(error);
          }
        },
      ),
      runs,
    );
  });

  it('canonical requests: the order of a query does not matter, and two that differ are not one', () => {
    const pair = fc.tuple(name, value);
    const canonical = (pairs: readonly (readonly [string, string])[], path: string): string => {
      const raw = pairs.map(([one, other]) => `${encodeURIComponent(one)}=${encodeURIComponent(other)}`).join('&');
      const request = { method: 'GET', path, query: parseQuery(raw), header: () => 'h' };
      return canonicalRequest(request, path, ['host'], 'UNSIGNED-PAYLOAD');
    };
    fc.assert(
      fc.property(fc.uniqueArray(pair, { maxLength: 6, selector: ([one]) => one }), pair, (pairs, more) => {
        const turned = pairs.toReversed();
        expect(canonical(turned, '/a')).to.equal(canonical(pairs, '/a'));
        expect(canonical(pairs, '/b')).to.not.equal(canonical(pairs, '/a'));
        expect(canonical([...pairs, more], '/a')).to.not.equal(canonical(pairs, '/a'));
      }),
      runs,
    );
  });
});
