import { signal } from '@preact/signals';
import { createClient } from '../../../clients/typescript/index.ts';
import type { Me } from './types.ts';

/**
 * Who is signed in. The access token lives in the client's memory and nowhere else; what outlives the tab is a cookie that no
 * script can read.
 */
export type SessionState =
  | { kind: 'starting' }
  | { kind: 'away'; error: unknown }
  /** `before`: who was signed in on this page. */
  | { kind: 'out'; reason: 'ended' | 'left' | null; before: string | null }
  | { kind: 'in'; me: Me };

export const session = signal<SessionState>({ kind: 'starting' });
/** False while the gateway does not answer. */
export const reachable = signal(true);

/** Whether the gateway waits for its first admin: then it greets with the set-up. */
export const setupWaiting = signal(false);

const channel = 'BroadcastChannel' in self ? new BroadcastChannel('cloudstore-session') : null;
channel?.addEventListener('message', () => leave('left'));

/** The one client of this page. */
export const client = createClient({
  mode: 'cookie',
  fetch: watchedFetch,
  onTokens(pair) {
    if (pair === null) leave('ended');
  },
});

/** On load: goes on with what the cookie says, or asks to sign in. */
export async function resume(): Promise<void> {
  session.value = { kind: 'starting' };
  try {
    // Whoever it is and whether the set-up waits are asked at once: the first view waits for both.
    const who = client.signedIn().then((signedIn) => (signedIn ? client.call('Me', {}) : null));
    const [me] = await Promise.all([who, askSetup()]);
    session.value = me === null ? { kind: 'out', reason: null, before: null } : { kind: 'in', me };
  } catch (error) {
    session.value = { kind: 'away', error };
  }
}

/** @throws ApiError: unauthenticated, second_factor_required, rate_limited, unreachable */
export async function signIn(user: string, password: string, otp?: string): Promise<void> {
  await client.login(user, password, otp === undefined ? {} : { otp });
  await enter();
}

export async function signOut(): Promise<void> {
  leave('left');
  channel?.postMessage('left');
  await client.logout().catch(() => undefined);
}

/** The user's name and role, as they are now. */
export async function enter(): Promise<void> {
  const me = await client.call('Me', {});
  const now = session.peek();
  if (now.kind === 'out' && now.before !== null && now.before !== me.name) return beginAnew();
  session.value = { kind: 'in', me };
}

/** What waits to be uploaded or undone, and where the page stands, is the one's who was here before: nothing of it is to go on in another's name. */
function beginAnew(): Promise<never> {
  session.value = { kind: 'starting' };
  history.replaceState(null, '', location.pathname);
  location.reload();
  return new Promise(() => undefined);
}

/** A gateway that cannot say so has no set-up to show. */
async function askSetup(): Promise<void> {
  setupWaiting.value = await client.call('SetupState', {}).then(
    ({ waiting }) => waiting,
    () => false,
  );
}

function leave(reason: 'ended' | 'left'): void {
  const { value } = session;
  if (value.kind === 'in') session.value = { kind: 'out', reason, before: value.me.name };
}

async function watchedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    const response = await fetch(input, init);
    reachable.value = true;
    return response;
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) reachable.value = false;
    throw error;
  }
}
