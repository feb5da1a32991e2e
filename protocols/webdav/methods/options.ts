import { ALLOW, answer, assertNoBody, DAV_CLASSES } from '../answer.ts';
import type { Exchange } from '../exchange.ts';

/** RFC 4918 §10.1. Office opens files read-only without `MS-Author-Via`. */
export async function options(x: Exchange): Promise<void> {
  await assertNoBody(x);
  answer(x.res, 200, { DAV: DAV_CLASSES, Allow: ALLOW, 'MS-Author-Via': 'DAV', 'Accept-Ranges': 'bytes' });
}
