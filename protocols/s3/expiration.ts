import type { Bucket } from '#core/bucket';
import { expiryOf, lifecycleRules } from '#core/lifecycle';
import type { ObjectInfo } from '#core/object';
import { httpDate } from '#http/conditional-headers';
import { encodeUri } from './uri.ts';

/**
 * x-amz-expiration: when the bucket's lifecycle removes this object, and by which rule; undefined: by none.
 */
export function expirationOf(
  info: ObjectInfo,
  bucket: Bucket,
  tags: Record<string, string> | null = info.attributes.tags ?? {},
): string | undefined {
  if (bucket.config.lifecycle === undefined || !info.isLatest || info.deleteMarker) return undefined;
  const expiry = expiryOf(lifecycleRules(bucket), { key: info.key, size: info.size, tags }, info.modified);
  return expiry === null ? undefined : `expiry-date="${httpDate(expiry.at)}", rule-id="${encodeUri(expiry.rule)}"`;
}
