import type { Property } from './property.ts';

/** RFC 3253 §3.1.5 */
export const supportedReportSet: Property = {
  name: 'supported-report-set',
  listed: false,
  render: (entry) =>
    entry.kind === 'directory'
      ? '<D:supported-report-set><D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report></D:supported-report-set>'
      : '<D:supported-report-set/>',
};

/** RFC 6578 §4: where a client that has just listed the collection goes on from. */
export const syncToken: Property = {
  name: 'sync-token',
  listed: false,
  needs: 'sync',
  render: (entry, _displayName, context) => {
    const token = context.syncToken(entry);
    return token === null ? null : `<D:sync-token>${token}</D:sync-token>`;
  },
};
