import type { EntryInfo } from '#core/object';
import type { XmlElement } from '#http/xml';
import { OWNCLOUD } from '../owncloud.ts';
import { parseTime } from '../times.ts';
import { DAV, isDav, languageOf, serialize } from '../xml-element.ts';
import { liveProperty, type PropertyName, storedName } from './table.ts';

/** One property that a PROPPATCH sets or removes. `refusal`: it is protected (403), or its value cannot be read (409). */
export interface PatchStep {
  name: PropertyName;
  refusal: 403 | 409 | null;
}

export interface PatchPlan {
  steps: PatchStep[];
  possible: boolean;
  /** Dead properties to store (serialised) or remove (null), by stored name; later steps win. */
  properties: Record<string, string | null>;
  /** ms since the epoch, when the patch sets the file's time. */
  mtime?: number;
}

/**
 * Reads a propertyupdate in document order (RFC 4918 §9.2). A file's time may be set as `DAV:lastmodified` (rclone: seconds
 * since the epoch) or as `DAV:getlastmodified` (an HTTP date); both become its mtime and are stored nowhere else. What Windows says of it is stored too,
 * as whatever it asks for again.
 * @param without properties of `DAV:` that the caller has read itself
 * @param checksums what is stored of the file's bytes
 */
export function planPatch(
  update: XmlElement,
  kind: EntryInfo['kind'],
  { without = [], checksums }: { without?: readonly string[]; checksums?: string | undefined } = {},
): PatchPlan {
  const plan: PatchPlan = { steps: [], possible: true, properties: {} };
  for (const action of update.children) {
    if (!isDav(action, 'set') && !isDav(action, 'remove')) continue;
    for (const prop of action.children) {
      if (!isDav(prop, 'prop')) continue;
      const language = languageOf(prop) ?? languageOf(action) ?? languageOf(update);
      for (const element of prop.children) {
        if (element.namespace === DAV && without.includes(element.name)) continue;
        if (isChecksums(element)) plan.steps.push(checksumsStep(element, action.name === 'set', checksums));
        else addStep(plan, element, action.name === 'set', kind, language);
      }
    }
  }
  plan.possible = plan.steps.every((step) => step.refusal === null);
  return plan;
}

function addStep(
  plan: PatchPlan,
  element: XmlElement,
  set: boolean,
  kind: EntryInfo['kind'],
  language: string | undefined,
): void {
  const name = { namespace: element.namespace, name: element.name };
  if (setsTime(name)) {
    const mtime = set && kind === 'object' ? parseTime(element.text.trim()) : null;
    if (mtime !== null) plan.mtime = mtime;
    plan.steps.push({ name, refusal: mtime !== null ? null : set && kind === 'object' ? 409 : 403 });
    return;
  }
  const told = set && kind === 'object' && isWindowsTime(name) ? parseTime(element.text.trim()) : null;
  if (told !== null) plan.mtime = told;
  const live = liveProperty(name);
  const refusal = isOfAccess(name) || (live !== undefined && !live.settable) ? 403 : null;
  plan.steps.push({ name, refusal });
  if (refusal === null) plan.properties[storedName(name)] = set ? serialize(element, language) : null;
}

function isChecksums({ namespace, name }: PropertyName): boolean {
  return namespace === OWNCLOUD && name === 'checksums';
}

/** rclone says them again with a file's time, as ownCloud forgets them then (its backend/webdav/webdav.go, SetModTime). We do not: what is so already may be said. */
function checksumsStep(element: XmlElement, set: boolean, stored: string | undefined): PatchStep {
  const said = checksumsIn(innerText(element));
  const known = checksumsIn(stored ?? '');
  const refusal = !set ? 403 : said.length > 0 && said.every((one) => known.includes(one)) ? null : 409;
  return { name: { namespace: element.namespace, name: element.name }, refusal };
}

function checksumsIn(text: string): string[] {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((one) => one !== '');
}

/** The text of an element that holds one other with a text, or a text. */
function innerText({ children: [inner], text }: XmlElement): string {
  return inner?.text ?? text;
}

/** The drive of Windows copies a file, and then tells the times that it had; it shows `getlastmodified`. */
function isWindowsTime({ namespace, name }: PropertyName): boolean {
  return namespace === 'urn:schemas-microsoft-com:' && name === 'Win32LastModifiedTime';
}

/** RFC 3744 §5. Kept as a dead property, a list of rights would look as if it had been set. */
const OF_ACCESS: ReadonlySet<string> = new Set([
  ...['owner', 'group', 'acl', 'acl-restrictions', 'inherited-acl-set'],
  ...['supported-privilege-set', 'current-user-privilege-set', 'principal-collection-set'],
]);

function isOfAccess({ namespace, name }: PropertyName): boolean {
  return namespace === DAV && OF_ACCESS.has(name);
}

function setsTime({ namespace, name }: PropertyName): boolean {
  return namespace === DAV && (name === 'lastmodified' || name === 'getlastmodified');
}
