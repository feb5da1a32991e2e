import { randomBytes } from 'node:crypto';
import { createKeyring } from '#engine/keyring';
import { describeKeyring } from '../../conformance/keyring.ts';
import { keysInMemory } from '../../support/content-rig.ts';

describeKeyring('keys in memory', async () => {
  const keys = keysInMemory();
  const own = randomBytes(32);
  return {
    start: (masterKey = own, findKey) =>
      createKeyring({ masterKey, keys, random: randomBytes, ...(findKey === undefined ? {} : { findKey }) }),
    async damage(domain) {
      const wrapped = await keys.find(domain);
      wrapped![40]! ^= 1;
    },
    close: async () => undefined,
  };
});
