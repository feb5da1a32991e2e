import type { Property } from './property.ts';

/** RFC 4331: for collections, and not in `allprop`. */
export const quotaAvailable: Property = {
  name: 'quota-available-bytes',
  listed: false,
  needs: 'quota',
  plain: 'same',
  render: (entry, _displayName, context) =>
    entry.kind === 'object' || context.quota?.available == null
      ? null
      : `<d:quota-available-bytes>${Math.max(0, context.quota.available)}</d:quota-available-bytes>`,
};

export const quotaUsed: Property = {
  name: 'quota-used-bytes',
  listed: false,
  needs: 'quota',
  plain: 'same',
  render: (entry, _displayName, context) =>
    entry.kind === 'object' || context.quota === null ? null : `<d:quota-used-bytes>${context.quota.used}</d:quota-used-bytes>`,
};
