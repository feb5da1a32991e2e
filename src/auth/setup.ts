import { createHash, timingSafeEqual } from 'node:crypto';
import type { Cache } from '#contracts/cache';
import type { InstanceStore } from '#contracts/instance-store';
import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import { SETUP_SETTING, type Setup, type SetupRow } from '#contracts/setup';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { adminItself } from './acting.ts';
import { createLoginLimiter } from './login-limiter.ts';
import { hashPassword } from './passwords.ts';
import type { Sessions } from './sessions.ts';

export interface SetupOptions {
  instance: Pick<InstanceStore, 'setting' | 'settingOrInsert'>;
  principals: Pick<PrincipalStore, 'find' | 'update'>;
  sessions: Pick<Sessions, 'begin'>;
  cache: Cache;
  clock: Clock;
  random: Random;
}

interface Waiting {
  row: SetupRow;
  admin: PrincipalRecord;
}

const ENDED = 'setup-ended';

/**
 * The contract is Setup. What happens once (the token's use, the new password, the end) is a row that is inserted: whoever finds its own mark in it was first, in
 * whichever browser, process or gateway.
 */
export function createSetup(options: SetupOptions): Setup {
  const { instance, principals, random } = options;
  const limiter = createLoginLimiter({ ...options, purpose: 'setup' });
  /** It never begins again. */
  let over = false;

  async function find(): Promise<Waiting | null> {
    if (over) return null;
    const row = await instance.setting<SetupRow>(SETUP_SETTING);
    const admin = row === null || (await instance.setting(ENDED)) !== null ? null : await principals.find(row.admin);
    const own = admin === null || admin.disabled || admin.secondFactor || admin.passwordHash === null;
    if (row === null || own || sha256(admin.passwordHash ?? '') !== row.mark) {
      over = true;
      return null;
    }
    return { row, admin };
  }

  async function first(name: string): Promise<boolean> {
    const mark = random(16).toString('hex');
    return (await instance.settingOrInsert(name, mark)) === mark;
  }

  return {
    waiting: async () => (await find()) !== null,
    async begin(token, remoteAddress, label) {
      await limiter.attempt('', remoteAddress);
      const found = await find();
      const fits = found !== null && timingSafeEqual(Buffer.from(sha256(token), 'hex'), Buffer.from(found.row.token, 'hex'));
      if (!fits || !(await first('setup-token-used')))
        throw new CloudStoreError('unauthenticated', 'This set-up token is wrong, or was used already.');
      await limiter.succeeded('', remoteAddress);
      return options.sessions.begin(found.admin.id, label, remoteAddress, null);
    },
    async choosePassword(who, password) {
      const self = adminItself(who);
      const found = await find();
      if (found !== null && found.admin.id !== self.id)
        throw new CloudStoreError('access_denied', 'Only the first admin may do this.');
      const passwordHash = await hashPassword(password, random);
      if (found === null || !(await first('setup-password')))
        throw new CloudStoreError('conflict', 'The first password was changed already; change it under your account.');
      const keepSession = self.credential?.session;
      await principals.update(self.id, { passwordHash, ...(keepSession === undefined ? {} : { keepSession }) });
    },
    async end(who) {
      adminItself(who);
      await instance.settingOrInsert(ENDED, true);
      over = true;
    },
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
