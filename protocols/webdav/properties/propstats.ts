import { emptyElement } from '../xml-element.ts';
import type { PatchStep } from './patch.ts';

const REASONS = { 200: 'OK', 403: 'Forbidden', 409: 'Conflict', 424: 'Failed Dependency' } as const;

/** The `propstat` elements that tell how each step of a patch went: all were done, or none, and then what was in the way. */
export function propstats(steps: PatchStep[], possible: boolean): string {
  const byStatus = new Map<keyof typeof REASONS, string[]>();
  for (const { name, refusal } of steps) {
    const status = refusal ?? (possible ? 200 : 424);
    byStatus.set(status, [...(byStatus.get(status) ?? []), emptyElement(name.namespace, name.name)]);
  }
  return [...byStatus]
    .map(([status, names]) => {
      const error = status === 403 ? '<d:error><d:cannot-modify-protected-property/></d:error>' : '';
      const line = `<d:status>HTTP/1.1 ${status} ${REASONS[status]}</d:status>`;
      return `<d:propstat><d:prop>${[...new Set(names)].join('')}</d:prop>${line}${error}</d:propstat>`;
    })
    .join('');
}
