import { expect } from 'chai';
import fc from 'fast-check';
import { escapeXml, parseXml } from '#http/xml';
import { expectedDigests, wantedDigest } from '#protocols/webdav/digests';
import { faultOf } from '#protocols/webdav/errors';
import { listHolds, parseIf, submittedTokens } from '#protocols/webdav/if-header';
import { boundaryOf, partsOf } from '#protocols/webdav/nextcloud/multipart';
import { parsePath } from '#protocols/webdav/paths';
import { planPatch } from '#protocols/webdav/properties/patch';
import { parsePropfind } from '#protocols/webdav/properties/propfind-request';
import { parseDepth, parseDestination, parseLockToken, parseTimeout } from '#protocols/webdav/request-headers';
import { parseSyncRequest } from '#protocols/webdav/sync/request';
import { formatSyncToken, parseSyncToken } from '#protocols/webdav/sync/token';
import { serialize } from '#protocols/webdav/xml-element';

const DAV_MOUNT = { base: '/dav', bucket: null };

const seed = Number(process.env.CLOUDSTORE_TEST_SEED ?? 0) || Math.floor(Math.random() * 2 ** 31);
/** CLOUDSTORE_TEST_LONG=1 goes on for longer. */
const times = process.env.CLOUDSTORE_TEST_LONG === '1' ? 20 : 1;

/** Text that is nearly a header: pieces of its grammar, and rubbish between. */
function nearly(...pieces: string[]): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 24 })
    .map((parts) => parts.join(''));
}

/** A parser of foreign bytes may refuse, as a client's fault, and do nothing else. */
function refusesOrReads(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(faultOf(error).status, String(error)).to.be.oneOf([400, 502]);
  }
}

describe(`WebDAV: parsers of foreign text (seed ${seed})`, function () {
  this.timeout(60_000 * times);
  it('If: reads or refuses anything, at once', () => {
    fc.assert(
      fc.property(nearly('(', ')', '<', '>', '[', ']', '"', 'Not ', 'W/', '<urn:uuid:1>', '["e"]', ' ', '\t', '/a'), (header) => {
        refusesOrReads(() => {
          const productions = parseIf(header);
          submittedTokens(productions);
          for (const { lists } of productions) for (const list of lists) listHolds(list, { etag: 'e', tokens: ['urn:uuid:1'] });
        });
      }),
      { seed, numRuns: 20_000 * times },
    );
    const begun = process.cpuUsage();
    for (const storm of [
      '('.repeat(16_000),
      '(Not '.repeat(3_000),
      '<'.repeat(16_000),
      `(${'<a>'.repeat(5_000)})`,
      `(["e"])${' '.repeat(16_000)}`,
    ]) {
      refusesOrReads(() => parseIf(storm));
    }
    const { user, system } = process.cpuUsage(begun);
    expect((user + system) / 1000, 'milliseconds of this process, whatever else the machine does').to.be.lessThan(2_000);
  });

  it('If: what is written by the grammar is read back', () => {
    const word = fc.stringMatching(/^[a-z0-9:-]{1,8}$/);
    const condition = fc.record({ not: fc.boolean(), text: word, etag: fc.boolean() });
    const lists = fc.array(fc.array(condition, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
    const productions = fc.oneof(
      lists.map((only) => [{ resource: null, lists: only }]),
      fc.array(fc.record({ resource: word, lists }), { minLength: 1, maxLength: 3 }),
    );
    fc.assert(
      fc.property(productions, (wanted) => {
        const header = wanted
          .map(({ resource, lists: of }) => {
            const tag = resource === null ? '' : `<${resource}> `;
            const write = (c: { not: boolean; text: string; etag: boolean }) =>
              `${c.not ? 'Not ' : ''}${c.etag ? `["${c.text}"]` : `<${c.text}>`}`;
            return tag + of.map((list) => `(${list.map(write).join(' ')})`).join(' ');
          })
          .join(' ');
        const expected = wanted.map(({ resource, lists: of }) => ({
          resource,
          lists: of.map((list) => list.map(({ not, text, etag }) => (etag ? { not, etag: text } : { not, token: text }))),
        }));
        expect(parseIf(header)).to.deep.equal(expected);
      }),
      { seed, numRuns: 2_000 * times },
    );
  });

  it('paths and Destination: read or refused, never outside of the mount', () => {
    const path = nearly(
      '/',
      '/dav/',
      'home',
      '..',
      '.',
      '%2e',
      '%2F',
      '%00',
      '%ff',
      '%',
      '%C3%A9',
      '#',
      '?',
      '\\',
      '\uec5a',
      '%EE%B1%9A',
      'empty',
      'folder',
      '002e',
    );
    fc.assert(
      fc.property(path, (text) => {
        refusesOrReads(() => {
          const target = parsePath(DAV_MOUNT, text);
          if (target?.kind !== 'place') return;
          expect(target.href.startsWith('/dav/')).to.equal(true);
          expect(target.key).not.to.include('\0');
          expect(target.href).not.to.match(/\/\.{1,2}(\/|$)/);
          expect(parsePath(DAV_MOUNT, target.href)).to.include({ bucket: target.bucket, key: target.key, folder: target.folder });
        });
        refusesOrReads(() => parseDestination({ destination: `http://box${text}`, host: 'box' }, DAV_MOUNT, []));
        refusesOrReads(() => parseDestination({ destination: text, host: 'box' }, DAV_MOUNT, []));
      }),
      { seed, numRuns: 10_000 * times },
    );
  });

  it('Depth, Timeout, Lock-Token: read or refused', () => {
    fc.assert(
      fc.property(nearly('0', 'infinity', 'Second-', '99999999999999', ',', '<', '>', 'urn:uuid:1', '-', 'e9'), (text) => {
        refusesOrReads(() => parseDepth({ depth: text }, ['0', '1', 'infinity'], '0'));
        refusesOrReads(() => parseLockToken({ 'lock-token': text }));
        expect(parseTimeout({ timeout: text })).to.be.within(1000, 86_400_000);
      }),
      { seed, numRuns: 5_000 * times },
    );
  });

  const words = [
    'propfind',
    'prop',
    'allprop',
    'include',
    'propertyupdate',
    'set',
    'remove',
    'getetag',
    'mkcol',
    'resourcetype',
    'collection',
    'lockinfo',
  ];
  const report = ['sync-collection', 'sync-token', 'sync-level', 'limit', 'nresults', '1', 'infinite'];

  it('XML: reads or refuses anything, at once', () => {
    const tags = [...words, ...report].flatMap((word) => [
      `<d:${word}>`,
      `</d:${word}>`,
      `<d:${word}/>`,
      `<${word} xmlns="urn:x" a='1'>`,
    ]);
    const rubbish = [
      '<',
      '>',
      '&',
      '&lt;',
      '&#0;',
      '&#x10ffff;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<!DOCTYPE a>',
      '<?x?>',
      'xmlns:d="DAV:"',
      '\ud800',
      '\u0000',
    ];
    fc.assert(
      fc.property(nearly(...tags, ...rubbish), (inside) => {
        for (const text of [inside, `<d:propfind xmlns:d="DAV:">${inside}</d:propfind>`]) {
          refusesOrReads(() => {
            const element = parseXml(text);
            refusesOrReads(() => parsePropfind(element));
            refusesOrReads(() => parseSyncRequest(element, {}));
            refusesOrReads(() => planPatch(element, 'object'));
            expect(parseXml(serialize(element)).name).to.equal(element.name);
          });
        }
      }),
      { seed, numRuns: 5_000 * times },
    );
  });

  it('XML: what is stored of a property says the same when it is read again', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 12 })
      .filter((one) => !/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff\r]/.test(one));
    const name = fc.stringMatching(/^[a-z]{1,6}$/).filter((one) => one !== 'xmlns');
    fc.assert(
      fc.property(name, name, text, text, (element, attribute, value, content) => {
        const given = `<x:${element} xmlns:x="urn:${element}" ${attribute}="${escapeXml(value)}">${escapeXml(content)}<y/></x:${element}>`;
        const once = parseXml(given);
        const twice = parseXml(serialize(once));
        expect([twice.namespace, twice.name, twice.text, twice.children.length]).to.deep.equal([
          once.namespace,
          once.name,
          content,
          1,
        ]);
        expect(twice.attributes).to.deep.equal(once.attributes);
      }),
      { seed, numRuns: 2_000 * times },
    );
  });

  it('sync tokens and digests: read or refused; a token that we say is read back', () => {
    const token = nearly('urn:cloudstore:sync:', '1-', '2-', '3.4', ':', '.', 'YQ', '-', '_', '99999999999999999999');
    fc.assert(
      fc.property(token, nearly('sha-256', '=', ':', 'AAAA', ',', 'SHA1:', 'md5', '==', ';q=', '0.5'), (text, header) => {
        refusesOrReads(() => parseSyncToken(text));
        refusesOrReads(() =>
          expectedDigests({ 'repr-digest': header, digest: header, 'content-md5': header, 'oc-checksum': header }),
        );
        refusesOrReads(() => wantedDigest({ 'want-repr-digest': header }));
        refusesOrReads(() => wantedDigest({ 'want-digest': header }));
      }),
      { seed, numRuns: 5_000 * times },
    );
    const state = fc.record({
      folder: fc.record({ bucket: fc.nat(), directoryId: fc.nat() }),
      cursor: fc.record({ epoch: fc.nat(999_999), seq: fc.nat() }),
      walks: fc.array(fc.record({ prefix: fc.string({ unit: 'grapheme' }), after: fc.string({ unit: 'grapheme' }) }), {
        maxLength: 4,
      }),
    });
    fc.assert(
      fc.property(state, (given) => {
        expect(parseSyncToken(formatSyncToken(given))).to.deep.equal(given);
      }),
      { seed, numRuns: 1_000 * times },
    );
  });

  it('many files in one body: every part is read back, in whatever pieces it comes; anything else is refused', async () => {
    const boundary = 'b+o/u=nd';
    const piece = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const part = fc.record({
      path: fc.stringMatching(/^[ -9;-~]{0,20}$/),
      body: fc.oneof(piece, fc.constant(Buffer.from(`\r\n--${boundary}\r\n`))),
    });
    const written = (parts: { path: string; body: Buffer }[]): Buffer =>
      Buffer.concat([
        ...parts.flatMap(({ path, body }) => [
          Buffer.from(`--${boundary}\r\nX-File-Path: ${path}\r\ncontent-length: ${body.length}\r\n\r\n`),
          body,
          Buffer.from('\r\n'),
        ]),
        Buffer.from(`--${boundary}--\r\n`),
      ]);
    async function* cut(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    const read = async (bytes: Buffer, size: number, skips: boolean): Promise<{ path: string; body: Buffer }[]> => {
      const out: { path: string; body: Buffer }[] = [];
      for await (const { headers, body } of partsOf(cut(bytes, size), boundary)) {
        const chunks: Uint8Array[] = [];
        if (!skips) for await (const chunk of body) chunks.push(chunk);
        out.push({ path: headers['x-file-path'] ?? '', body: Buffer.concat(chunks) });
      }
      return out;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), fc.integer({ min: 1, max: 400 }), async (parts, size) => {
        const trimmed = parts.map(({ path, body }) => ({ path: path.trim(), body }));
        expect(await read(written(parts), size, false)).to.deep.equal(trimmed);
        expect((await read(written(parts), size, true)).length, 'parts that nobody reads').to.equal(parts.length);
      }),
      { seed, numRuns: 300 * times },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.uint8Array({ maxLength: 4 }),
        async (parts, at, put) => {
          const whole = written(parts);
          const place = at % whole.length;
          const broken = Buffer.concat([whole.subarray(0, place), Buffer.from(put), whole.subarray(place + (at % 7))]);
          await read(broken, 50, at % 2 === 0).catch((error: unknown) =>
            expect(faultOf(error).status, String(error)).to.equal(400),
          );
        },
      ),
      { seed, numRuns: 1000 * times },
    );
    for (const type of [
      '',
      'multipart/related',
      'multipart/form-data; boundary=x',
      `multipart/related; boundary=${'x'.repeat(300)}`,
    ])
      expect(() => boundaryOf(type), type).to.throw();
    expect(boundaryOf('multipart/related; type="a"; boundary="a b"')).to.equal('a b');
  });
});
