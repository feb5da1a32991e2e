import { expect } from 'chai';
import { type Action, definitionOf } from '#core/actions';
import type { Route } from '#protocols/rest/route';
import { ROUTES } from '#protocols/rest/routes';
import type { Callers } from './callers.ts';
import { PATIENCE_MS } from './matrix.ts';

/**
 * What a key or device may do about its owner's account, though nothing is taken away from it; all else is for the user itself. A new route is taken for one
 * of the latter: where it is not, it has to be named here.
 */
const FOR_DEVICES = [
  'GetUsage',
  'MeasureUsage',
  'ListAttempts',
  'ListBuckets',
  'ListRemovedBuckets',
  'CreateBucket',
  'ListShared',
  'ListUploads',
];

/** What is not there without a provider: oidc.test.ts. */
const ELSEWHERE = ['LinkedOidc', 'LinkOidc', 'UnlinkOidc'];

const ANSWER = { id: 'x', rawId: 'eA', type: 'public-key', response: {}, clientExtensionResults: {} };
/** So much that a request is understood; a route with a body that is not here fails the test. */
const BODIES: Record<string, object> = {
  ChangePassword: { current: 'none of its', password: 'and no other' },
  LoginAgain: { password: 'none of its' },
  LoginAgainByPasskey: { response: ANSWER },
  ConfirmTotp: { code: '000000' },
  RemoveTotp: { code: '000000' },
  RenewRecoveryCodes: { code: '000000' },
  AddPasskey: { response: ANSWER, name: 'x' },
  CreateCredential: { kind: 'app-password', name: 'x' },
  CreateClaim: { name: 'x' },
  CreateBucket: { name: 'home' },
};

/** A route's first word about whoever asks: refused for what they are, or not. */
const REFUSED = /"code":"access_denied"/;

/** Every route about an account or the gateway, by whom it is for. The routes come from their declarations. */
export function describeAccounts(scene: () => Callers): void {
  it('every route about an account or the gateway is for whom its action says, and for no key or device but those that are named', async () => {
    const { gateway, of, makeDevice } = scene();
    await makeDevice('device-whole', {});
    const ask = async ({ method, path, operation, body }: Route, authorization: string | null): Promise<string> => {
      if (body !== undefined) expect(BODIES, 'a route whose body nobody has said').to.have.property(operation);
      const answer = await fetch(`${gateway.restUrl.replace(/\/$/, '')}${path.replace(/\{\w+\}/g, 'none')}`, {
        method: method.toUpperCase(),
        headers: { ...(authorization && { authorization }), ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(BODIES[operation]) }),
      });
      expect(answer.status, operation).to.be.below(500);
      const text = await answer.text();
      return REFUSED.test(text) ? 'refused' : answer.status === 401 && authorization === null ? 'unknown' : 'heard';
    };
    const wrong: string[] = [];
    const routes = ROUTES.filter(({ operation }) => !ELSEWHERE.includes(operation)).filter(
      ({ actions }) => !('none' in actions) && actions.some((action) => definitionOf(action).on === 'service'),
    );
    expect(routes.length).to.be.greaterThan(60);
    // Those of the start may have ended: what came before this takes a quarter of an hour in the long run.
    const bearers = new Map<string, string>();
    for (const name of ['admin', 'stranger', 'guest', 'owner'])
      bearers.set(name, `Bearer ${await tokenFor(gateway.restUrl, of(name).basic)}`);
    const bearer = (name: string): string => bearers.get(name) ?? '';
    for (const route of routes) {
      const [action] = route.actions as readonly [Action];
      const wanted: Record<string, [string | null, string]> = {
        nobody: [null, 'unknown'],
        'a device that only reads': [of('device-to-read').basic, action === 'bucket.list' ? 'heard' : 'refused'],
      };
      if (action === 'admin') {
        for (const name of ['stranger', 'guest', 'owner']) wanted[name] = [bearer(name), 'refused'];
        wanted['a whole device of a member'] = [of('device-whole').basic, 'refused'];
        // What it does is no reading.
        if (route.method === 'get') wanted.admin = [bearer('admin'), 'heard'];
      } else {
        wanted.stranger = [bearer('stranger'), 'heard'];
        wanted.guest = [bearer('guest'), action === 'bucket.create' ? 'refused' : 'heard'];
        wanted['a whole device'] = [of('device-whole').basic, FOR_DEVICES.includes(route.operation) ? 'heard' : 'refused'];
      }
      const body = action === 'admin' && route.body !== undefined ? { ...route, body: undefined } : route;
      for (const [name, [authorization, verdict]] of Object.entries(wanted)) {
        const told = await ask(body as Route, authorization);
        if (told !== verdict) wrong.push(`${name}: ${route.operation} (${action}) is ${told}`);
      }
    }
    expect(wrong).to.deep.equal([]);
  }).timeout(PATIENCE_MS);
}

/** An access token of now, for a name and a password as Basic has them. */
async function tokenFor(restUrl: string, basic: string | null): Promise<string> {
  const [user, password] = Buffer.from(basic?.slice('Basic '.length) ?? '', 'base64')
    .toString()
    .split(':');
  const answer = await fetch(`${restUrl.replace(/\/$/, '')}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, password }),
  });
  expect(answer.status).to.equal(200);
  return ((await answer.json()) as { accessToken: string }).accessToken;
}
