import { randomBytes } from 'node:crypto';
import { createKeyring } from '#engine/keyring';
import { describeKeyring } from '../conformance/keyring.ts';
import { openMetadataRig } from '../support/metadata-rig.ts';

describeKeyring('keys in the database', async () => {
  const rig = await openMetadataRig('one gateway');
  const { keys } = rig.gateways[0]!;
  const own = randomBytes(32);
  return {
    start: (masterKey = own, findKey) =>
      createKeyring({ masterKey, keys, random: randomBytes, ...(findKey === undefined ? {} : { findKey }) }),
    async damage(domain) {
      await rig.database.sql('UPDATE domains SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) WHERE id = $1', [
        domain,
      ]);
    },
    close: () => rig.close(),
  };
});
