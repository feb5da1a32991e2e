import { CloudStoreError } from '#core/errors';
import { describeSealedStore } from '../../conformance/sealed-store.ts';
import { memorySealed } from '../../support/memory-sealed.ts';
import { openMetadataRig } from '../../support/metadata-rig.ts';

describeSealedStore('memory', async () => {
  const store = memorySealed();
  let names = 0;
  return {
    store,
    async add(sealed) {
      const known = await store.masterKey();
      if (known !== null && !known.check.startsWith(sealed.toString('hex', 1, 9))) throw new CloudStoreError('conflict', 'Old.');
      const context = `value ${++names}`;
      store.values.set(context, sealed);
      return context;
    },
    get: async (context) => store.values.get(context)!,
    close: async () => undefined,
  };
});

describeSealedStore('rows', async () => {
  const rig = await openMetadataRig('two gateways');
  const [first, second] = rig.gateways as [(typeof rig.gateways)[0], (typeof rig.gateways)[0]];
  const { principal } = await rig.user();
  await rig.database.sql('DELETE FROM domains');
  let names = 0;
  let turn = 0;
  const store = new Proxy(first.sealed, {
    get: (_, name: keyof typeof first.sealed) => (turn++ % 2 === 0 ? first : second).sealed[name],
  });
  return {
    store,
    async add(sealed) {
      const id = `KEY${String(++names).padStart(6, '0')}`;
      await second.principals.addKey({ id, principal: principal.id, sealedSecret: sealed });
      return `access-key:${id}`;
    },
    get: async (context) => (await first.principals.findKey(context.slice('access-key:'.length)))!.sealedSecret,
    close: () => rig.close(),
  };
});
