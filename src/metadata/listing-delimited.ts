import type { ListQuery } from '#contracts/metadata-store';
import { afterPrefix } from '#core/address';
import type { PageRange } from './listing-level.ts';
import { PACKED_SLOT } from './rows.ts';

/** A page by a delimiter other than `/`: cs_list reads keys and seeks past runs of one common prefix. */
export const DELIMITED = {
  name: 'list-delimited',
  text: `SELECT s.key, CASE WHEN s.common IS NULL THEN ${PACKED_SLOT} END, s.common
           FROM cs_list($1, $2, $3, $4, $5, $6, $7, $8) s`,
};

/** What cs_list is asked with. */
export function delimitedValues(
  { bucket, prefix, delimiter }: ListQuery,
  { start, inclusive, end }: PageRange,
  limit: number,
): unknown[] {
  return [bucket, prefix, end, delimiter, afterPrefix(delimiter), start, inclusive, limit];
}
