import { isDeepStrictEqual } from 'node:util';
import { ROUTES } from '#protocols/rest/routes';

const ROOT = '/api/v1';
const PROBLEM = 'application/problem+json';

/**
 * Fetch that holds every answer of the API to its document: the status is one that the route names, JSON is what its schema says and no more, and a refusal is a
 * problem. Throws where it is not so.
 */
export const checkedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  const url = new URL(String(input instanceof Request ? input.url : input));
  if (!url.pathname.startsWith(ROOT)) return response;
  const method = (init?.method ?? 'GET').toLowerCase();
  const path = url.pathname.slice(ROOT.length);
  const route = ROUTES.find((one) => one.method === method && pattern(one.path).test(path));
  const what = `${method.toUpperCase()} ${path} answers ${response.status}`;
  if (response.status === 304) return response;
  if (!response.ok) {
    const type = response.headers.get('content-type');
    if (type !== PROBLEM) throw new Error(`${what} as ${type}`);
    return response;
  }
  if (route === undefined) throw new Error(`${what}, and no route is documented there`);
  const answer = route.answers[response.status];
  if (answer === undefined) throw new Error(`${what}, which ${route.operation} does not name`);
  const json = response.headers.get('accept-ranges') === null && /\bjson\b/.test(response.headers.get('content-type') ?? '');
  if (!json || answer.schema === undefined || answer.schema === 'bytes') return response;
  const value: unknown = await response.clone().json();
  const parsed = answer.schema.safeParse(value);
  if (!parsed.success) throw new Error(`${what}: ${JSON.stringify(parsed.error.issues.slice(0, 3))}`);
  if (!isDeepStrictEqual(parsed.data, value)) throw new Error(`${what} with more than its schema says: ${JSON.stringify(value)}`);
  return response;
};

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace('/{key}', '(/.*)?').replace(/\{\w+\}/g, '[^/]+')}$`);
}
