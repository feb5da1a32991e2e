import type { XmlElement } from '#http/xml';
import { readXml } from '../answer.ts';
import { DavError } from '../errors.ts';
import { type Exchange, malformedBody } from '../exchange.ts';
import { syncCollection } from '../sync/collection.ts';
import { isDav } from '../xml-element.ts';

/** RFC 3253 §3.6. The one report is RFC 6578's. */
export async function report(x: Exchange): Promise<void> {
  await answerReport(x, await readReport(x));
}

/** Which report is asked for. @throws invalid_argument */
export async function readReport(x: Exchange): Promise<XmlElement> {
  const body = await readXml(x);
  if (body === null) throw malformedBody('A REPORT says which one in its body.');
  return body;
}

export async function answerReport(x: Exchange, body: XmlElement): Promise<void> {
  if (!isDav(body, 'sync-collection'))
    throw new DavError(403, 'This report does not exist here.', { condition: 'supported-report' });
  await syncCollection(x, body);
}
