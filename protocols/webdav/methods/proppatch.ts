import { answer, readXml } from '../answer.ts';
import { type Exchange, locate, malformedBody } from '../exchange.ts';
import { readPreconditions } from '../preconditions.ts';
import { type PatchStep, planPatch } from '../properties/patch.ts';
import { getEntry } from '../resource.ts';
import { emptyElement, isDav, XML_HEAD } from '../xml-element.ts';

/** RFC 4918 §9.2: all or nothing. One step that cannot be done makes every other 424. */
export async function proppatch(x: Exchange): Promise<void> {
  const body = await readXml(x);
  if (body === null || !isDav(body, 'propertyupdate')) throw malformedBody('The body is no propertyupdate element.');
  const located = await locate(x);
  const entry = await getEntry(x, located);
  const { lockTokens, conditions } = await readPreconditions(x, located);
  const plan = planPatch(body, entry.kind);
  if (plan.steps.length === 0) throw malformedBody('A propertyupdate element sets or removes a property.');
  if (plan.possible) {
    await x.deps.namespace.annotate(
      x.who,
      { bucket: entry.bucket, key: entry.key },
      { properties: plan.properties, ...(plan.mtime === undefined ? {} : { mtime: plan.mtime }), lockTokens, conditions },
    );
  }
  const href = entry.kind === 'directory' ? `${located.place.href}/` : located.place.href;
  answer(x.res, 207, {}, render(href, plan.steps, plan.possible));
}

const REASONS = { 200: 'OK', 403: 'Forbidden', 409: 'Conflict', 424: 'Failed Dependency' } as const;

function render(href: string, steps: PatchStep[], possible: boolean): string {
  const byStatus = new Map<keyof typeof REASONS, string[]>();
  for (const { name, refusal } of steps) {
    const status = refusal ?? (possible ? 200 : 424);
    byStatus.set(status, [...(byStatus.get(status) ?? []), emptyElement(name.namespace, name.name)]);
  }
  const propstats = [...byStatus].map(([status, names]) => {
    const error = status === 403 ? '<D:error><D:cannot-modify-protected-property/></D:error>' : '';
    const line = `<D:status>HTTP/1.1 ${status} ${REASONS[status]}</D:status>`;
    return `<D:propstat><D:prop>${[...new Set(names)].join('')}</D:prop>${line}${error}</D:propstat>`;
  });
  const response = `<D:response><D:href>${href}</D:href>${propstats.join('')}</D:response>`;
  return `${XML_HEAD}<D:multistatus xmlns:D="DAV:">${response}</D:multistatus>\n`;
}
