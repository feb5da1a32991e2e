import type { IncomingHttpHeaders } from 'node:http';
import { parseIsoTime } from '#core/iso-time';
import { parseXml, type XmlElement } from '#http/xml';
import { S3Error } from './errors.ts';
import type { ModelMember, ModelType } from './model-types.ts';
import { shapeOf } from './schema.ts';
import type { Query } from './uri.ts';

/** What an operation is asked: members by AWS's names, their types as the SDK declares them. */
export type Input = Record<string, unknown>;

export interface RequestParser {
  /** All members but the payload. @throws InvalidArgument */
  head(headers: IncomingHttpHeaders, query: Query): Input;
  /** The XML payload's member and its parser; null when the body is a stream, or there is none. */
  payload: { member: string; required: boolean; parse(xml: string): unknown } | null;
}

type Reader = (input: Input, headers: IncomingHttpHeaders, query: Query) => void;

/** Compiles the parser of one input shape. */
export function compileParser(shapeName: string): RequestParser {
  const members = shapeOf(shapeName)?.[0] ?? [];
  const readers = members.map(readerOf).filter((reader) => reader !== null);
  const payload = members.find(([, type, traits]) => traits.payload === 1 && typeof type !== 'string');
  return {
    head(headers, query) {
      const input: Input = {};
      for (const read of readers) read(input, headers, query);
      return input;
    },
    payload: payload === undefined ? null : payloadOf(payload),
  };
}

function payloadOf([member, type, traits]: ModelMember): RequestParser['payload'] {
  const element = traits.xmlName ?? (Array.isArray(type) ? shapeOf(type[1] as string)?.[1] : undefined) ?? member;
  return {
    member,
    required: traits.required === 1,
    parse(xml) {
      const root = parseXml(xml);
      if (root.name !== element) throw new S3Error('MalformedXML');
      return fromXml(root, type);
    },
  };
}

function readerOf([name, type, traits]: ModelMember): Reader | null {
  const { header, query: parameter, prefix } = traits;
  if (header !== undefined) {
    return (input, headers) => {
      const text = headers[header];
      if (typeof text === 'string' && text !== '') put(input, name, fromText(text, type, header));
    };
  }
  if (parameter !== undefined) {
    return (input, _headers, query) => {
      const text = query.get(parameter);
      if (text !== undefined) put(input, name, fromText(text, type, parameter));
    };
  }
  if (prefix !== undefined) {
    return (input, headers) => {
      const map: Record<string, string> = {};
      for (const key in headers) {
        const value = headers[key];
        if (key.startsWith(prefix) && typeof value === 'string') map[key.slice(prefix.length)] = value;
      }
      input[name] = map;
    };
  }
  return null;
}

function put(input: Input, name: string, value: unknown): void {
  if (value !== undefined) input[name] = value;
}

/** A time that says what may be deleted: to pass over it would delete what was not meant. */
const STRICT_TIME = 'x-amz-if-match-last-modified-time';

/** A value of a header, a parameter or an element. A time in a header that cannot be read is as if it had not been sent (RFC 9110 §13.1.3). */
function fromText(text: string, type: ModelType, argument: string): unknown {
  switch (type) {
    case 'number': {
      if (/^-?\d{1,15}$/.test(text)) return Number(text);
      throw new S3Error('InvalidArgument', `Provided ${argument} not an integer or within integer range`, {
        ArgumentName: argument,
        ArgumentValue: text.slice(0, 100),
      });
    }
    case 'boolean':
      return text.toLowerCase() === 'true';
    case 'timestamp':
    case 'http-date':
    case 'date-time': {
      const at = parseIsoTime(text);
      if (!Number.isNaN(at)) return new Date(at);
      if (argument !== STRICT_TIME) return undefined;
      throw new S3Error('InvalidArgument', `Provided ${argument} is not a time`, {
        ArgumentName: argument,
        ArgumentValue: text.slice(0, 100),
      });
    }
    default:
      return typeof type === 'string' ? text : text.split(',').map((part) => part.trim());
  }
}

/** @throws MalformedXML */
function fromXml(element: XmlElement, type: ModelType): unknown {
  if (typeof type === 'string') {
    const text = type === 'string' ? element.text : element.text.trim();
    if (type === 'boolean') return booleanOf(text);
    let value: unknown;
    try {
      value = fromText(text, type, element.name);
    } catch {
      throw new S3Error('MalformedXML');
    }
    // A time that is none.
    if (value === undefined && text !== '') throw new S3Error('MalformedXML');
    return value;
  }
  if (type[0] === 'list') {
    return element.children.filter((child) => child.name === type[2]).map((child) => fromXml(child, type[1] as ModelType));
  }
  const out: Input = {};
  for (const [name, memberType, traits] of shapeOf(type[1] as string)?.[0] ?? []) {
    const wanted = traits.xmlName ?? name;
    if (traits.attribute === 1) {
      put(out, name, element.attributes.find((attribute) => attribute.name === wanted.replace(/^.*:/, ''))?.value);
      continue;
    }
    const found = element.children.filter((child) => child.name === wanted);
    if (traits.flat === 1 && typeof memberType !== 'string') {
      if (found.length > 0) out[name] = found.map((child) => fromXml(child, memberType[1] as ModelType));
    } else if (found[0] !== undefined) put(out, name, fromXml(found[0], memberType));
    if (traits.required === 1 && out[name] === undefined) throw new S3Error('MalformedXML');
  }
  return out;
}

/** As XML Schema has them, in any case. @throws MalformedXML: what is meant to lock something must not be read as a no */
function booleanOf(text: string): boolean {
  if (/^(true|1)$/i.test(text)) return true;
  if (/^(false|0|)$/i.test(text)) return false;
  throw new S3Error('MalformedXML');
}
