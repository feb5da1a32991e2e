import type { Tag } from '@aws-sdk/client-s3';
import { S3Error } from './errors.ts';
import { parseQuery, type Query } from './uri.ts';

const KEY_CHARS_MAX = 128;
const VALUE_CHARS_MAX = 256;
/** Letters, digits and spaces of any script, and these. */
const ALLOWED = /^[\p{L}\p{N}\p{Z}+\-=._:/@]*$/u;

/** Of an object; a bucket may have fifty. */
export const TAGS_MAX = 10;

/** Tags as AWS takes them, in their order. @throws InvalidTag, MalformedXML, BadRequest */
export function checkTags(tags: readonly Tag[] | undefined, countMax: number): { Key: string; Value: string }[] {
  const seen = new Set<string>();
  const checked = (tags ?? []).map(({ Key, Value }) => {
    if (Key === undefined || Value === undefined) throw new S3Error('MalformedXML');
    if (Key === '' || [...Key].length > KEY_CHARS_MAX || !ALLOWED.test(Key))
      throw new S3Error('InvalidTag', 'The TagKey you have provided is invalid', { TagKey: Key.slice(0, 200) });
    if ([...Value].length > VALUE_CHARS_MAX || !ALLOWED.test(Value))
      throw new S3Error('InvalidTag', 'The TagValue you have provided is invalid', {
        TagKey: Key,
        TagValue: Value.slice(0, 300),
      });
    if (/^aws:/i.test(Key)) throw new S3Error('InvalidTag', 'System tags cannot be added/updated by requester', { TagKey: Key });
    if (seen.has(Key)) throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key', { TagKey: Key });
    seen.add(Key);
    return { Key, Value };
  });
  if (checked.length > countMax)
    throw new S3Error(
      'BadRequest',
      `${countMax === TAGS_MAX ? 'Object tags' : 'Bucket tag count'} cannot be greater than ${countMax}`,
    );
  return checked;
}

export function tagsOf(checked: readonly { Key: string; Value: string }[]): Record<string, string> {
  return Object.fromEntries(checked.map(({ Key, Value }) => [Key, Value]));
}

/** The header x-amz-tagging: tags as a query string. null: none. @throws InvalidArgument, InvalidTag, BadRequest */
export function readTagging(text: string | undefined): Record<string, string> | null {
  if (text === undefined || text === '') return null;
  let pairs: Query['pairs'];
  try {
    ({ pairs } = parseQuery(text));
  } catch {
    throw badTagging();
  }
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw badTagging();
  return tagsOf(
    checkTags(
      pairs.map(([Key, Value]) => ({ Key, Value })),
      TAGS_MAX,
    ),
  );
}

function badTagging(): S3Error {
  return new S3Error(
    'InvalidArgument',
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    { ArgumentName: 'x-amz-tagging' },
  );
}
