import { ALLOW, answer, DAV_CLASSES } from '../answer.ts';
import type { Exchange } from '../exchange.ts';

/** RFC 4918 §10.1. Office opens files read-only without `MS-Author-Via`. */
export async function options(x: Exchange): Promise<void> {
  answer(x.res, 200, { DAV: DAV_CLASSES, Allow: ALLOW, 'MS-Author-Via': 'DAV', 'Accept-Ranges': 'bytes' });
}
