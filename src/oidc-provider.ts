import type { OidcProvider } from '#auth/oidc';
import type { Config } from './config/load.ts';
import { SettingError } from './config/setting-error.ts';

/** What the settings say of an identity provider; null: there is none. @throws SettingError */
export function oidcProvider({ values }: Config): OidcProvider | null {
  const { 'oidc-issuer': issuer, 'oidc-client-id': clientId, 'public-url': publicUrl, 'oidc-create': create } = values;
  if (issuer === null && clientId === null) return null;
  if (issuer === null || clientId === null)
    throw new SettingError('CLOUDSTORE_OIDC_ISSUER and CLOUDSTORE_OIDC_CLIENT_ID go together.');
  // Made of what a request calls us, the address that codes are sent to would be whoever asks.
  if (publicUrl === null)
    throw new SettingError('CLOUDSTORE_OIDC_ISSUER needs CLOUDSTORE_PUBLIC_URL: the provider sends browsers back there.');
  return {
    issuer,
    clientId,
    clientSecret: values['oidc-client-secret'],
    name: values['oidc-name'],
    redirectUri: `${publicUrl}/api/v1/auth/oidc/callback`,
    domains: values['oidc-domains'].map((one) => one.toLowerCase()),
    claims: values['oidc-claims'],
    createAs: create === 'off' ? null : create,
  };
}
