/** The TypeScript of an OpenAPI document of ours: one type for each schema with a name, and what each operation takes and gives. */

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  description?: string;
}
interface Content {
  content?: Record<string, { schema: Schema }>;
}
interface Operation {
  operationId: string;
  summary?: string;
  parameters?: { in: string; name: string; required?: boolean; schema: Schema; description?: string }[];
  requestBody?: Content;
  responses: Record<string, Content>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export function renderApi(document: object): string {
  const { paths, components } = document as Document; // our own generator made it
  const lines = [
    '// Made by scripts/api-client.ts from the schemas of the gateway. Changes belong there.',
    '',
    '/** What a file is uploaded from. */',
    'export type UploadBody = Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> | ReadableStream<Uint8Array> | string;',
    '',
  ];
  for (const [name, schema] of Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(...comment(schema.description, ''), `export type ${name} = ${typeOf(schema, '')};`, '');
  }
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })))
    .sort((a, b) => (a.operationId < b.operationId ? -1 : 1));
  lines.push('/** What each operation takes and gives. */', 'export interface Operations {');
  for (const operation of operations) {
    const { operationId, summary, parameters = [], requestBody } = operation;
    lines.push(...comment(summary, '  '), `  ${operationId}: {`);
    lines.push(
      `    path: ${object(
        parameters.filter((one) => one.in === 'path'),
        () => 'string',
      )};`,
    );
    lines.push(`    query: ${object(parameters.filter((one) => one.in === 'query'))};`);
    lines.push(`    body: ${requestOf(requestBody)};`);
    lines.push(`    answer: ${answerOf(operation.responses)};`, '  };');
  }
  lines.push(
    '}',
    '',
    '/** Where each operation lies: method, and path below the root of the API. */',
    'export const OPERATIONS = {',
  );
  for (const { operationId, method, path } of operations) {
    lines.push(`  ${operationId}: ['${method.toUpperCase()}', '${path}'],`);
  }
  lines.push('} as const satisfies Record<keyof Operations, readonly [string, string]>;', '');
  return lines.join('\n');
}

function comment(text: string | undefined, indent: string): string[] {
  return text === undefined ? [] : [`${indent}/** ${text.replaceAll('*/', '* /')} */`];
}

function object(parameters: NonNullable<Operation['parameters']>, typed: (schema: Schema) => string = inQuery): string {
  const fields = parameters.map(
    ({ name, required, schema }) => `${quoted(name)}${required === true ? '' : '?'}: ${typed(schema)}`,
  );
  return fields.length === 0 ? 'Record<never, never>' : `{ ${fields.join('; ')} }`;
}

/** A query is text: switches and numbers are written for the caller. */
function inQuery(schema: Schema): string {
  if (schema.enum?.includes('') === true) return 'boolean';
  return schema.type === 'string' && schema.enum === undefined ? 'string | number' : typeOf(schema, '');
}

function requestOf(body: Content | undefined): string {
  const content = body?.content;
  if (content === undefined) return 'undefined';
  const json = content['application/json'];
  return json === undefined ? 'UploadBody' : typeOf(json.schema, '    ');
}

function answerOf(responses: Record<string, Content>): string {
  const types = Object.entries(responses)
    .filter(([status]) => /^2/.test(status))
    .map(([, { content }]) => {
      const json = content?.['application/json'];
      if (json !== undefined) return typeOf(json.schema, '    ');
      return content === undefined ? 'undefined' : 'Blob';
    });
  const distinct = [...new Set(types)];
  return distinct.length === 0 ? 'undefined' : distinct.join(' | ');
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const several = schema.oneOf ?? schema.anyOf;
  if (several !== undefined) return several.map((one) => typeOf(one, indent)).join(' | ');
  if (schema.allOf !== undefined) return schema.allOf.map((one) => typeOf(one, indent)).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, indent)).join(' | ');
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array': {
      const item = typeOf(schema.items ?? {}, indent);
      return /[|&]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
    }
    case 'object':
      return objectType(schema, indent);
    default:
      return 'unknown';
  }
}

function objectType({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  if (properties === undefined) {
    return typeof additionalProperties === 'object'
      ? `Record<string, ${typeOf(additionalProperties, indent)}>`
      : 'Record<string, unknown>';
  }
  const inner = `${indent}  `;
  const fields = Object.entries(properties).flatMap(([name, schema]) => [
    ...comment(schema.description, inner),
    `${inner}${quoted(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema, inner)};`,
  ]);
  return fields.length === 0 ? 'Record<string, never>' : `{\n${fields.join('\n')}\n${indent}}`;
}

function quoted(name: string): string {
  return /^[a-z_]\w*$/i.test(name) ? name : `'${name}'`;
}
