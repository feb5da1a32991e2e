import { answer, readXml } from '../answer.ts';
import { knownChecksums } from '../digests.ts';
import { type Exchange, locate, malformedBody } from '../exchange.ts';
import { readPreconditions } from '../preconditions.ts';
import { planPatch } from '../properties/patch.ts';
import { propstats } from '../properties/propstats.ts';
import { getEntry } from '../resource.ts';
import { isDav, XML_HEAD } from '../xml-element.ts';

/** RFC 4918 §9.2: all or nothing. One step that cannot be done makes every other 424. */
export async function proppatch(x: Exchange): Promise<void> {
  const body = await readXml(x);
  if (body === null || !isDav(body, 'propertyupdate')) throw malformedBody('The body is no propertyupdate element.');
  const located = await locate(x);
  const entry = await getEntry(x, located);
  const { lockTokens, conditions } = await readPreconditions(x, located);
  const checksums = entry.kind === 'object' ? knownChecksums(entry) : undefined;
  const plan = planPatch(body, entry.kind, { checksums });
  if (plan.steps.length === 0) throw malformedBody('A propertyupdate element sets or removes a property.');
  if (plan.possible) {
    await x.deps.namespace.annotate(
      x.who,
      { bucket: entry.bucket, key: entry.key },
      { properties: plan.properties, ...(plan.mtime === undefined ? {} : { mtime: plan.mtime }), lockTokens, conditions },
    );
  }
  const href = entry.kind === 'directory' ? `${located.place.href}/` : located.place.href;
  const response = `<d:response><d:href>${href}</d:href>${propstats(plan.steps, plan.possible)}</d:response>`;
  answer(x.res, 207, {}, `${XML_HEAD}<d:multistatus xmlns:d="DAV:">${response}</d:multistatus>\n`);
}
