import { httpDate } from '#http/conditional-headers';
import { escapeXml } from '#http/xml';
import { XmlBytes } from '#http/xml-bytes';
import type { ModelMember, ModelType } from './model-types.ts';
import { shapeOf } from './schema.ts';

/** What an operation answers: members by AWS's names. */
export type Output = Record<string, unknown>;

/** Stands in an output for all the elements of a member, written already; as does `XmlBytes` for one of the output's own. */
export class Markup {
  readonly xml: string;
  constructor(xml: string) {
    this.xml = xml;
  }
}

export interface ResponseWriter {
  headers(output: Output): Record<string, string>;
  /** The document, or null when the output has no body. */
  body(output: Output): string | null;
  /** The document where a member of the output is bytes: those, with the rest around them. null: none is. */
  page(output: Output): XmlBytes | null;
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const DISPOSITION = 'content-disposition';

type Emit = (value: unknown) => string;

/** Compiles the writer of one output shape. Dates are ISO with milliseconds in XML and IMF-fixdate in headers, as AWS has them. */
export function compileWriter(shapeName: string, operation: string): ResponseWriter {
  const shape = shapeOf(shapeName);
  const members = shape?.[0] ?? [];
  const bound = members
    .filter(([, , traits]) => traits.header !== undefined || traits.prefix !== undefined)
    // Behind a Content-Length, node:http reads the bytes of this one as UTF-8 and sends something else.
    .sort(([, , a], [, , b]) => Number(b.header === DISPOSITION) - Number(a.header === DISPOSITION));
  const payload = members.find(([, , traits]) => traits.payload === 1);
  const inBody = members.filter(([, , traits]) => !traits.header && !traits.prefix && !traits.payload);
  const rootName = shape?.[1] ?? shapeName;
  return {
    headers(output) {
      const headers: Record<string, string> = {};
      for (const [name, type, traits] of bound) {
        const value = output[name];
        if (value === undefined || value === null) continue;
        if (traits.prefix !== undefined) {
          for (const [key, text] of Object.entries(value as Record<string, string>)) headers[traits.prefix + key] = text;
        } else headers[traits.header as string] = headerText(value, type);
      }
      return headers;
    },
    body: bodyWriter(operation, rootName, payload, inBody),
    page: pageWriter(rootName, inBody),
  };
}

function bodyWriter(
  operation: string,
  rootName: string,
  payload: ModelMember | undefined,
  inBody: readonly ModelMember[],
): ResponseWriter['body'] {
  // AWS's answer is the bare element (trait s3UnwrappedXmlOutput); empty means us-east-1.
  if (operation === 'GetBucketLocation')
    return (output) => document('LocationConstraint', escapeXml(text(output.LocationConstraint ?? '')));
  if (payload !== undefined) {
    const [name, type, traits] = payload;
    if (typeof type === 'string') return (output) => (typeof output[name] === 'string' ? output[name] : null);
    const root = traits.xmlName ?? (type[0] === 'struct' ? shapeOf(type[1])?.[1] : undefined) ?? name;
    const emit = lazyInner(type);
    return (output) => document(root, emit(output[name] ?? {}));
  }
  if (inBody.length === 0) return () => null;
  const emit = structInner(inBody);
  return (output) => document(rootName, emit(output));
}

function pageWriter(rootName: string, members: readonly ModelMember[]): ResponseWriter['page'] {
  const emitters = emittersOf(members);
  return (output) => {
    if (!members.some(([name]) => output[name] instanceof XmlBytes)) return null;
    let page: XmlBytes | null = null;
    let text = opening(rootName);
    for (const [name, emit] of emitters) {
      const value = output[name];
      if (!(value instanceof XmlBytes)) {
        text += emit(output);
        continue;
      }
      if (page === null) {
        page = value;
        page.writeBefore(text);
      } else {
        page.write(text);
        page.append(value);
        value.back();
      }
      text = '';
    }
    page?.write(`${text}</${rootName}>`);
    return page;
  };
}

function document(root: string, inner: string): string {
  return `${opening(root)}${inner}</${root}>`;
}

function opening(root: string): string {
  return `${XML_DECLARATION}<${root} xmlns="${NAMESPACE}">`;
}

/** What stands between an element's tags. Shapes may contain themselves, so a structure compiles at its first use. */
function lazyInner(type: ModelType): Emit {
  if (typeof type === 'string') return type === 'timestamp' || type === 'date-time' ? isoDate : scalar;
  if (type[0] === 'list') {
    const item = lazyInner(type[1] as ModelType);
    const tag = type[2] as string;
    return (value) => {
      let out = '';
      for (const one of value as unknown[]) out += `<${tag}>${item(one)}</${tag}>`;
      return out;
    };
  }
  let compiled: Emit | undefined;
  return (value) => (compiled ??= structInner(shapeOf(type[1] as string)?.[0] ?? []))(value);
}

function structInner(members: readonly ModelMember[]): Emit {
  const emitters = emittersOf(members);
  return (value) => {
    let out = '';
    for (const [, emit] of emitters) out += emit(value as Output);
    return out;
  };
}

function emittersOf(members: readonly ModelMember[]): [member: string, emit: (from: Output) => string][] {
  return members
    .filter(([, , traits]) => traits.attribute !== 1)
    .map(([name, type, traits]) => {
      const tag = traits.xmlName ?? name;
      const flat = traits.flat === 1 && typeof type !== 'string' && type[0] === 'list';
      const emit = lazyInner(flat ? (type[1] as ModelType) : type);
      // The one attribute in AWS's model is the grantee's xsi:type.
      const open = name === 'Grantee' ? granteeTag : () => `<${tag}>`;
      const write = (from: Output): string => {
        const value = from[name];
        if (value === undefined || value === null) return '';
        if (value instanceof Markup) return value.xml;
        if (!flat) return `${open(value)}${emit(value)}</${tag}>`;
        let out = '';
        for (const one of value as unknown[]) out += `<${tag}>${emit(one)}</${tag}>`;
        return out;
      };
      return [name, write];
    });
}

function granteeTag(value: unknown): string {
  const type = text((value as Output).Type ?? 'CanonicalUser');
  return `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${escapeXml(type)}">`;
}

function scalar(value: unknown): string {
  return typeof value === 'string' ? escapeXml(value) : text(value);
}

function isoDate(value: unknown): string {
  return value instanceof Date ? value.toISOString() : text(value);
}

function headerText(value: unknown, type: ModelType): string {
  if (value instanceof Date) return type === 'date-time' ? value.toISOString() : httpDate(value.getTime());
  return Array.isArray(value) ? value.map(text).join(',') : text(value);
}

function text(value: unknown): string {
  return String(value);
}
