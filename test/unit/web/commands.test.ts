import { expect } from 'chai';
import type { Command } from 'commander';
import { createProgram } from '../../../src/cli.ts';
import { ROOT } from '../../support/process.ts';
import { readWeb } from '../../support/web-house.ts';

/** A command that needs no gateway, or a stopped one: the page tells it as it is typed. */
const TOLD = 'told';

/** What of the API the page does it by. */
const DONE_BY: Readonly<Record<string, readonly string[] | typeof TOLD>> = {
  'access explain': ['ExplainAccess'],
  'access grant': ['GrantAccess'],
  'access list': ['ListBucketAccess'],
  'access revoke': ['RevokeAccess'],
  'app-password add': ['CreateCredential'],
  'app-password list': ['ListCredentials'],
  'app-password remove': ['RemoveCredential'],
  'audit export': ['ExportAudit'],
  'audit list': ['ListAudit'],
  'audit verify': ['VerifyAudit'],
  backup: ['MakeBackup', 'ListBackups', 'CheckBackup'],
  'backup extract': ['ExtractFromBackup'],
  'backup list': ['BrowseBackup', 'ListBackedUpVersions'],
  'bucket add': ['CreateBucket'],
  'bucket list': ['ListBuckets', 'GetBucket'],
  'bucket purge': ['DropBucket'],
  'bucket remove': ['RemoveBucket'],
  'bucket removed': ['ListRemovedBuckets'],
  'bucket restore': ['RestoreBucket'],
  'check-storage': ['CheckStore'],
  'config print': ['Settings'],
  'data-key list': ['ShowKeys'],
  'data-key rotate': ['RenewDataKeys'],
  'device add': ['CreateCredential', 'CreateClaim'],
  'device list': ['ListCredentials'],
  'device remove': ['RemoveCredential'],
  'disk add': ['AddStore'],
  'disk drain': ['DrainStore'],
  'disk forget-spool': TOLD,
  'disk list': ['StorageHealth'],
  'disk remove': ['RemoveStore'],
  'disk replace': ['ReplaceStore'],
  doctor: ['Examine'],
  export: TOLD,
  gc: ['StartJob'],
  'group add': ['CreateGroup'],
  'group change': ['UpdateGroup'],
  'group list': ['ListGroups'],
  'group remove': ['RemoveGroup'],
  'jobs cancel': ['CancelJob'],
  'jobs list': ['ListJobs'],
  'jobs start': ['StartJob'],
  'key add': ['CreateCredential'],
  'key list': ['ListCredentials'],
  'key remove': ['RemoveCredential'],
  'master-key rotate': ['ChangeMasterKey'],
  'master-key status': ['ShowKeys'],
  'quota list': ['GetUsage', 'MeasureUsage'],
  'quota set': ['UpdateBucket', 'UpdateUser'],
  'rebuild-index': TOLD,
  restore: ['RestoreBackup'],
  'restore-as-of': ['RestoreAsOf'],
  retention: ['GetRetention', 'PutRetention'],
  scrub: ['Scrub', 'ListQuarantine', 'ListHurtFiles'],
  serve: TOLD,
  'session end': ['EndUserSession', 'EndUserSessions'],
  'session list': ['ListUserSessions'],
  snapshot: ['StartJob'],
  'trash list': ['ListTrash'],
  'trash purge': ['PurgeTrash'],
  'trash restore': ['RestoreTrash'],
  usage: ['Stats', 'GetUsage'],
  'user add': ['CreateUser'],
  'user disable': ['UpdateUser'],
  'user enable': ['UpdateUser'],
  'user list': ['ListUsers', 'GetUser'],
  'user passwd': ['ResetUser'],
  'user remove': ['RemoveUser'],
  'user reset': ['ResetUser'],
  'user role': ['UpdateUser'],
  verify: ['VerifyFile'],
  'versions list': ['ListVersions'],
  'versions restore': ['RestoreVersion'],
};

describe('what the commands do', () => {
  const source = readWeb(ROOT)
    .map((file) => file.source)
    .join('\n');

  it('is done by the page too, or told there as it is typed', async () => {
    const leaves = (of: Command, name: string): string[] => [
      // One with commands below it may be one itself.
      ...(of.commands.length === 0 || name === 'backup' ? [name] : []),
      ...of.commands.flatMap((one) => leaves(one, `${name} ${one.name()}`.trim())),
    ];
    const commands = leaves(await createProgram(() => undefined), '');
    expect(commands.toSorted()).to.deep.equal(Object.keys(DONE_BY).toSorted());
    const lacking = commands.filter((name) => {
      const by = DONE_BY[name] ?? [];
      return by === TOLD ? !source.includes(`cloudstore ${name}`) : by.some((operation) => !source.includes(`'${operation}'`));
    });
    expect(lacking).to.deep.equal([]);
  });
});
