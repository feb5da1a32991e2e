import { expect } from 'chai';
import { type Action, configAction, definitionOf } from '#core/actions';
import { ROUTES } from '#protocols/rest/routes';
import { BUCKET, type Callers, FOLDER, policyOf } from './callers.ts';
import { kindsOf } from './kinds.ts';
import { type Ask, createMatrix, PATIENCE_MS } from './matrix.ts';

/** One request of a route. */
interface Case {
  needs: readonly (readonly [Action, string])[];
  path: string;
  body?: object | string;
  /** What one may not see is answered like what is not there; otherwise only a refusal by name counts as one. */
  hidden?: true;
  after?: () => Promise<unknown>;
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
  RestoreBucket: 'a removed bucket is for who might remove it: history.test.ts',
  DropBucket: 'the same',
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
  policy: policyOf(BUCKET, ''),
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

/** Every route of REST that is about a bucket, by every kind of caller. The routes come from their declarations: one that is not asked here fails the test. */
export function describeRoutes(scene: () => Callers): void {
  it('every route that is about a bucket gives each kind of caller what its actions say: a new route is asked, or the test fails', async () => {
    const send = senderOf(scene());
    const bucket = BUCKET;
    const owner = scene().of('owner').basic;
    const askEverybody = createMatrix(kindsOf(scene()));
    let serial = 0;
    const unused = (): string => `${FOLDER}n${++serial}`;
    const fresh = async (): Promise<string> => {
      const key = unused();
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
      const made = await send('POST', '/links', owner, { bucket, key: FOLDER });
      expect(made.status).to.equal(201);
      return ((await made.json()) as { id: number }).id;
    };
    const documents = (verb: 'read' | 'write' | 'remove') => async (): Promise<Case[]> => {
      const route = ROUTES.find(({ operation }) => operation === 'PutBucketDocument')!;
      const names = 'none' in route.actions ? [] : route.actions.map((action) => action.split('.')[1]!);
      expect(names.sort(), 'each document has a body to put').to.deep.equal(Object.keys(DOCUMENTS).sort());
      return names.map((name) => {
        const removing =
          name === 'policy' || name === 'website' ? (`bucket.${name}.remove` as Action) : configAction(name, 'write')!;
        const action = verb === 'remove' ? removing : configAction(name, verb)!;
        const path = `/buckets/${bucket}/config/${name}`;
        const putBack = verb === 'remove' && name === 'policy' ? { after: () => send('PUT', path, owner, DOCUMENTS[name]!) } : {};
        return { needs: [[action, '']], path, ...putBack, ...(verb === 'write' ? { body: DOCUMENTS[name]! } : {}) };
      });
    };
    const one =
      (action: Action, key: string, path: string, body?: object): (() => Promise<Case[]>) =>
      async () => [{ needs: [[action, key]], path, ...(body === undefined ? {} : { body }) }];
    const ofLink = (body?: object) => async (): Promise<Case[]> => [
      { needs: [['share', FOLDER]], path: `/links/${await link()}`, hidden: true, ...(body === undefined ? {} : { body }) },
    ];
    const folder = { items: [place(FOLDER)] };
    const none = `${FOLDER}none/`;
    const cases: Record<string, () => Promise<Case[]>> = {
      HeadFile: async () => [{ needs: [['read', 'o']], path: `/files/${bucket}/o`, hidden: true }],
      GetFile: async () => [
        { needs: [['read', 'o']], path: `/files/${bucket}/o` },
        { needs: [['list', '']], path: `/files/${bucket}/` },
        { needs: [['list', FOLDER]], path: `/files/${bucket}/${FOLDER}`, hidden: true },
      ],
      PutFile: async () => {
        const [made, there] = [unused(), await fresh()];
        return [
          { needs: [['create', made]], path: `/files/${bucket}/${made}`, body: 'y' },
          { needs: [['write', there]], path: `/files/${bucket}/${there}`, body: 'y' },
        ];
      },
      RemoveFile: async () => {
        const key = await fresh();
        return [{ needs: [['delete', key]], path: `/files/${bucket}/${key}` }];
      },
      Stat: one('read', 'o', `/stat/${bucket}/o`),
      Checksum: one('read', 'o', `/checksum/${bucket}/o`),
      Move: async () => {
        const [from, to] = [await fresh(), unused()];
        return [
          {
            needs: [
              ['read', from],
              ['delete', from],
              ['write', to],
            ],
            path: '/move',
            body: { from: place(from), to: place(to) },
          },
        ];
      },
      Copy: async () => {
        const to = unused();
        return [
          {
            needs: [
              ['read', 'o'],
              ['write', to],
            ],
            path: '/copy',
            body: { from: place('o'), to: place(to) },
          },
        ];
      },
      CreateUpload: async () => {
        const key = unused();
        return [{ needs: [['create', key]], path: `/uploads?bucket=${bucket}&key=${key}` }];
      },
      GetThumbnail: one('read', 'o', `/thumbnails/${bucket}/o?size=64`),
      Batch: async () => {
        const [to, gone] = [unused(), await fresh()];
        return [
          {
            needs: [
              ['read', 'o'],
              ['write', to],
            ],
            path: '/batch',
            body: { items: [{ op: 'copy', from: place('o'), to: place(to) }] },
          },
          { needs: [['delete', gone]], path: '/batch', body: { items: [{ op: 'delete', at: place(gone) }] } },
          { needs: [['version.restore', 'o']], path: '/batch', body: { items: [{ op: 'restore', at: place('o'), versionId }] } },
        ];
      },
      Zip: async () => [
        {
          needs: [
            ['read', FOLDER],
            ['list', FOLDER],
          ],
          path: '/zip',
          body: folder,
        },
      ],
      PrepareZip: one('list', FOLDER, '/zip/prepare', folder),
      GetBucket: one('list', '', `/buckets/${bucket}`),
      // Not empty, so that it stays.
      RemoveBucket: one('bucket.remove', '', `/buckets/${bucket}`),
      ListVersions: one('version.read', 'o', `/versions/${bucket}/o`),
      RestoreVersion: one('version.restore', 'o', '/versions/restore', {
        ...place('o'),
        versionId,
        conflict: 'replace',
        dryRun: true,
      }),
      ListActivity: one('list.versions', '', `/activity/${bucket}/`),
      ListTrash: one('list.versions', '', `/trash/${bucket}/`),
      RestoreTrash: one('version.restore', FOLDER, '/trash/restore', { ...place(FOLDER), dryRun: true, conflict: 'skip' }),
      PurgeTrash: one('version.delete', none, '/trash/purge', place(none)),
      RestoreAsOf: one('version.restore', FOLDER, '/restore-as-of', {
        bucket,
        prefix: FOLDER,
        at: new Date(Date.now() - 1000).toISOString(),
        conflict: 'skip',
        dryRun: true,
      }),
      ListHistoryTasks: one('list.versions', '', `/buckets/${bucket}/history-tasks`),
      CancelHistoryTask: one('bucket.configure', '', `/buckets/${bucket}/history-tasks/1`),
      GetRetention: one('bucket.configure', '', `/buckets/${bucket}/retention`),
      PutRetention: one('bucket.configure', '', `/buckets/${bucket}/retention`, { days: 30 }),
      UpdateBucket: one('bucket.configure', '', `/buckets/${bucket}`, { quota: { bytes: null, objects: null } }),
      ListAccess: one('access.read', '', `/access/${bucket}/`),
      ListBucketAccess: one('access.read', '', `/buckets/${bucket}/access`),
      GrantAccess: one('access.write', none, `/access/${bucket}/${none}`, { kind: 'user', name: 'guest', role: 'viewer' }),
      RevokeAccess: one('access.write', none, `/access/${bucket}/${none}?kind=user&name=guest`),
      GetBucketDocument: documents('read'),
      PutBucketDocument: documents('write'),
      RemoveBucketDocument: documents('remove'),
      CreateLink: one('share', FOLDER, '/links', { bucket, key: FOLDER }),
      GetLink: ofLink(),
      UpdateLink: ofLink({ label: 'x' }),
      RemoveLink: ofLink(),
    };

    const about = ROUTES.filter(
      ({ actions }) => !('none' in actions) && actions.some((action) => definitionOf(action).on !== 'service'),
    );
    expect([...Object.keys(cases), ...Object.keys(ELSEWHERE)].sort(), 'each route about a bucket is asked').to.deep.equal(
      about.map(({ operation }) => operation).sort(),
    );
    const nothing = ROUTES.filter(({ actions }) => 'none' in actions).map(({ operation }) => operation);
    expect(nothing.sort(), 'routes that ask for nothing').to.deep.equal([...ASK_FOR_NOTHING].sort());

    const wrong: string[] = [];
    for (const { operation, method } of about) {
      if (operation in ELSEWHERE) continue;
      const make = cases[operation]!;
      const { length } = await make();
      for (let index = 0; index < length; index++) {
        const ask = async (): Promise<Ask> => {
          const { needs, path, body, hidden, after } = (await make())[index]!;
          return {
            what: `REST ${operation} ${path}`,
            needs,
            ...(after === undefined ? {} : { after: async () => void (await after()) }),
            async send({ basic, known }) {
              const { status, text } = await read(send(method.toUpperCase(), path, basic, body));
              if (!known) return { status, text, refused: [401, 403, 429].includes(status) };
              const told = /"code":"(access_denied|bucket_not_found)"/.test(text);
              return { status, text, refused: hidden === true ? [403, 404].includes(status) : told };
            },
          };
        };
        wrong.push(...(await askEverybody(ask)));
      }
    }
    expect(wrong).to.deep.equal([]);
  }).timeout(PATIENCE_MS);
}

async function read(answer: Promise<Response>): Promise<{ status: number; text: string }> {
  const { status } = await answer;
  return { status, text: await (await answer).text() };
}

function senderOf({ gateway }: Callers) {
  return (method: string, path: string, authorization: string | null, body?: object | string): Promise<Response> =>
    fetch(`${gateway.restUrl.replace(/\/$/, '')}${path}`, {
      method,
      headers: {
        ...(authorization && { authorization }),
        ...(typeof body === 'object' ? { 'content-type': 'application/json' } : {}),
        ...(path.startsWith('/uploads') ? { 'tus-resumable': '1.0.0', 'upload-length': '5' } : {}),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
}
