import type { Knex } from 'knex';
import * as tables from './migrations/0001-tables.ts';
import * as commit from './migrations/0002-commit.ts';
import * as listing from './migrations/0003-listing.ts';
import * as jobs from './migrations/0004-jobs.ts';
import * as integrity from './migrations/0005-integrity.ts';
import * as changes from './migrations/0006-changes.ts';
import * as keys from './migrations/0007-keys.ts';
import * as stores from './migrations/0008-stores.ts';
import * as space from './migrations/0010-space.ts';
import * as commitSets from './migrations/0011-commit.ts';
import * as authority from './migrations/0012-authority.ts';
import * as identity from './migrations/0013-identity.ts';
import * as history from './migrations/0014-history.ts';
import * as tags from './migrations/0015-tags.ts';
import * as rest from './migrations/0017-rest.ts';
import * as links from './migrations/0019-links.ts';
import * as audit from './migrations/0021-audit.ts';
import * as alerts from './migrations/0022-alerts.ts';
import * as claims from './migrations/0023-claims.ts';
import * as locks from './migrations/0024-locks.ts';
import * as runs from './migrations/0025-runs.ts';
import * as confirmed from './migrations/0026-identity.ts';
import * as commitRows from './migrations/0027-commit-rows.ts';
import * as listsAndHolds from './migrations/0028-s3.ts';
import * as properties from './migrations/0029-properties.ts';
import * as linkNetworks from './migrations/0031-link-networks.ts';
import * as groupGrants from './migrations/0032-group-grants.ts';
import * as forgotten from './migrations/0034-history.ts';
import * as usageMarks from './migrations/0035-usage.ts';
import * as folderSizes from './migrations/0036-folder-sizes.ts';
import * as undone from './migrations/0038-undone.ts';
import * as commitFromMemory from './migrations/0039-commit.ts';
import * as knownRows from './migrations/0040-known-rows.ts';
import * as oidc from './migrations/0046-oidc.ts';
import * as fewerStatements from './migrations/0047-fewer-statements.ts';
import * as completedOnce from './migrations/0048-completed-once.ts';

/** In order. Names have no extension: the checkout runs `.ts`, the published package `.js`, and the database must not see a difference. */
export const MIGRATIONS: readonly { name: string; migration: Knex.Migration }[] = [
  { name: '0001-tables', migration: tables },
  { name: '0002-commit', migration: commit },
  { name: '0003-listing', migration: listing },
  { name: '0004-jobs', migration: jobs },
  { name: '0005-integrity', migration: integrity },
  { name: '0006-changes', migration: changes },
  { name: '0007-keys', migration: keys },
  { name: '0008-stores', migration: stores },
  { name: '0010-space', migration: space },
  { name: '0011-commit', migration: commitSets },
  { name: '0012-authority', migration: authority },
  { name: '0013-identity', migration: identity },
  { name: '0014-history', migration: history },
  { name: '0015-tags', migration: tags },
  { name: '0017-rest', migration: rest },
  { name: '0019-links', migration: links },
  { name: '0021-audit', migration: audit },
  { name: '0022-alerts', migration: alerts },
  { name: '0023-claims', migration: claims },
  { name: '0024-locks', migration: locks },
  { name: '0025-runs', migration: runs },
  { name: '0026-identity', migration: confirmed },
  { name: '0028-s3', migration: listsAndHolds },
  { name: '0029-properties', migration: properties },
  { name: '0031-link-networks', migration: linkNetworks },
  { name: '0032-group-grants', migration: groupGrants },
  { name: '0034-history', migration: forgotten },
  { name: '0035-usage', migration: usageMarks },
  { name: '0036-folder-sizes', migration: folderSizes },
  { name: '0038-undone', migration: undone },
  { name: '0039-commit', migration: commitFromMemory },
  { name: '0040-known-rows', migration: knownRows },
  { name: '0046-oidc', migration: oidc },
  { name: '0027-commit-rows', migration: commitRows },
  { name: '0047-fewer-statements', migration: fewerStatements },
  { name: '0048-completed-once', migration: completedOnce },
];

/** For knex, in place of a directory of files: imported statically, so that a bundle holds them. */
export function migrationSource(migrations = MIGRATIONS): Knex.MigrationSource<(typeof MIGRATIONS)[number]> {
  return {
    getMigrations: async () => [...migrations],
    getMigrationName: (entry) => entry.name,
    getMigration: async (entry) => entry.migration,
  };
}
