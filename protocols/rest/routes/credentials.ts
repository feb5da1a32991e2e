import type { MadeCredential } from '#contracts/credentials';
import { sendJson, sendNothing } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { identityOf, nameAt, pageOf } from '../identity.ts';
import { bucketNames, credentialJson, scopeOf } from '../represent-identity.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/identity.ts';

/** S3 keys, app passwords and devices. */
export const credentialRoutes = [
  route({
    method: 'get',
    path: '/credentials',
    operation: 'ListCredentials',
    actions: ['account.read'],
    summary: "The caller's S3 keys, app passwords and devices; never their secrets.",
    query: schema.CredentialQuery,
    answers: { 200: { description: 'Oldest first.', schema: schema.CredentialList } },
    async handle(x, { query }) {
      const all = await identityOf(x).credentials.list(x.who, await idOf(x, query.user));
      const { page, next } = pageOf(all, ({ id }) => id, query);
      const names = await bucketNames(x);
      sendJson(x.res, 200, { credentials: page.map((one) => credentialJson(one, names)), next });
    },
  }),
  route({
    method: 'post',
    path: '/credentials',
    operation: 'CreateCredential',
    actions: ['account.write'],
    summary: 'Makes an S3 key, an app password (WebDAV, Basic) or a device (one secret for all doors).',
    body: schema.NewCredential,
    answers: { 201: { description: 'Made. Its secret is told once.', schema: schema.CredentialMade } },
    async handle(x, { body }) {
      const owner = await idOf(x, body.user);
      const made = await identityOf(x).credentials.create(x.who, {
        kind: body.kind,
        name: body.name,
        ...(owner === undefined ? {} : { owner }),
        scope: await scopeOf(x, body.scope),
        networks: body.scope?.networks ?? null,
        expires: body.expires === undefined ? null : Date.parse(body.expires),
      });
      sendJson(x.res, 201, { ...credentialJson(made.credential, await bucketNames(x)), ...secretsOf(made) });
    },
  }),
  route({
    method: 'delete',
    path: '/credentials/{id}',
    operation: 'RemoveCredential',
    changes: { none: 'it ends what has no other state' },
    actions: { none: 'it asks who it is itself: what one came with may always be given back' },
    summary: 'Takes a credential back: it works nowhere any more within a second, and what is open by it ends.',
    answers: { 204: { description: 'Gone.' } },
    async handle(x) {
      await identityOf(x).credentials.remove(x.who, nameAt(x, 1));
      sendNothing(x.res);
    },
  }),
];

function secretsOf({ credential: { id, kind }, secret }: MadeCredential) {
  return {
    ...(kind === 'app-password' ? {} : { accessKeyId: id, secretAccessKey: secret }),
    ...(kind === 's3' ? {} : { password: secret }),
  };
}

async function idOf(x: Exchange, user: string | undefined): Promise<number | undefined> {
  if (user === undefined || user === x.who.principal?.name) return undefined;
  return (await identityOf(x).users.get(x.who, user)).id;
}
