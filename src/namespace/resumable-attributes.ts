import type { Resumable } from '#contracts/resumable-store';
import type { AnnouncedSum } from '#contracts/resumables';

/** Among the attributes of the upload; nothing that begins so becomes the object's. */
export const ANNOUNCED = 'upload.announced';
export const SUMMED = 'upload.summed';

export function withExtra(attributes: Resumable['attributes'], name: string, value: string): Resumable['attributes'] {
  return { ...attributes, extra: { ...attributes.extra, [name]: value } };
}

export function isSummed({ attributes: { extra } }: Resumable): boolean {
  return extra?.[SUMMED] !== undefined;
}

export function complete(upload: Resumable): boolean {
  const { kind, length, received } = upload;
  return kind === 'whole' && length !== null && received === length && (!isSummed(upload) || announced(upload) !== null);
}

/** Without what is told of the upload, and not of its object. */
export function lasting({ attributes: { extra = {}, ...attributes } }: Resumable): Resumable['attributes'] {
  const left = Object.entries(extra).filter(([name]) => !name.startsWith('upload.'));
  return left.length === 0 ? attributes : { ...attributes, extra: Object.fromEntries(left) };
}

export function announced({ attributes: { extra } }: Resumable): AnnouncedSum | null {
  const [algorithm, value = ''] = extra?.[ANNOUNCED]?.split(' ') ?? [];
  return algorithm === 'sha-256' || algorithm === 'sha-256-8mib' ? { algorithm, value } : null;
}
