import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openApiDocument } from '#protocols/rest/document';
import { ROUTES } from '#protocols/rest/routes';
import { renderApi } from '../../../scripts/api-types.ts';
import { ROOT } from '../../support/process.ts';

describe('the typed client', () => {
  it('has the types of the schemas of now (npm run api-client)', () => {
    const written = readFileSync(join(ROOT, 'clients/typescript/api.ts'), 'utf8');
    expect(
      written === renderApi(openApiDocument(ROUTES, '')),
      'clients/typescript/api.ts is older than the routes: npm run api-client',
    ).to.equal(true);
  });

  it('needs no package and nothing of the gateway', () => {
    for (const name of ['index', 'api', 'client', 'events', 'problem', 'reading', 'sender', 'session', 'upload']) {
      const source = readFileSync(join(ROOT, `clients/typescript/${name}.ts`), 'utf8');
      for (const [, from] of source.matchAll(/from '([^']+)'/g)) expect(from, name).to.match(/^\.\/\w+\.ts$/);
      expect(source, name).to.not.match(/\bprocess\.|\bBuffer\b|localStorage/);
    }
  });
});
