import { isCloudStoreError } from '#core/errors';
import type { Exchange } from '../exchange.ts';
import { homeOf } from './deps.ts';
import type { OcsResult } from './ocs.ts';
import { capabilitiesOf, DIALECT_VERSION } from './status.ts';

/** As the clients know "no limit" and "not known". */
const UNLIMITED = -3;

type Caller = Pick<Exchange, 'deps' | 'who'>;

/**
 * What is asked of `/ocs/v1.php` and `/ocs/v2.php` below the version. What clients ask for in passing, and we have nothing of, is empty; null: there
 * is no such thing here.
 */
export async function answerOf(x: Caller, method: string, path: string, origin: string): Promise<OcsResult | null> {
  const { name } = x.who.principal;
  if (path === '/cloud/user' || path === `/cloud/users/${encodeURIComponent(name)}`)
    return { status: 200, data: await userOf(x) };
  const empty = EMPTY[path];
  if (empty !== undefined && method === 'GET') return { status: 200, data: empty };
  if (path === '/core/navigation/apps') {
    return {
      status: 200,
      data: [{ id: 'files', order: 0, href: `${origin}/`, icon: '', type: 'link', name: 'Files', active: true }],
    };
  }
  return null;
}

/** Also without a log-in, as the clients ask for it before one. */
export function capabilitiesAnswer(origin: string, agent: string): OcsResult {
  return { status: 200, data: { version: DIALECT_VERSION, capabilities: capabilitiesOf(origin, agent) } };
}

const EMPTY: Record<string, unknown> = {
  '/apps/files_sharing/api/v1/shares': [],
  '/apps/files_sharing/api/v1/shares/pending': [],
  '/apps/files_sharing/api/v1/remote_shares': [],
  '/apps/files/api/v1/directEditing': { editors: [], creators: [] },
  '/apps/dashboard/api/v1/widgets': [],
  '/apps/external/api/v1': [],
  '/apps/recommendations/api/v1/recommendations': [],
};

async function userOf({ deps, who }: Caller): Promise<Record<string, unknown>> {
  const { id, name } = who.principal;
  const home = await homeOf(deps.buckets, who).catch((error: unknown) => {
    if (!isCloudStoreError(error, 'not_found')) throw error;
    return null; // who owns no bucket has no room
  });
  const { used, available } = home === null ? { used: 0, available: 0 } : await deps.namespace.quota(who, home.id);
  const total = available === null ? null : used + available;
  return {
    id: name,
    enabled: true,
    'display-name': name,
    displayname: name,
    email: null,
    groups: [],
    language: 'en',
    locale: 'en',
    uid: id,
    quota: {
      free: available ?? UNLIMITED,
      used,
      total: total ?? UNLIMITED,
      relative: total === null || total === 0 ? 0 : Math.round((used * 10_000) / total) / 100,
      quota: total ?? UNLIMITED,
    },
    backendCapabilities: { setDisplayName: false, setPassword: false },
  };
}
