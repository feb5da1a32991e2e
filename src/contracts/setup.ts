import type { Who } from '#core/principal';
import type { TokenPair } from './authenticator.ts';

/**
 * The first hour of an installation: from the first start until its admin has a password or a second factor of its own, or has said that the defaults are good.
 * After that it never comes back, and the one-time token opens nothing.
 */
export interface Setup {
  /** Whether it goes on still. */
  waiting(): Promise<boolean>;
  /** A session of the admin for the token that the terminal printed, once for all browsers and gateways. @throws unauthenticated, rate_limited */
  begin(token: string, remoteAddress: string, label: string): Promise<TokenPair>;
  /**
   * The admin's own password in place of the generated one, which whoever came by the token need not know; the other sessions end. Of two that do it at once one is told.
   * @throws access_denied (somebody else, or not by logging in), conflict (it is over, or another browser was first)
   */
  choosePassword(who: Who, password: string): Promise<void>;
  /** Ends it, done or not. @throws access_denied */
  end(who: Who): Promise<void>;
}

/** In the settings of the installation under `setup`, written by the first start. */
export interface SetupRow {
  admin: number;
  /** SHA-256 of the password's hash that the first start made: with another one the admin has taken over. */
  mark: string;
  /** SHA-256 of the token. */
  token: string;
}

export const SETUP_SETTING = 'setup';
