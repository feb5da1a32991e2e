import { expect } from 'chai';
import { type Action, configAction, definitionOf, roleHolds } from '#core/actions';
import { ROUTES } from '#protocols/rest/routes';

/** One request of a route, and every action that it takes. */
interface Ask {
  needs: readonly Action[];
  path: string;
  body?: object | string;
  /** What one may not see is answered like what is not there; otherwise only a refusal by name counts as one. */
  hidden?: true;
}

/** Somebody, as REST knows them. */
export interface RouteCaller {
  name: string;
  /** What the bucket gives them; null: nothing. */
  role: 'viewer' | 'commenter' | 'uploader' | 'editor' | 'manager' | 'owner' | null;
  authorization: string;
}

export interface RouteScene {
  bucket: string;
  callers: readonly RouteCaller[];
  /** As the bucket's owner. */
  owner: string;
  send(method: string, path: string, authorization: string, body?: object | string): Promise<Response>;
}

/** Routes about a bucket that have no verdict of a role, and where they are held to what they promise. */
const ELSEWHERE: Record<string, string> = {
  UploadOffset: 'an upload is its maker’s: attacks/reach-suite.ts',
  GetUpload: 'the same',
  AppendUpload: 'the same',
  OverrideUpload: 'the same',
  RemoveUpload: 'the same',
  FinishUpload: 'the same',
  GetPreparedZip: 'an archive is its maker’s: attacks/reach-suite.ts',
  Search: 'answers with what one may read: rest-drive.test.ts',
  ListLinks: 'answers with the links that one may see: links.test.ts',
};

/** Routes that ask for nothing; who adds one has to say so here as well. */
const ASK_FOR_NOTHING = [
  'AUTH: BeginOidc BeginPasskeyLogin BeginSetup FarewellOidc Login LoginByOidc LoginByPasskey Logout Me Refresh SetupState SingleSignOn',
  'OWN: ChooseFirstPassword ExplainAccess RedeemClaim RemoveCredential SystemInfo UploadOptions',
  'LINK: AppendDrop BeginDrop DropOffset GetDrop RemoveDrop',
  'LINK: DropPublicFile GetPublicFile GetPublicLink GetPublicZip HeadPublicFile ListPublicFolder UnlockPublicLink',
].flatMap((line) => line.replace(/^\w+: /, '').split(' '));

const DOCUMENTS: Record<string, object> = {
  policy: {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Deny',
        Principal: { AWS: 'arn:aws:iam:::user/guest' },
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::matrix-r/none',
      },
    ],
  },
  acl: { canned: 'private' },
  publicAccessBlock: { blockPublicAcls: true, ignorePublicAcls: true, blockPublicPolicy: true, restrictPublicBuckets: true },
  ownershipControls: { objectOwnership: 'BucketOwnerEnforced' },
  versioning: { Status: 'Enabled' },
  objectLock: { ObjectLockEnabled: 'Enabled' },
  lifecycle: { Rules: [{ ID: 'r', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 1000 } }] },
  cors: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['https://x.example'] }] },
  tagging: { TagSet: [{ Key: 'k', Value: 'v' }] },
  notification: {},
  website: { IndexDocument: { Suffix: 'i' } },
  logging: {},
  encryption: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
};

/** Every route of REST that is about a bucket, by every role. The routes come from their declarations: one that is not asked here fails the test. */
export function describeRoutes(scene: () => Promise<RouteScene>): void {
  it('every route that is about a bucket gives each role what its actions say: a new route is asked, or the test fails', async () => {
    const { bucket, callers, owner, send } = await scene();
    let serial = 0;
    const fresh = async (): Promise<string> => {
      const key = `fresh/n${++serial}`;
      expect((await send('PUT', `/files/${bucket}/${key}`, owner, 'x')).status).to.equal(201);
      return key;
    };
    const place = (key: string) => ({ bucket, key });
    await send('PUT', `/files/${bucket}/o`, owner, 'first');
    await send('PUT', `/files/${bucket}/o`, owner, 'second');
    const { versions } = (await (await send('GET', `/versions/${bucket}/o`, owner)).json()) as {
      versions: { versionId: string }[];
    };
    const { versionId } = versions.at(-1)!;
    const link = async (): Promise<number> => {
      const made = await send('POST', '/links', owner, { bucket, key: 'fresh/' });
      expect(made.status).to.equal(201);
      return ((await made.json()) as { id: number }).id;
    };
    const documents = (verb: 'read' | 'write' | 'remove') => async (): Promise<Ask[]> => {
      const route = ROUTES.find(({ operation }) => operation === 'PutBucketDocument')!;
      const names = 'none' in route.actions ? [] : route.actions.map((action) => action.split('.')[1]!);
      expect(names.sort(), 'each document has a body to put').to.deep.equal(Object.keys(DOCUMENTS).sort());
      return names.map((name) => {
        const removing =
          name === 'policy' || name === 'website' ? (`bucket.${name}.remove` as Action) : configAction(name, 'write')!;
        const action = verb === 'remove' ? removing : configAction(name, verb)!;
        return {
          needs: [action],
          path: `/buckets/${bucket}/config/${name}`,
          ...(verb === 'write' ? { body: DOCUMENTS[name]! } : {}),
        };
      });
    };
    const one =
      (action: Action, path: string, body?: object): (() => Promise<Ask[]>) =>
      async () => [{ needs: [action], path, ...(body === undefined ? {} : { body }) }];
    const ofLink = (body?: object) => async (): Promise<Ask[]> => [
      { needs: ['share'], path: `/links/${await link()}`, hidden: true, ...(body === undefined ? {} : { body }) },
    ];
    const folder = { items: [place('fresh/')] };
    const asks: Record<string, () => Promise<Ask[]>> = {
      HeadFile: async () => [{ needs: ['read'], path: `/files/${bucket}/o`, hidden: true }],
      GetFile: async () => [
        { needs: ['read'], path: `/files/${bucket}/o` },
        { needs: ['list'], path: `/files/${bucket}/` },
      ],
      PutFile: async () => [
        { needs: ['create'], path: `/files/${bucket}/fresh/n${++serial}`, body: 'y' },
        { needs: ['write'], path: `/files/${bucket}/${await fresh()}`, body: 'y' },
      ],
      RemoveFile: async () => [{ needs: ['delete'], path: `/files/${bucket}/${await fresh()}` }],
      Stat: one('read', `/stat/${bucket}/o`),
      Checksum: one('read', `/checksum/${bucket}/o`),
      Move: async () => [
        {
          needs: ['read', 'delete', 'write'],
          path: '/move',
          body: { from: place(await fresh()), to: place(`fresh/n${++serial}`) },
        },
      ],
      Copy: async () => [
        { needs: ['read', 'write'], path: '/copy', body: { from: place('o'), to: place(`fresh/n${++serial}`) } },
      ],
      CreateUpload: async () => [{ needs: ['create'], path: `/uploads?bucket=${bucket}&key=fresh/n${++serial}` }],
      GetThumbnail: one('read', `/thumbnails/${bucket}/o?size=64`),
      Batch: async () => [
        {
          needs: ['read', 'write'],
          path: '/batch',
          body: { items: [{ op: 'copy', from: place('o'), to: place(`fresh/n${++serial}`) }] },
        },
        { needs: ['delete'], path: '/batch', body: { items: [{ op: 'delete', at: place(await fresh()) }] } },
        { needs: ['version.restore'], path: '/batch', body: { items: [{ op: 'restore', at: place('o'), versionId }] } },
      ],
      Zip: one('read', '/zip', folder),
      PrepareZip: one('list', '/zip/prepare', folder),
      GetBucket: one('list', `/buckets/${bucket}`),
      // Not empty, so that it stays.
      RemoveBucket: one('bucket.remove', `/buckets/${bucket}`),
      ListVersions: one('version.read', `/versions/${bucket}/o`),
      RestoreVersion: one('version.restore', '/versions/restore', {
        ...place('o'),
        versionId,
        conflict: 'replace',
        dryRun: true,
      }),
      ListTrash: one('list.versions', `/trash/${bucket}/`),
      RestoreTrash: one('version.restore', '/trash/restore', { ...place('fresh/'), dryRun: true, conflict: 'skip' }),
      PurgeTrash: one('version.delete', '/trash/purge', place('none/')),
      RestoreAsOf: one('version.restore', '/restore-as-of', {
        bucket,
        prefix: 'fresh/',
        at: new Date(Date.now() - 1000).toISOString(),
        conflict: 'skip',
        dryRun: true,
      }),
      ListHistoryTasks: one('list.versions', `/buckets/${bucket}/history-tasks`),
      CancelHistoryTask: one('bucket.configure', `/buckets/${bucket}/history-tasks/1`),
      GetRetention: one('bucket.configure', `/buckets/${bucket}/retention`),
      PutRetention: one('bucket.configure', `/buckets/${bucket}/retention`, { days: 30 }),
      UpdateBucket: one('bucket.configure', `/buckets/${bucket}`, { quota: { bytes: null, objects: null } }),
      ListAccess: one('access.read', `/access/${bucket}/`),
      GrantAccess: one('access.write', `/access/${bucket}/fresh/`, { kind: 'user', name: 'guest', role: 'viewer' }),
      RevokeAccess: one('access.write', `/access/${bucket}/fresh/?kind=user&name=guest`),
      GetBucketDocument: documents('read'),
      PutBucketDocument: documents('write'),
      RemoveBucketDocument: documents('remove'),
      CreateLink: one('share', '/links', { bucket, key: 'fresh/' }),
      GetLink: ofLink(),
      UpdateLink: ofLink({ label: 'x' }),
      RemoveLink: ofLink(),
    };

    const about = ROUTES.filter(
      ({ actions }) => !('none' in actions) && actions.some((action) => definitionOf(action).on !== 'service'),
    );
    expect([...Object.keys(asks), ...Object.keys(ELSEWHERE)].sort(), 'each route about a bucket is asked').to.deep.equal(
      about.map(({ operation }) => operation).sort(),
    );
    const nothing = ROUTES.filter(({ actions }) => 'none' in actions).map(({ operation }) => operation);
    expect(nothing.sort(), 'routes that ask for nothing').to.deep.equal([...ASK_FOR_NOTHING].sort());

    const wrong: string[] = [];
    for (const { operation, method } of about) {
      if (operation in ELSEWHERE) continue;
      for (const { name, role, authorization } of callers) {
        for (const { needs, path, body, hidden } of await asks[operation]!()) {
          const allowed = role !== null && needs.every((action) => roleHolds(role, action));
          const answer = await send(method.toUpperCase(), path, authorization, body);
          const text = await answer.text();
          const refused =
            hidden === true ? [403, 404].includes(answer.status) : /"code":"(access_denied|bucket_not_found)"/.test(text);
          if ((answer.status >= 500 && answer.status !== 501) || answer.status === 401 || refused === allowed)
            wrong.push(`${name}: ${operation} ${path} (${needs.join(', ')}) is answered ${answer.status} ${text.slice(0, 120)}`);
        }
      }
    }
    expect(wrong).to.deep.equal([]);
  });
}
