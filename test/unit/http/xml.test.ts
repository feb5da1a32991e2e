import { expect } from 'chai';
import fc from 'fast-check';
import { CloudStoreError } from '#core/errors';
import { escapeXml, parseXml } from '#http/xml';

describe('xml', () => {
  const seed = Number(process.env.CLOUDSTORE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  before(() => console.log(`      seed ${seed}`));

  it('knows namespaces, attributes and order', () => {
    const root = parseXml('<d:a xmlns:d="DAV:" xmlns="urn:x" d:p="1" q="2">one<b/>two<![CDATA[<3>]]></d:a>');
    expect(root).to.include({ namespace: 'DAV:', name: 'a', text: 'onetwo<3>' });
    expect(root.attributes).to.deep.equal([
      { namespace: 'DAV:', name: 'p', value: '1' },
      { namespace: '', name: 'q', value: '2' },
    ]);
    expect(root.children.map(({ namespace, name }) => `${namespace}${name}`)).to.deep.equal(['urn:xb']);
    expect(root.parts.map((part) => (typeof part === 'string' ? part : part.name))).to.deep.equal(['one', 'b', 'two', '<3>']);
  });

  const refused: Record<string, string> = {
    nothing: '',
    'no element': '   ',
    'no XML': 'hello',
    'an open end': '<a><b></a>',
    'an undeclared prefix': '<x:a/>',
    'two roots': '<a/><b/>',
    'an entity of its own': '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
    'an external entity': '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    'an unknown entity': '<a>&nbsp;</a>',
    'a control character': '<a>\u0001</a>',
    'too deep a nest': `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`,
    'too many elements': `<a>${'<b/>'.repeat(50_000)}</a>`,
  };
  for (const [name, source] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      expect(() => parseXml(source))
        .to.throw(CloudStoreError)
        .that.deep.includes({ code: 'invalid_argument' });
    });
  }

  it('takes as much as it allows', () => {
    expect(parseXml(`${'<a>'.repeat(64)}${'</a>'.repeat(64)}`).name).to.equal('a');
    expect(parseXml(`<a>${'<b/>'.repeat(49_999)}</a>`).children).to.have.length(49_999);
  });

  it('escapes what it can carry and replaces what it cannot', () => {
    const carried = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(carried, (text) => {
        const plain = text.toWellFormed().replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd');
        const root = parseXml(`<a b="${escapeXml(text).replace(/[\t\n]/g, ' ')}">${escapeXml(text)}</a>`);
        return root.text === plain && root.attributes[0]?.value === plain.replace(/[\t\n]/g, ' ');
      }),
      { seed, numRuns: 1000 },
    );
  });
});
