import type { Who } from '#core/principal';
import type { TokenPair } from './authenticator.ts';

/**
 * A user's own second factors. Whoever came with a credential that a user made, and not as the user itself, is refused, and so is whoever adds one or removes a passkey
 * without having said a moment ago who it is. @throws access_denied (details.confirm: where it only has to say so again)
 */
export interface SecondFactors {
  /** `confirmed`: it has said who it is a moment ago, as everything asks for that adds a way in or takes one away. */
  status(who: Who): Promise<{ totp: boolean; passkeys: number; recoveryCodes: number; confirmed: boolean }>;
  /** Says who it is once more, in the session that it has. @throws unauthenticated (details.secondFactor where one is needed and none is given), rate_limited */
  confirm(who: Who, password: string, code: string | undefined, remoteAddress: string): Promise<void>;
  /** @param response to `beginPasskeyLogin` @throws unauthenticated, rate_limited */
  confirmByPasskey(who: Who, site: Site, response: unknown, remoteAddress: string): Promise<void>;
  /** A secret for an authenticator app, in force once it is confirmed. @throws already_exists */
  beginTotp(who: Who): Promise<{ secret: string; uri: string }>;
  /** Turns it on; gives recovery codes when there were none, which are told once. @throws unauthenticated for a wrong code, rate_limited */
  confirmTotp(who: Who, code: string, remoteAddress: string): Promise<{ recoveryCodes: string[] }>;
  /** @param code of it, or a recovery code @throws unauthenticated, rate_limited */
  removeTotp(who: Who, code: string, remoteAddress: string): Promise<void>;
  /** New ones, in place of those that are left. @throws unauthenticated, rate_limited */
  renewRecoveryCodes(who: Who, code: string, remoteAddress: string): Promise<{ recoveryCodes: string[] }>;

  passkeys(who: Who): Promise<Passkey[]>;
  /** What a browser's `navigator.credentials.create` takes. */
  beginPasskey(who: Who, site: Site): Promise<object>;
  /** @param response of the browser @throws unauthenticated */
  addPasskey(who: Who, site: Site, response: unknown, name: string): Promise<{ passkey: Passkey; recoveryCodes: string[] }>;
  /** @throws key_not_found */
  removePasskey(who: Who, id: string): Promise<void>;
  /** For nobody yet: what `navigator.credentials.get` takes. It names no user, so that nobody learns who exists. @throws rate_limited */
  beginPasskeyLogin(site: Site, remoteAddress: string): Promise<object>;
  /** @throws unauthenticated, rate_limited */
  loginByPasskey(site: Site, response: unknown, remoteAddress: string, label: string): Promise<TokenPair>;
}

export interface Passkey {
  id: string;
  name: string;
  created: number;
  lastUsed: number | null;
}

/** The page that a passkey is for: its origin, as the settings or the request's host say. */
export interface Site {
  origin: string;
}
