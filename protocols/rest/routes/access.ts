import type { z } from 'zod';
import type { AccessControl, NamedGrant } from '#contracts/access-control';
import { BUCKET_DOCUMENTS, type BucketDocument } from '#contracts/bucket-documents';
import { type Action, configAction } from '#core/actions';
import type { BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import type { RequestFacts } from '#core/principal';
import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { partOf } from '../pages.ts';
import { parsePlace } from '../paths.ts';
import { type Located, locateKey } from '../place.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/access.ts';
import { PageQuery } from '../schemas/identity.ts';

const PLACE = '/access/{bucket}/{key}';
const DOCUMENT = '/buckets/{bucket}/config/{document}';

/** Who may what, and why. */
export const accessRoutes = [
  route({
    method: 'get',
    path: PLACE,
    operation: 'ListAccess',
    state: {},
    actions: ['access.read'],
    summary: 'What is granted on a bucket or folder, also on the folders above it.',
    query: PageQuery,
    answers: { 200: { description: 'From the bucket down.', schema: schema.AccessList } },
    async handle(x, { query }) {
      const { at } = await placeOf(x);
      const found = await controlOf(x).grants(x.who, at.bucket, at.key);
      const { page, next } = partOf(found, ({ subject, role, prefix }) => [subject.kind, subject.id, role, prefix], query);
      sendJson(x.res, 200, { items: page.map((grant) => grantJson(grant, at.key)), next });
    },
  }),
  route({
    method: 'get',
    path: '/buckets/{bucket}/access',
    operation: 'ListBucketAccess',
    actions: ['access.read'],
    summary: 'Everything that is granted in a bucket, on it and on any folder of it.',
    query: PageQuery,
    answers: { 200: { description: 'From the bucket down; nothing of it is inherited.', schema: schema.AccessList } },
    async handle(x, { query }) {
      const bucket = await x.deps.buckets.resolve(x.who, parsePlace(x.path.slice('/buckets/'.length)).bucket);
      const found = await controlOf(x).bucketGrants(x.who, bucket.id);
      const { page, next } = partOf(found, ({ subject, role, prefix }) => [subject.kind, subject.id, role, prefix], query);
      sendJson(x.res, 200, { items: page.map((grant) => grantJson(grant, grant.prefix)), next });
    },
  }),
  route({
    method: 'put',
    path: PLACE,
    operation: 'GrantAccess',
    changes: 'ListAccess',
    actions: ['access.write'],
    summary:
      'Gives a user, group or link a role on a bucket or folder and all below; a second role takes the place of the first.',
    body: schema.NewGrant,
    answers: { 200: { description: 'The grant.', schema: schema.AccessGrant } },
    async handle(x, { body }) {
      const { at } = await placeOf(x);
      const grant = await controlOf(x).grant(x.who, at.bucket, { ...body, prefix: at.key });
      sendJson(x.res, 200, grantJson(grant, at.key));
    },
  }),
  route({
    method: 'delete',
    path: PLACE,
    operation: 'RevokeAccess',
    changes: 'ListAccess',
    actions: ['access.write'],
    summary: 'Takes a grant away.',
    query: schema.GrantQuery,
    answers: { 204: { description: 'There is none any more.' } },
    async handle(x, { query }) {
      const { at } = await placeOf(x);
      await controlOf(x).revoke(x.who, at.bucket, { ...query, prefix: at.key });
      sendNothing(x.res);
    },
  }),
  route({
    method: 'post',
    path: '/access/explain',
    operation: 'ExplainAccess',
    actions: { none: 'about oneself everybody may ask; about others access.read is asked for where the question lies' },
    summary: 'Whether somebody may do something somewhere, and which rule says so.',
    body: schema.ExplainQuestion,
    answers: { 200: { description: 'The verdict.', schema: schema.Explanation } },
    async handle(x, { body }) {
      const { bucket, key = '', action, address } = body;
      const user = body.user === undefined ? (x.who.principal?.name ?? null) : body.user;
      const place = bucket === undefined ? null : await locateKey(x, bucket, key);
      const found = await controlOf(x).explain(x.who, {
        user,
        action,
        bucket: place?.at.bucket ?? null,
        key,
        context: factsOf(x, address),
      });
      sendJson(x.res, 200, found);
    },
  }),
  route({
    method: 'get',
    path: DOCUMENT,
    operation: 'GetBucketDocument',
    state: {},
    actions: [
      'bucket.policy.read',
      'bucket.acl.read',
      'bucket.publicAccessBlock.read',
      'bucket.ownershipControls.read',
      ...readsOf(),
    ],
    summary: "One of a bucket's documents, in JSON with AWS's members.",
    answers: { 200: { description: 'The document.', schema: schema.ConfigDocument } },
    async handle(x) {
      const { bucket, document } = await documentOf(x);
      const found = await document.get(x, bucket.id);
      if (found === null) throw new CloudStoreError('not_found', 'The bucket has no such document.');
      sendJson(x.res, 200, found);
    },
  }),
  route({
    method: 'put',
    path: DOCUMENT,
    operation: 'PutBucketDocument',
    changes: 'GetBucketDocument',
    actions: [
      'bucket.policy.write',
      'bucket.acl.write',
      'bucket.publicAccessBlock.write',
      'bucket.ownershipControls.write',
      ...writesOf(),
    ],
    summary: 'Puts one of these documents.',
    body: schema.ConfigDocument,
    answers: { 204: { description: 'It is in force.' } },
    async handle(x, { body }) {
      const { bucket, document, name } = await documentOf(x);
      // Before anything is told of the body.
      await mayWrite(x, bucket, configAction(name, 'write'));
      await document.put(x, bucket.id, body);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'delete',
    path: DOCUMENT,
    operation: 'RemoveBucketDocument',
    changes: 'GetBucketDocument',
    actions: [
      'bucket.policy.remove',
      'bucket.acl.write',
      'bucket.publicAccessBlock.write',
      'bucket.ownershipControls.write',
      'bucket.website.remove',
      ...writesOf(),
    ],
    summary: 'Takes one of these documents away.',
    answers: { 204: { description: 'It is gone.' } },
    async handle(x) {
      const { bucket, document, name } = await documentOf(x);
      await mayWrite(x, bucket, configAction(name, 'remove') ?? configAction(name, 'write'));
      await document.remove(x, bucket.id);
      sendNothing(x.res);
    },
  }),
];

interface Document {
  get(x: Exchange, bucket: BucketId): Promise<object | null>;
  put(x: Exchange, bucket: BucketId, body: unknown): Promise<void>;
  remove(x: Exchange, bucket: BucketId): Promise<void>;
}

const DOCUMENTS: Readonly<Record<string, Document>> = {
  policy: {
    async get(x, bucket) {
      const text = await controlOf(x).policy(x.who, bucket);
      return text === null ? null : JSON.parse(text);
    },
    put: (x, bucket, body) => controlOf(x).putPolicy(x.who, bucket, JSON.stringify(parsed(schema.Policy, body))),
    remove: (x, bucket) => controlOf(x).removePolicy(x.who, bucket),
  },
  acl: {
    get: (x, bucket) => controlOf(x).acl(x.who, bucket),
    put(x, bucket, body) {
      const given = parsed(schema.NewAcl, body);
      return controlOf(x).putAcl(x.who, bucket, 'canned' in given ? given : { acl: { owner: null, grants: given.grants } });
    },
    remove: (x, bucket) => controlOf(x).putAcl(x.who, bucket, { canned: 'private' }),
  },
  publicAccessBlock: {
    get: (x, bucket) => controlOf(x).publicAccessBlock(x.who, bucket),
    put: (x, bucket, body) => controlOf(x).putPublicAccessBlock(x.who, bucket, parsed(schema.PublicAccessBlock, body)),
    remove: (x, bucket) => controlOf(x).putPublicAccessBlock(x.who, bucket, null),
  },
  ownershipControls: {
    async get(x, bucket) {
      const objectOwnership = await controlOf(x).ownership(x.who, bucket);
      return objectOwnership === null ? null : { objectOwnership };
    },
    put: (x, bucket, body) => controlOf(x).putOwnership(x.who, bucket, parsed(schema.OwnershipControls, body).objectOwnership),
    remove: (x, bucket) => controlOf(x).putOwnership(x.who, bucket, null),
  },
};

/** What the S3 door checks and keeps. */
function ofS3(bucket: string, document: BucketDocument): Document {
  const documents = ({ deps }: Exchange) => {
    if (deps.documents === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
    return deps.documents;
  };
  return {
    get: (x) => documents(x).get(x.who, x.cx, bucket, document),
    put: (x, _bucket, body) => documents(x).put(x.who, x.cx, bucket, document, body),
    remove: (x) => documents(x).remove(x.who, x.cx, bucket, document),
  };
}

function readsOf(): Action[] {
  return BUCKET_DOCUMENTS.map((name) => configAction(name, 'read')).filter((action) => action !== null);
}

function writesOf(): Action[] {
  return BUCKET_DOCUMENTS.map((name) => configAction(name, 'write')).filter((action) => action !== null);
}

async function documentOf(x: Exchange): Promise<{ bucket: Bucket; document: Document; name: string }> {
  const { bucket: name, key } = parsePlace(x.path.slice('/buckets/'.length));
  const wanted = key.slice('config/'.length);
  const named = BUCKET_DOCUMENTS.find((one) => one === wanted);
  const document = named !== undefined ? ofS3(name, named) : Object.hasOwn(DOCUMENTS, wanted) ? DOCUMENTS[wanted] : undefined;
  if (document === undefined) throw new CloudStoreError('not_found', 'There is no document of this name.');
  return { bucket: await x.deps.buckets.resolve(x.who, name), document, name: wanted };
}

/** Who may not is told that and nothing else, whatever the request would have come to. @throws access_denied */
async function mayWrite({ deps, who }: Exchange, bucket: Bucket, action: Action | null): Promise<void> {
  if (action !== null) await deps.authorizer.require(who, action, bucket);
}

/** @throws invalid_argument (details.fields) */
function parsed<T extends z.ZodType>(of: T, body: unknown): z.output<T> {
  const result = of.safeParse(body);
  if (result.success) return result.data;
  const fields = result.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })).slice(0, 20);
  throw new CloudStoreError('invalid_argument', 'The body is not this document.', { details: { fields } });
}

function placeOf(x: Exchange): Promise<Located> {
  const { bucket, key } = parsePlace(x.path.slice('/access/'.length));
  return locateKey(x, bucket, key);
}

function controlOf({ deps }: Exchange): AccessControl {
  if (deps.access === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
  return deps.access;
}

/** The asker's own request, from another address if one is named. */
function factsOf({ cx }: Exchange, address: string | undefined): RequestFacts {
  if (address === undefined) return cx;
  return { remoteAddress: address, secure: cx.secure, header: (name) => cx.header(name) };
}

function grantJson({ subject, name, role, prefix }: NamedGrant, key: string): z.output<typeof schema.AccessGrant> {
  return { kind: subject.kind, name, role, key: prefix, inherited: prefix !== key };
}
