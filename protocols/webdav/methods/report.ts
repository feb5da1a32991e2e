import { readXml } from '../answer.ts';
import { DavError } from '../errors.ts';
import { type Exchange, malformedBody } from '../exchange.ts';
import { syncCollection } from '../sync/collection.ts';
import { isDav } from '../xml-element.ts';

/** RFC 3253 §3.6. The one report is RFC 6578's. */
export async function report(x: Exchange): Promise<void> {
  const body = await readXml(x);
  if (body === null) throw malformedBody('A REPORT says which one in its body.');
  if (!isDav(body, 'sync-collection'))
    throw new DavError(403, 'This report does not exist here.', { condition: 'supported-report' });
  await syncCollection(x, body);
}
