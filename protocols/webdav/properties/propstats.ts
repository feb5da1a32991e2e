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
      const error = status === 403 ? '<D:error><D:cannot-modify-protected-property/></D:error>' : '';
      const line = `<D:status>HTTP/1.1 ${status} ${REASONS[status]}</D:status>`;
      return `<D:propstat><D:prop>${[...new Set(names)].join('')}</D:prop>${line}${error}</D:propstat>`;
    })
    .join('');
}
