import { OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { type Answer, type Route, takesKey } from './route.ts';
import { Problem } from './schema.ts';

/** OpenAPI 3.1 of the routes, from the very schemas that check the requests. */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' });
  registry.registerComponent('securitySchemes', 'basic', { type: 'http', scheme: 'basic' });
  for (const route of routes) registry.registerPath(pathOf(route));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'CloudStore',
      version,
      description:
        'Files of a personal cloud. What S3, WebDAV and this API write is the same namespace. Errors are RFC 9457 problems with a `code`.',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ bearer: [] }, { basic: [] }],
  });
}

const IDEMPOTENCY = { 'Idempotency-Key': 'The request is carried out once, however often it is sent with this key within a day' };

const CONDITIONS = {
  'If-Match': 'RFC 9110: only if this ETag of the read is still so',
  'If-None-Match': 'RFC 9110: `*`, only if nothing is there yet',
};

type PathConfig = Parameters<OpenAPIRegistry['registerPath']>[0];

function pathOf(route: Route): PathConfig {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const headers = Object.entries({
    ...route.headers,
    ...(takesKey(route) ? IDEMPOTENCY : {}),
    ...(typeof route.changes === 'string' ? CONDITIONS : {}),
    ...(route.state === undefined ? {} : { 'If-None-Match': 'RFC 9110: 304 while the ETag is the same' }),
  });
  const body = bodyOf(route);
  return {
    method: route.method,
    path: route.path,
    operationId: route.operation,
    summary: route.summary,
    tags: [route.path.split('/')[1] ?? ''],
    ...(route.open === true ? { security: [] } : {}),
    request: {
      ...(names.length === 0 ? {} : { params: z.object(Object.fromEntries(names.map((name) => [name, parameter(name)]))) }),
      ...(route.query === undefined ? {} : { query: route.query }),
      ...(headers.length === 0
        ? {}
        : {
            headers: z.object(
              Object.fromEntries(headers.map(([name, description]) => [name, z.string().optional().meta({ description })])),
            ),
          }),
      ...(body === null ? {} : { body }),
    },
    responses: {
      ...Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, answerOf(route, answer)])),
      default: { description: 'A problem.', content: { 'application/problem+json': { schema: Problem } } },
    },
  };
}

function parameter(name: string): z.ZodType {
  if (name !== 'key') return z.string();
  return z
    .string()
    .meta({ description: 'The rest of the path: segments percent-encoded one by one, slashes kept. May be empty.' });
}

const BYTES = { schema: { type: 'string', format: 'binary' } } as const;

type RequestBody = NonNullable<NonNullable<PathConfig['request']>['body']>;

function bodyOf(route: Route): RequestBody | null {
  if (route.upload === true) return { content: { 'application/octet-stream': BYTES } };
  return route.body === undefined ? null : { required: true, content: { 'application/json': { schema: route.body } } };
}

function answerOf(route: Route, { description, schema }: Answer): PathConfig['responses'][string] {
  if (schema === undefined) return { description };
  if (schema === 'bytes') return { description, content: { 'application/octet-stream': BYTES } };
  const json = { 'application/json': { schema } };
  return { description, content: route.operation === 'GetFile' ? { ...json, 'application/octet-stream': BYTES } : json };
}
