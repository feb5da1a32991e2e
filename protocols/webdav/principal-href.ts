import { encodeSegment } from './paths.ts';

/** The absolute path of a user as a resource; null: of the collection that they are in. */
export function principalHref(base: string, name: string | null): string {
  return name === null ? `${base}/` : `${base}/${encodeSegment(name)}/`;
}
