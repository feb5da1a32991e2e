/** A document of a bucket as it is over the wire. */
export type Json = Record<string, unknown>;

/** What a form holds of it, each field as its text. */
export type Values = Record<string, string>;

export const words = (text = ''): string[] => text.split(/[\s,]+/).filter((one) => one !== '');
export const lines = (text = ''): string[] =>
  text
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '');
export const whole = (text = ''): number | undefined => (text.trim() === '' ? undefined : Math.round(Number(text)));
export const defined = (of: Json): Json => Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
export const listOf = (document: Json | null, name: string): Json[] => (document?.[name] as Json[] | undefined) ?? [];
export const at = (document: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((value, name) => (value as Json | null | undefined)?.[name], document);
export const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The same text for what is the same but for the order of members. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, one: unknown) =>
    isObject(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one,
  );
}

/** Tags as a form has them: one a line, name=value. */
export function tagsFrom(of?: string): { Key: string; Value: string }[] {
  return lines(of).map((line) => {
    const cut = line.indexOf('=');
    return cut < 0 ? { Key: line, Value: '' } : { Key: line.slice(0, cut), Value: line.slice(cut + 1) };
  });
}

export function tagLines(tags: readonly Json[]): string {
  return tags.map((tag) => `${text(at(tag, 'Key'))}=${text(at(tag, 'Value'))}`).join('\n');
}
