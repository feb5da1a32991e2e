/**
 * Writes clients/typescript/api.ts from the routes that the gateway serves: the types of what goes over the wire, and a table of the operations.
 *   node scripts/api-client.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '#protocols/rest/document';
import { ROUTES } from '#protocols/rest/routes';
import { renderApi } from './api-types.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
writeFileSync(join(root, 'clients/typescript/api.ts'), renderApi(openApiDocument(ROUTES, '')));
