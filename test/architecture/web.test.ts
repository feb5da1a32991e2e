import { expect } from 'chai';
import { ROOT } from '../support/process.ts';
import { readWeb, webViolations } from '../support/web-house.ts';
import { textFaults } from '../support/web-texts.ts';

describe('the page of the browser', () => {
  const files = readWeb(ROOT);

  it('knows the API by its client alone, makes no markup or code of text, and asks no other host', () => {
    expect(files.length).to.be.greaterThan(30);
    expect(webViolations(files)).to.deep.equal([]);
  });

  const wrong: Record<string, string> = {
    'an import of the gateway': "import type { x } from '../../src/core/errors.ts';\n",
    'a package that is not for it': "import React from 'react';\n",
    'markup made of text': 'export const F = () => <p dangerouslySetInnerHTML={{ __html: x }} />;\n',
    'a token in localStorage': "localStorage.setItem('token', t);\n",
    'a script from elsewhere': "import('https://cdn.example.org/x.js');\n",
    'state in a module': 'let n = 0;\n',
  };
  for (const [name, source] of Object.entries(wrong)) {
    it(`sees ${name}`, () => expect(webViolations([{ path: 'web/src/a.tsx', source }])).not.to.deep.equal([]));
  }

  it('has every text in every language, with the plural forms and the values that it needs, and no text that nobody shows', () => {
    expect(textFaults(files)).to.deep.equal([]);
  });

  it('sees a text that is missing, one that nobody shows, and a value that one language forgot', () => {
    const en = { 'a.b': 'Hello {name}', 'c.d': { one: '1', other: '{count}' } };
    const use = [{ path: 'web/src/a.tsx', source: "t('a.b', {}); t('c.d', {}); t('e.f');" }];
    expect(textFaults(use, { en, de: { 'a.b': 'Hallo', 'c.d': { one: '1', other: '{count}' } } })).to.deep.equal([
      'e.f: shown, but there is no text',
      'a.b: de has other values than en',
    ]);
    expect(textFaults(use.slice(0, 0), { en: { 'x.y': 'X' }, de: {} })).to.deep.equal([
      'x.y: nobody shows it',
      'x.y: de lacks it',
    ]);
    expect(textFaults([{ path: 'a', source: "t('c.d')" }], { en: { 'c.d': { other: '' } }, de: { 'c.d': '' } })).to.deep.equal([
      'c.d: en lacks the plural form one',
      'c.d: de has no plural forms',
    ]);
  });
});
