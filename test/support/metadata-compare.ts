import { expect } from 'chai';
import type { MetadataStore } from '#contracts/metadata-store';
import { ancestorsOf, compareKeys } from '#core/address';
import { accountsOf } from './metadata-accounts.ts';
import { listOf, type Model } from './metadata-model.ts';
import { address, type MetadataRig } from './metadata-rig.ts';
import { FOLDERS, type Home } from './metadata-walk.ts';

/** What a bucket holds, by a store, is what the model says, and what is counted of it is true. */
export async function expectSame(
  { database, gateways }: MetadataRig,
  store: MetadataStore,
  home: Home,
  model: Model,
  what: string,
): Promise<void> {
  const page = await store.list({ bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1000 });
  const stored = page.entries.flatMap((entry) => (entry.kind === 'object' ? [entry.info] : []));
  const wanted = model.keys().map((key) => ({ key, ...model.objects.get(key)! }));
  expect(
    stored.map(({ key, etag, size, properties }) => ({ key, etag, size, properties })),
    what,
  ).to.deep.equal(wanted);
  const usage = { objects: wanted.length, bytes: wanted.reduce((sum, { size }) => sum + size, 0) };
  expect(await gateways[0]!.buckets.usage(home.id), what).to.deep.equal(usage);
  const { kept, counted } = await accountsOf(database, home);
  expect(kept, what).to.deep.equal(counted);
  const folders = [...new Set([...FOLDERS, ...model.keys().flatMap(ancestorsOf)])].filter((key) => key !== '').sort(compareKeys);
  const found = await Promise.all(folders.map((key) => store.directory(address(home, key))));
  expect(
    found.map((directory, n) => (directory === null ? null : [folders[n], directory.explicit])),
    what,
  ).to.deep.equal(folders.map((key) => (model.directory(key) ? [key, model.objects.has(key)] : null)));
  const shown = await store.list({ bucket: home.id, prefix: 'a', delimiter: '/', after: '', limit: 3 });
  const names = shown.entries.map((entry) => (entry.kind === 'object' ? entry.info.key : `${entry.prefix}…`));
  expect(names, what).to.deep.equal(listOf(model.keys(), { prefix: 'a', delimiter: '/', after: '', limit: 3 }).shown);
}
