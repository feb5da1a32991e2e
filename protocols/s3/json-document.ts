import { CloudStoreError } from '#core/errors';
import type { ModelType } from './model-types.ts';
import { shapeOf } from './schema.ts';

const DEPTH_MAX = 12;

/**
 * A document in JSON with AWS's members, as its command line takes it, into what a handler takes: each member known and of its type.
 * @throws invalid_argument (details.fields) naming the first place that does not fit
 */
export function fromJson(value: unknown, type: ModelType, path = '', depth = 0): unknown {
  if (depth > DEPTH_MAX) throw wrong(path, 'is too deep');
  if (typeof type === 'string') return scalar(value, type, path);
  if (type[0] === 'list') {
    if (!Array.isArray(value)) throw wrong(path, 'must be a list');
    return value.map((item, index) => fromJson(item, type[1], `${path}[${index}]`, depth + 1));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'must be an object');
  const members = new Map((shapeOf(type[1])?.[0] ?? []).map(([name, of, traits]) => [name, { of, traits }]));
  const out: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const member = members.get(name);
    if (member === undefined) throw wrong(at, `is not known; known are ${[...members.keys()].join(', ')}`);
    if (given !== null) out[name] = fromJson(given, member.of, at, depth + 1);
  }
  for (const [name, { traits }] of members)
    if (traits.required === 1 && out[name] === undefined) throw wrong(path === '' ? name : `${path}.${name}`, 'is missing');
  return out;
}

function scalar(value: unknown, type: string, path: string): unknown {
  switch (type) {
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(path, 'must be a number');
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrong(path, 'must be true or false');
      return value;
    case 'timestamp':
    case 'http-date':
    case 'date-time': {
      const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(at)) throw wrong(path, 'must be a time as 2026-01-31T00:00:00Z');
      return new Date(at);
    }
    default:
      if (typeof value !== 'string') throw wrong(path, 'must be a text');
      return value;
  }
}

function wrong(path: string, why: string): CloudStoreError {
  const field = path === '' ? 'document' : path;
  return new CloudStoreError('invalid_argument', `${field} ${why}.`, { details: { fields: [{ field, message: why }] } });
}
