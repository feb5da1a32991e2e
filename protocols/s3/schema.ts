import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from './errors.ts';
import { OPERATIONS, SHAPES } from './model.ts';
import type { ModelMember, ModelShape } from './model-types.ts';
import type { Query } from './uri.ts';

/** An operation of AWS's model, ready to be matched. */
export interface Operation {
  name: string;
  status: number;
  input: string;
  output: string;
  /** How many parts of the request name it: the most specific candidate wins. */
  weight: number;
  subresources: ReadonlySet<string>;
  matches(query: Query, headers: IncomingHttpHeaders): boolean;
}

export type Router = (
  method: string,
  level: 'service' | 'bucket' | 'object',
  query: Query,
  headers: IncomingHttpHeaders,
) => Operation;

/** These have endpoints of their own at AWS and would shadow others here. */
const ELSEWHERE: ReadonlySet<string> = new Set(['ListDirectoryBuckets', 'WriteGetObjectResponse']);

/** Compiles the model's routes. A request that names a subresource never falls through to an operation without it. */
export function createRouter(): Router {
  const table = new Map<string, Operation[]>();
  const subresources = new Set<string>();
  for (const [name, method, level, literals, status, input, output] of OPERATIONS) {
    if (ELSEWHERE.has(name)) continue;
    const wanted = literals.map((literal): [string, string | undefined] => {
      const [key = '', value] = literal.split('=');
      return [key, value];
    });
    const members = shapeOf(input)?.[0] ?? [];
    const queries = required(members, (traits) => traits.query);
    const headers = required(members, (traits) => traits.header);
    for (const [key] of wanted) subresources.add(key);
    const operation: Operation = {
      name,
      status,
      input,
      output,
      weight: wanted.length * 4 + queries.length + headers.length,
      subresources: new Set(wanted.map(([key]) => key)),
      matches: (query, given) =>
        wanted.every(([key, value]) => (value === undefined ? query.has(key) : query.get(key) === value)) &&
        queries.every((key) => query.has(key)) &&
        headers.every((key) => given[key] !== undefined),
    };
    const place = `${method} ${level}`;
    table.set(place, [...(table.get(place) ?? []), operation]);
  }
  for (const operations of table.values()) operations.sort((a, b) => b.weight - a.weight);

  return (method, level, query, headers) => {
    const found = table.get(`${method} ${level}`)?.find((operation) => operation.matches(query, headers));
    if (found === undefined) {
      throw new S3Error('MethodNotAllowed', undefined, { Method: method, ResourceType: level.toUpperCase() });
    }
    for (const [name] of query.pairs) {
      if (subresources.has(name) && !found.subresources.has(name) && name !== 'list-type' && name !== 'encryption') {
        throw new S3Error('InvalidArgument', `The subresource ${name} does not go with this request.`, { ArgumentName: name });
      }
    }
    if (found.name === 'PutObject' || found.name === 'CopyObject') assertNoPart(query);
    return found;
  };
}

/** Half of a part's name must not write over the whole object. */
function assertNoPart(query: Query): void {
  const [given, missing] = query.has('uploadId') ? ['uploadId', 'partNumber'] : ['partNumber', 'uploadId'];
  if (query.has(given)) throw new S3Error('InvalidArgument', `${given} needs ${missing} beside it.`, { ArgumentName: missing });
}

export function shapeOf(name: string): ModelShape | undefined {
  return SHAPES[name];
}

function required(members: readonly ModelMember[], binding: (traits: ModelMember[2]) => string | undefined): string[] {
  return members.flatMap(([, , traits]) => {
    const name = traits.required === undefined ? undefined : binding(traits);
    return name === undefined ? [] : [name];
  });
}
