import { expect } from 'chai';
import { isCloudStoreError } from '#core/errors';
import { listHolds, parseIf, submittedTokens } from '#protocols/webdav/if-header';

describe('WebDAV: the If header', () => {
  it('reads the examples of RFC 4918 §10.4', () => {
    expect(parseIf('(<urn:uuid:181d4fae> ["I am an ETag"]) (["I am another ETag"])')).to.deep.equal([
      {
        resource: null,
        lists: [
          [
            { not: false, token: 'urn:uuid:181d4fae' },
            { not: false, etag: 'I am an ETag' },
          ],
          [{ not: false, etag: 'I am another ETag' }],
        ],
      },
    ]);
    expect(parseIf('(Not <urn:uuid:1> <urn:uuid:2>)')).to.deep.equal([
      {
        resource: null,
        lists: [
          [
            { not: true, token: 'urn:uuid:1' },
            { not: false, token: 'urn:uuid:2' },
          ],
        ],
      },
    ]);
    expect(parseIf('</resource1> (<urn:uuid:1>[W/"A weak ETag"]) (["strong ETag"]) <http://x/y>(NOT["z"])')).to.deep.equal([
      {
        resource: '/resource1',
        lists: [
          [
            { not: false, token: 'urn:uuid:1' },
            { not: false, etag: 'A weak ETag' },
          ],
          [{ not: false, etag: 'strong ETag' }],
        ],
      },
      { resource: 'http://x/y', lists: [[{ not: true, etag: 'z' }]] },
    ]);
  });

  it('submits every token, true or not, and never no-lock', () => {
    expect(submittedTokens(parseIf('(<a> ["x"]) (Not <DAV:no-lock>) (Not <b>)'))).to.deep.equal(['a', 'b']);
  });

  it('decides lists by the state of the resource', () => {
    const holds = (header: string, etag: string | null, tokens: string[]) =>
      parseIf(header).some(({ lists }) => lists.some((list) => listHolds(list, { etag, tokens })));
    expect(holds('(<t>)', null, ['t'])).to.equal(true);
    expect(holds('(<t>)', null, [])).to.equal(false);
    expect(holds('(<t> ["e"])', 'e', ['t'])).to.equal(true);
    expect(holds('(<t> ["e"])', 'f', ['t'])).to.equal(false);
    expect(holds('(<t> ["e"]) (Not <DAV:no-lock>)', 'f', [])).to.equal(true);
    expect(holds('(Not ["e"])', null, [])).to.equal(true);
  });

  it('refuses everything else', () => {
    for (const header of [
      '',
      ' ',
      '()',
      '(',
      '(<',
      '(<>)',
      '(<t>',
      '(["e]',
      '([e])',
      '(Not)',
      '(Notx <t>)',
      'x',
      '<r>',
      '<r> <s> (<t>)',
      '(<t>) <r> (<t>)',
      '(<t>) x',
      '(["e"]]',
      ')',
      '(\n<t>)',
      `(${'<t>'.repeat(10_000)})`,
    ]) {
      expect(() => parseIf(header), header)
        .to.throw()
        .satisfies((error: unknown) => isCloudStoreError(error, 'invalid_argument'));
    }
  });
});
