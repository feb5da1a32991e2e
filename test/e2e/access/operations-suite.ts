import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { Action } from '#core/actions';
import { OPERATIONS } from '#protocols/s3/model';
import { documentAction, OPERATION_ACTIONS } from '#protocols/s3/operations/actions';
import { createTable } from '#protocols/s3/operations/table';
import { BUCKET, type Callers, expectOk, FOLDER, policyOf } from './callers.ts';
import { kindsOf } from './kinds.ts';
import { type Ask, createMatrix, PATIENCE_MS, type Told } from './matrix.ts';

type Operation = readonly [name: string, method: string, on: string, subresources: readonly string[], ...rest: unknown[]];

/** How an operation is asked where its declaration does not say it all. `at`: the object that it is about. */
interface Case {
  needs: readonly (readonly [Action, string])[];
  at?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string;
  after?: () => Promise<void>;
}

type Cases = Record<string, () => Promise<Case[]>>;

const xml = (name: string, inner = ''): string => `<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${name}>`;
const BLOCKED = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'];
const TAGS = '<TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet>';

/** What is put as a document of the bucket; a new one has to be given here, or the test fails. */
const DOCUMENTS: Record<string, string> = {
  PutBucketAbac: xml('AbacStatus', '<Status>Disabled</Status>'),
  PutBucketAccelerateConfiguration: xml('AccelerateConfiguration', '<Status>Suspended</Status>'),
  PutBucketAcl: '',
  PutBucketCors: xml(
    'CORSConfiguration',
    '<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://a.example</AllowedOrigin></CORSRule>',
  ),
  PutBucketEncryption: xml(
    'ServerSideEncryptionConfiguration',
    '<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>',
  ),
  PutBucketLifecycleConfiguration: xml(
    'LifecycleConfiguration',
    '<Rule><ID>r</ID><Filter><Prefix>never/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule>',
  ),
  PutBucketLogging: xml('BucketLoggingStatus'),
  PutBucketNotificationConfiguration: xml('NotificationConfiguration'),
  PutBucketOwnershipControls: xml('OwnershipControls', '<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>'),
  PutBucketPolicy: JSON.stringify(policyOf(BUCKET, '')),
  PutBucketRequestPayment: xml('RequestPaymentConfiguration', '<Payer>BucketOwner</Payer>'),
  PutBucketTagging: xml('Tagging', TAGS),
  PutBucketVersioning: xml('VersioningConfiguration', '<Status>Enabled</Status>'),
  PutBucketWebsite: xml('WebsiteConfiguration', '<IndexDocument><Suffix>i</Suffix></IndexDocument>'),
  PutObjectLockConfiguration: xml('ObjectLockConfiguration', '<ObjectLockEnabled>Enabled</ObjectLockEnabled>'),
  PutPublicAccessBlock: xml('PublicAccessBlockConfiguration', BLOCKED.map((one) => `<${one}>true</${one}>`).join('')),
};

/** Every operation that the S3 door carries out, by every kind of caller. The operations come from the door's own table: one that is not asked fails the test. */
export function describeOperations(scene: () => Callers): void {
  it('every operation of S3 gives each kind of caller what its actions say: a new operation is asked, or the test fails', async () => {
    const { of, rest } = scene();
    const owner = of('owner');
    const askEverybody = createMatrix(kindsOf(scene()));
    const cases = casesOf(scene(), await place(scene()));
    const table = new Set(createTable().keys());
    expect(missingIn(OPERATIONS, table, cases), 'operations that nobody asks').to.deep.equal([]);

    const wrong: string[] = [];
    for (const operation of OPERATIONS as readonly Operation[]) {
      const [name, method, on, subresources] = operation;
      if (!table.has(name)) continue;
      const make = cases[name] ?? (async () => [documentCase(operation)]);
      const { length } = await asked(name, make);
      for (let index = 0; index < length; index++) {
        const ask = async (): Promise<Ask> => {
          const { needs, at, query = {}, headers = {}, body, after } = (await make())[index]!;
          const own = Object.fromEntries(subresources.map((one) => [one.split('=')[0]!, one.split('=')[1] ?? '']));
          const resource = on === 'service' ? '/' : on === 'object' ? `/${BUCKET}/${at ?? 'o'}` : `/${at ?? BUCKET}`;
          return {
            what: `S3 ${name} ${resource} ${JSON.stringify(query)}`,
            needs,
            ...(after === undefined ? {} : { after }),
            async send({ s3, basic }): Promise<Told> {
              const answer = await s3.send(method, resource, {
                query: { ...own, ...query },
                headers: {
                  ...(body === undefined ? {} : { 'content-md5': createHash('md5').update(body).digest('base64') }),
                  ...headers,
                },
                ...(body === undefined ? {} : { body }),
                ...(basic === null ? { auth: 'none' } : {}),
              });
              const { status, text } = answer;
              const refused =
                status === 403 ||
                (method === 'HEAD' && status >= 400) ||
                /<Code>(NoSuchBucket|AccessDenied|ExpiredToken)</.test(text);
              return { status, refused, text };
            },
          };
        };
        wrong.push(...(await askEverybody(ask)));
      }
    }
    expect(wrong).to.deep.equal([]);
    const kept = await rest('GET', `/files/${BUCKET}/o`, owner.basic);
    expect(await kept.text(), 'who was refused has changed nothing').to.equal('second');
  }).timeout(PATIENCE_MS);

  it('an operation that nobody asks is found', () => {
    const planted = [...OPERATIONS, ['PutBucketTheme', 'PUT', 'bucket', ['theme'], 200, '', '']] as unknown as typeof OPERATIONS;
    const table = new Set([...createTable().keys(), 'PutBucketTheme']);
    expect(missingIn(planted, table, casesOf(scene(), { versionId: 'x' }))).to.deep.equal(['PutBucketTheme']);
  });
}

/** Its cases, which together ask for each action that it declares, and for no other. */
async function asked(name: string, make: () => Promise<Case[]>): Promise<Case[]> {
  const made = await make();
  const actions = new Set(made.flatMap(({ needs }) => needs.map(([action]) => action)));
  // Who may write may create.
  if (name.includes('UploadPart') || name === 'CreateMultipartUpload') actions.add('write');
  expect([...actions].sort(), name).to.deep.equal([...OPERATION_ACTIONS[name]!].sort());
  return made;
}

/** What is asked of reads and removals is in their declaration; what is put, and what is done to objects, has to be said. */
function missingIn(operations: typeof OPERATIONS, table: ReadonlySet<string>, cases: Cases): string[] {
  return (operations as readonly Operation[])
    .filter(
      ([name, method]) =>
        table.has(name) && !(name in cases) && !(documentAction(name) !== null && (name in DOCUMENTS || method !== 'PUT')),
    )
    .map(([name]) => name);
}

function documentCase([name, method]: Operation): Case {
  const id = /Analytics|Tiering|Inventory|Metrics/.test(name) && !name.startsWith('List') ? { id: 'x' } : undefined;
  return {
    needs: [[documentAction(name)!, '']],
    ...(id && { query: id }),
    ...(method === 'PUT' ? { body: DOCUMENTS[name]! } : {}),
  };
}

async function place({ of, rest }: Callers): Promise<{ versionId: string }> {
  const owner = of('owner');
  for (const body of ['first', 'second']) await expectOk(owner.s3.send('PUT', `/${BUCKET}/o`, { body }));
  const { versions } = (await (await rest('GET', `/versions/${BUCKET}/o`, owner.basic)).json()) as {
    versions: { versionId: string }[];
  };
  // As the owner is enforced, a list is refused for what it is; to who may not write lists, before anybody looks at it.
  const { text } = await owner.s3.send('GET', `/${BUCKET}`, { query: { acl: '' } });
  const id = /<ID>([0-9a-f]{64})</.exec(text)?.[1] ?? '';
  const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>${id}</ID></Grantee>`;
  const grants = `<AccessControlList><Grant>${grantee}<Permission>FULL_CONTROL</Permission></Grant></AccessControlList>`;
  DOCUMENTS.PutBucketAcl = xml('AccessControlPolicy', `<Owner><ID>${id}</ID></Owner>${grants}`);
  return { versionId: versions.at(-1)!.versionId };
}

/** What is no document of a bucket. */
function casesOf({ of }: Callers, { versionId }: { versionId: string }): Cases {
  const owner = of('owner');
  let serial = 0;
  const unused = (): string => `${FOLDER}s${++serial}`;
  const fresh = async (): Promise<string> => {
    const key = unused();
    await expectOk(owner.s3.send('PUT', `/${BUCKET}/${key}`, { body: 'x' }));
    return key;
  };
  /** Begun by the owner. */
  const begun = async (key: string): Promise<string> => {
    const { text } = await owner.s3.send('POST', `/${BUCKET}/${key}`, { query: { uploads: '' } });
    return /<UploadId>([^<]+)/.exec(text)?.[1] ?? '';
  };
  const part = async (key: string): Promise<{ uploadId: string; etag: string }> => {
    const uploadId = await begun(key);
    const { headers } = await owner.s3.send('PUT', `/${BUCKET}/${key}`, { query: { partNumber: '1', uploadId }, body: 'part' });
    return { uploadId, etag: String(headers.etag) };
  };
  const version = { versionId };
  const source = { 'x-amz-copy-source': `${BUCKET}/o` };
  const sourceVersion = { 'x-amz-copy-source': `${BUCKET}/o?versionId=${versionId}` };
  /** Of `o` as it is, and of its first version. */
  const both =
    (action: Action, more: Omit<Case, 'needs'> = {}) =>
    async (): Promise<Case[]> => [
      { needs: [[action, 'o']], ...more },
      { needs: [[`version.${action}` as Action, 'o']], ...more, query: { ...more.query, ...version } },
    ];
  const one =
    (needs: Case['needs'], more: Omit<Case, 'needs'> = {}) =>
    async (): Promise<Case[]> => [{ needs, ...more }];
  const until = new Date(Date.now() + 24 * 3600_000).toISOString();
  return {
    AbortMultipartUpload: async () => {
      const at = unused();
      return [{ needs: [['upload.abort', at]], at, query: { uploadId: await begun(at) } }];
    },
    CompleteMultipartUpload: async () => {
      const made = unused();
      const there = await fresh();
      const complete = async (action: Action, at: string): Promise<Case> => {
        const { uploadId, etag } = await part(at);
        const body = xml('CompleteMultipartUpload', `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`);
        return { needs: [[action, at]], at, query: { uploadId }, body };
      };
      return [await complete('create', made), await complete('write', there)];
    },
    CopyObject: async () => {
      const [a, b, there] = [unused(), unused(), await fresh()];
      return [
        {
          needs: [
            ['read', 'o'],
            ['create', a],
          ],
          at: a,
          headers: source,
        },
        {
          needs: [
            ['read', 'o'],
            ['write', there],
          ],
          at: there,
          headers: source,
        },
        {
          needs: [
            ['version.read', 'o'],
            ['create', b],
          ],
          at: b,
          headers: sourceVersion,
        },
      ];
    },
    CreateBucket: async () => {
      const at = `matrix-new-${++serial}`;
      return [{ needs: [['bucket.create', '']], at }];
    },
    // Also where something is: what may only be added is refused when it is whole.
    CreateMultipartUpload: async () => [
      { needs: [['create', `${FOLDER}parts`]], at: `${FOLDER}parts` },
      { needs: [['create', 'o']], at: 'o' },
    ],
    // Not empty, so that it stays.
    DeleteBucket: one([['bucket.remove', '']]),
    DeleteBucketPolicy: one([['bucket.policy.remove', '']], {
      after: () => expectOk(owner.s3.send('PUT', `/${BUCKET}`, { query: { policy: '' }, body: DOCUMENTS.PutBucketPolicy! })),
    }),
    DeleteObject: async () => {
      const [at, gone] = [await fresh(), await fresh()];
      const answer = await owner.s3.send('HEAD', `/${BUCKET}/${gone}`);
      return [
        { needs: [['delete', at]], at },
        { needs: [['version.delete', gone]], at: gone, query: { versionId: String(answer.headers['x-amz-version-id']) } },
      ];
    },
    DeleteObjects: async () => {
      const [at, gone] = [await fresh(), await fresh()];
      const answer = await owner.s3.send('HEAD', `/${BUCKET}/${gone}`);
      const object = `<Key>${gone}</Key><VersionId>${answer.headers['x-amz-version-id']}</VersionId>`;
      return [
        { needs: [['delete', at]], body: xml('Delete', `<Object><Key>${at}</Key></Object>`) },
        { needs: [['version.delete', gone]], body: xml('Delete', `<Object>${object}</Object>`) },
      ];
    },
    DeleteObjectTagging: both('tags.remove'),
    GetObject: both('read'),
    HeadObject: both('read'),
    GetObjectAcl: both('acl.read'),
    GetObjectAttributes: async () => {
      const headers = { 'x-amz-object-attributes': 'ETag' };
      return [
        {
          needs: [
            ['read', 'o'],
            ['attributes.read', 'o'],
          ],
          headers,
        },
        {
          needs: [
            ['version.read', 'o'],
            ['version.attributes.read', 'o'],
          ],
          headers,
          query: version,
        },
      ];
    },
    GetObjectTagging: both('tags.read'),
    PutObjectTagging: both('tags.write', { body: xml('Tagging', TAGS) }),
    PutObjectAcl: both('acl.write', { body: DOCUMENTS.PutBucketAcl! }),
    GetObjectLegalHold: one([['hold.read', 'o']]),
    PutObjectLegalHold: one([['hold.write', 'o']], { body: xml('LegalHold', '<Status>OFF</Status>') }),
    GetObjectRetention: one([['retention.read', 'o']]),
    PutObjectRetention: one([['retention.write', 'o']], {
      body: xml('Retention', `<Mode>GOVERNANCE</Mode><RetainUntilDate>${until}</RetainUntilDate>`),
    }),
    HeadBucket: one([['list', '']]),
    ListBuckets: one([['bucket.list', '']]),
    ListMultipartUploads: one([['list.uploads', '']]),
    ListObjectVersions: one([['list.versions', '']]),
    ListObjects: async () => [{ needs: [['list', '']] }, { needs: [['list', FOLDER]], query: { prefix: FOLDER } }],
    ListObjectsV2: async () => [{ needs: [['list', '']] }, { needs: [['list', FOLDER]], query: { prefix: FOLDER } }],
    ListParts: async () => {
      const at = unused();
      return [{ needs: [['upload.parts', at]], at, query: { uploadId: await begun(at) } }];
    },
    PutObject: async () => {
      const [made, there] = [unused(), await fresh()];
      return [
        { needs: [['create', made]], at: made, body: 'y' },
        { needs: [['write', there]], at: there, body: 'y' },
      ];
    },
    RenameObject: async () => {
      const [from, at] = [await fresh(), unused()];
      return [
        {
          needs: [
            ['delete', from],
            ['read', from],
            ['write', at],
          ],
          at,
          headers: { 'x-amz-rename-source': `/${BUCKET}/${from}` },
        },
      ];
    },
    UploadPart: async () => {
      const at = unused();
      return [{ needs: [['create', at]], at, query: { partNumber: '1', uploadId: await begun(at) }, body: 'part' }];
    },
    UploadPartCopy: async () => {
      const at = unused();
      const query = { partNumber: '1', uploadId: await begun(at) };
      const into = (from: Action, headers: Record<string, string>): Case => ({
        needs: [
          [from, 'o'],
          ['create', at],
        ],
        at,
        query,
        headers,
      });
      return [into('read', source), into('version.read', sourceVersion)];
    },
  };
}
