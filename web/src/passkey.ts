import type { PasskeyAdded } from '../../clients/typescript/index.ts';
import { client, enter } from './api/session.ts';

interface WithJson {
  parseCreationOptionsFromJSON?(options: unknown): PublicKeyCredentialCreationOptions;
  parseRequestOptionsFromJSON?(options: unknown): PublicKeyCredentialRequestOptions;
}

function parser(): WithJson | null {
  return typeof PublicKeyCredential === 'undefined' ? null : (PublicKeyCredential as unknown as WithJson);
}

/** Over TLS or on localhost, in a browser that takes options as JSON; an address of numbers is no name for a passkey. */
export function passkeysPossible(): boolean {
  return parser()?.parseRequestOptionsFromJSON !== undefined && !/^[\d.:[\]]+$/.test(location.hostname);
}

/** @throws ApiError, DOMException when the user says no */
export async function addPasskey(name: string): Promise<PasskeyAdded> {
  const options = parser()?.parseCreationOptionsFromJSON?.(await client.call('BeginPasskey', {}));
  if (options === undefined) throw new Error('PublicKeyCredential');
  const made = (await navigator.credentials.create({ publicKey: options })) as PublicKeyCredential | null;
  if (made === null) throw new Error('PublicKeyCredential');
  return client.call('AddPasskey', { body: { name, response: made.toJSON() as unknown as Record<string, unknown> } });
}

/** @throws as addPasskey */
export async function signInByPasskey(): Promise<void> {
  const tokens = await client.call('LoginByPasskey', {
    body: { response: await answerByPasskey() },
    headers: { 'X-CloudStore-Session': 'cookie' },
  });
  client.session.adopt(tokens);
  await enter();
}

/** Says who one is once more, in the session that there is. @throws as addPasskey */
export async function confirmByPasskey(): Promise<void> {
  await client.call('LoginAgainByPasskey', { body: { response: await answerByPasskey() } });
}

async function answerByPasskey(): Promise<Record<string, unknown>> {
  const options = parser()?.parseRequestOptionsFromJSON?.(await client.call('BeginPasskeyLogin', {}));
  if (options === undefined) throw new Error('PublicKeyCredential');
  const given = (await navigator.credentials.get({ publicKey: options })) as PublicKeyCredential | null;
  if (given === null) throw new Error('PublicKeyCredential');
  return given.toJSON() as unknown as Record<string, unknown>;
}
