import type { Property } from './property.ts';

/** RFC 3253 §3.1.5 */
export const supportedReportSet: Property = {
  name: 'supported-report-set',
  listed: false,
  plain: 'same',
  render: (entry) =>
    entry.kind === 'directory'
      ? '<d:supported-report-set><d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report></d:supported-report-set>'
      : '<d:supported-report-set/>',
};

/** RFC 6578 §4: where a client that has just listed the collection goes on from. */
export const syncToken: Property = {
  name: 'sync-token',
  listed: false,
  needs: 'sync',
  plain: 'same',
  render: (entry, _displayName, context) => {
    const token = context.syncToken(entry);
    return token === null ? null : `<d:sync-token>${token}</d:sync-token>`;
  },
};
