import { BlockList, isIP, isIPv6 } from 'node:net';
import { parseIsoTime } from '#core/iso-time';
import { compileTemplate, type Template, type Variables } from './policy-template.ts';

/** What a request says of a condition's key: its values, or undefined where it says nothing. */
export type KeyValues = (key: string) => readonly string[] | undefined;

/** Whether a block of conditions holds. */
export type Condition = (values: KeyValues, variables: Variables) => boolean;

/** Whether a value is one of the policy's. */
type Test = (value: string, variables: Variables) => boolean;

interface Operator {
  /** @throws SyntaxError when a value is none of the operator's kind */
  compile(values: readonly string[], variables: boolean): Test;
  /** Holds where no value of the policy matches, and where the request says nothing. */
  negated?: true;
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  StringEquals: { compile: equal((text) => text) },
  StringNotEquals: { compile: equal((text) => text), negated: true },
  StringEqualsIgnoreCase: { compile: equal((text) => text.toLowerCase()) },
  StringNotEqualsIgnoreCase: { compile: equal((text) => text.toLowerCase()), negated: true },
  StringLike: { compile: like },
  StringNotLike: { compile: like, negated: true },
  ArnEquals: { compile: arn },
  ArnLike: { compile: arn },
  ArnNotEquals: { compile: arn, negated: true },
  ArnNotLike: { compile: arn, negated: true },
  NumericEquals: { compile: compare(numberOf, (a, b) => a === b) },
  NumericNotEquals: { compile: compare(numberOf, (a, b) => a === b), negated: true },
  NumericLessThan: { compile: compare(numberOf, (a, b) => a < b) },
  NumericLessThanEquals: { compile: compare(numberOf, (a, b) => a <= b) },
  NumericGreaterThan: { compile: compare(numberOf, (a, b) => a > b) },
  NumericGreaterThanEquals: { compile: compare(numberOf, (a, b) => a >= b) },
  DateEquals: { compile: compare(dateOf, (a, b) => a === b) },
  DateNotEquals: { compile: compare(dateOf, (a, b) => a === b), negated: true },
  DateLessThan: { compile: compare(dateOf, (a, b) => a < b) },
  DateLessThanEquals: { compile: compare(dateOf, (a, b) => a <= b) },
  DateGreaterThan: { compile: compare(dateOf, (a, b) => a > b) },
  DateGreaterThanEquals: { compile: compare(dateOf, (a, b) => a >= b) },
  Bool: { compile: bool },
  BinaryEquals: { compile: binary },
  IpAddress: { compile: network },
  NotIpAddress: { compile: network, negated: true },
};

/** An operator's name in parts; null: there is no such operator. */
export function operatorOf(name: string): { set: 'all' | 'any' | null; base: string; ifExists: boolean } | null {
  const [prefix, rest] = name.includes(':') ? name.split(':', 2) : [null, name];
  const set = prefix === null ? null : prefix === 'ForAllValues' ? 'all' : prefix === 'ForAnyValue' ? 'any' : undefined;
  if (set === undefined || rest === undefined) return null;
  const ifExists = rest.endsWith('IfExists');
  const base = ifExists ? rest.slice(0, -'IfExists'.length) : rest;
  if (base === 'Null') return ifExists || set !== null ? null : { set, base, ifExists };
  return Object.hasOwn(OPERATORS, base) ? { set, base, ifExists } : null;
}

/** One operator on one key. @throws SyntaxError */
export function compileCondition(name: string, key: string, values: readonly string[], variables: boolean): Condition {
  const operator = operatorOf(name);
  if (operator === null) throw new SyntaxError('no such operator');
  const { set, base, ifExists } = operator;
  if (base === 'Null') {
    const absent = values.map((value) => boolOf(value));
    return (of) => absent.includes((of(key) ?? []).length === 0);
  }
  const { compile, negated = false } = OPERATORS[base] as Operator;
  const test = compile(values, variables);
  return (of, known) => {
    const given = of(key);
    if (given === undefined || given.length === 0) return ifExists || set === 'all' || (negated && set === null);
    const holds = (value: string): boolean => test(value, known) !== negated;
    if (set === 'any') return given.some(holds);
    // Several values without a set operator: AWS takes it for one that must hold for each.
    return given.every(holds);
  };
}

function equal(fold: (text: string) => string): Operator['compile'] {
  return (values, variables) => {
    const templates = values.map((value) => compileTemplate(value, variables));
    if (templates.every(({ fixed }) => fixed)) {
      const known = new Set(templates.map((template) => fold(template.text(() => undefined) ?? '')));
      return (value) => known.has(fold(value));
    }
    return (value, given) =>
      templates.some((template) => {
        const text = template.text(given);
        return text !== null && fold(text) === fold(value);
      });
  };
}

function like(values: readonly string[], variables: boolean): Test {
  const templates = values.map((value) => compileTemplate(value, variables));
  return (value, given) => templates.some((template) => template.matcher(given)?.(value) === true);
}

/** Each of an ARN's six parts matches for itself: a `*` does not reach over a colon, but in the last. */
function arn(values: readonly string[], variables: boolean): Test {
  const patterns = values.map((value): Template[] => {
    const parts = arnParts(value.replaceAll(/\$\{[^}]*\}/g, (variable) => variable.replaceAll(':', '\0')));
    if (parts === null) throw new SyntaxError('no ARN');
    return parts.map((part) => compileTemplate(part.replaceAll('\0', ':'), variables));
  });
  return (value, given) => {
    const parts = arnParts(value);
    return (
      parts !== null && patterns.some((pattern) => pattern.every((part, at) => part.matcher(given)?.(parts[at] ?? '') === true))
    );
  };
}

function arnParts(text: string): string[] | null {
  const parts = text.split(':');
  return parts.length < 6 || parts[0] !== 'arn' ? null : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

function compare(parse: (text: string) => number | null, holds: (given: number, wanted: number) => boolean): Operator['compile'] {
  return (values) => {
    const wanted = values.map((value) => {
      const number = parse(value);
      if (number === null) throw new SyntaxError('no value of this kind');
      return number;
    });
    return (value) => {
      const given = parse(value);
      return given !== null && wanted.some((one) => holds(given, one));
    };
  };
}

function numberOf(text: string): number | null {
  return /^[+-]?\d{1,30}(\.\d{1,30})?$/.test(text) ? Number(text) : null;
}

/** ISO 8601, or seconds since the epoch. */
function dateOf(text: string): number | null {
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text) && text.length !== 4) return Number(text) * 1000;
  if (!/^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$/.test(text)) return null;
  const time = parseIsoTime(text);
  return Number.isNaN(time) ? null : time;
}

function boolOf(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw new SyntaxError('neither true nor false');
  return lower === 'true';
}

function bool(values: readonly string[]): Test {
  const wanted = values.map((value) => String(boolOf(value)));
  return (value) => wanted.includes(value.toLowerCase());
}

function binary(values: readonly string[]): Test {
  return (value) => values.includes(value);
}

function network(values: readonly string[]): Test {
  const list = new BlockList();
  for (const value of values) {
    const [address = '', bits, more] = value.split('/');
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    if (family === 0 || more !== undefined || (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most))) {
      throw new SyntaxError('no address and no network');
    }
    list.addSubnet(address, bits === undefined ? most : Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  }
  return (value) => isIP(value) !== 0 && list.check(value, isIPv6(value) ? 'ipv6' : 'ipv4');
}
