import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { OPERATIONS, SHAPES } from '#protocols/s3/model';
import { createTable } from '#protocols/s3/operations/table';
import { createRouter } from '#protocols/s3/schema';
import { parseQuery } from '#protocols/s3/uri';
import { renderCoverage } from '../../../scripts/s3-coverage.ts';
import { renderModel } from '../../../scripts/s3-model.ts';

describe('S3 model', () => {
  const route = createRouter();

  it('is what the installed SDK says', () => {
    const written = readFileSync(new URL('../../../protocols/s3/model.ts', import.meta.url), 'utf8');
    expect(written === renderModel(), 'run: node scripts/s3-model.ts').to.equal(true);
  });

  it('routes every operation to itself', () => {
    for (const [name, method, level, literals, , input] of OPERATIONS) {
      if (name === 'ListDirectoryBuckets' || name === 'WriteGetObjectResponse') continue;
      const { query, headers } = requiredOf(input);
      const found = route(method, level, parseQuery([...literals, ...query].join('&')), headers);
      expect(found.name).to.equal(name);
    }
  });

  it('is covered as docs/S3-COVERAGE.md says', () => {
    const written = readFileSync(new URL('../../../docs/S3-COVERAGE.md', import.meta.url), 'utf8');
    expect(written === renderCoverage(), 'run: node scripts/s3-coverage.ts').to.equal(true);
  });

  it('carries out only operations that exist', () => {
    const names = new Set(OPERATIONS.map(([name]) => name));
    for (const name of createTable().keys()) expect(names.has(name), name).to.equal(true);
  });
});

function requiredOf(input: string): { query: string[]; headers: Record<string, string> } {
  const query: string[] = [];
  const headers: Record<string, string> = {};
  for (const [, , traits] of shape(input)) {
    if (traits.required === undefined) continue;
    if (traits.query !== undefined) query.push(`${traits.query}=1`);
    if (traits.header !== undefined) headers[traits.header] = '1';
  }
  return { query, headers };
}

function shape(name: string) {
  return SHAPES[name]?.[0] ?? [];
}
