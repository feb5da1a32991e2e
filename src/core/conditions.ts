import { CloudStoreError } from './errors.ts';

/** HTTP's conditions (RFC 9110 §13), parsed: ETags without quotes; `*` means any current representation. */
export interface Conditions {
  ifMatch?: string[] | '*';
  ifNoneMatch?: string[] | '*';
  /** Milliseconds since the epoch, compared by whole seconds. */
  ifModifiedSince?: number;
  ifUnmodifiedSince?: number;
  /** Of a removal in S3: the time that the object must have, compared by whole seconds, and its size in bytes. */
  ifModifiedAt?: number;
  ifSize?: number;
}

export interface Validators {
  etag: string;
  /** What `Last-Modified` says at this door, ms since the epoch. */
  modified: number;
  size?: number;
  /** What goes with a read that is not modified. */
  cacheControl?: string;
  expires?: string;
}

/**
 * Decides by RFC 9110 §13.2.2's order. `current` is null when nothing is there.
 * @throws precondition_failed (details.condition, details.missing where nothing is there), or for reads not_modified (details.etag, details.modified, details.cacheControl, details.expires)
 */
export function checkConditions(conditions: Conditions, current: Validators | null, kind: 'read' | 'write'): void {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifModifiedAt, ifSize } = conditions;
  const seconds = current === null ? 0 : Math.floor(current.modified / 1000);
  if (ifMatch !== undefined) {
    if (current === null || (ifMatch !== '*' && !ifMatch.includes(current.etag))) throw failed('If-Match', current);
  } else if (ifUnmodifiedSince !== undefined && current !== null && seconds > Math.floor(ifUnmodifiedSince / 1000)) {
    throw failed('If-Unmodified-Since', current);
  }
  if (ifModifiedAt !== undefined && (current === null || seconds !== Math.floor(ifModifiedAt / 1000))) {
    throw failed('x-amz-if-match-last-modified-time', current);
  }
  if (ifSize !== undefined && current?.size !== ifSize) throw failed('x-amz-if-match-size', current);
  if (ifNoneMatch !== undefined) {
    if (current !== null && (ifNoneMatch === '*' || ifNoneMatch.includes(current.etag))) {
      throw kind === 'read' ? notModified(current) : failed('If-None-Match', current);
    }
  } else if (
    kind === 'read' &&
    ifModifiedSince !== undefined &&
    current !== null &&
    seconds <= Math.floor(ifModifiedSince / 1000)
  ) {
    throw notModified(current);
  }
}

function failed(condition: string, current: Validators | null): CloudStoreError {
  return new CloudStoreError('precondition_failed', `The condition ${condition} does not hold.`, {
    details: { condition, ...(current === null ? { missing: true } : {}) },
  });
}

function notModified(current: Validators): CloudStoreError {
  const { etag, modified, cacheControl, expires } = current;
  return new CloudStoreError('not_modified', 'Not modified.', {
    details: {
      etag,
      modified,
      ...(cacheControl === undefined ? {} : { cacheControl }),
      ...(expires === undefined ? {} : { expires }),
    },
  });
}
