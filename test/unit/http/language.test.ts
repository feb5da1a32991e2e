import { expect } from 'chai';
import { languageOf } from '#http/language';

describe('the language that a browser asks for', () => {
  for (const [header, language] of [
    [undefined, 'en'],
    ['', 'en'],
    ['de', 'de'],
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['en-GB,en;q=0.9,de;q=0.8', 'en'],
    ['en;q=0.3, de;q=0.7', 'de'],
    ['fr-FR, fr;q=0.9, DE;q=0.5', 'de'],
    ['fr, *', 'en'],
    ['de;q=0', 'en'],
    ['den, det', 'en'],
    [`${'x,'.repeat(10_000)}de`, 'en'],
  ] as const)
    it(`is ${language} of ${String(header).slice(0, 40)}`, () => expect(languageOf(header)).to.equal(language));
});
