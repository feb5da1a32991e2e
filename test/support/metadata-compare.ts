import { expect } from 'chai';
import type { Journal } from '#contracts/journal';
import type { MetadataStore } from '#contracts/metadata-store';
import { ancestorsOf, compareKeys } from '#core/address';
import { accountsOf } from './metadata-accounts.ts';
import { listOf, Model, type Operation } from './metadata-model.ts';
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

/** What was done at once had the answers that it has one after the other in the journal's order; gives the model as that leaves it, and what to say of it. */
export async function afterInOrder(
  journal: Journal,
  home: Home,
  since: Awaited<ReturnType<Journal['head']>>,
  model: Model,
  { operations, answers, round }: { operations: Operation[]; answers: unknown[]; round: number },
): Promise<{ after: Model; what: string }> {
  const events = await journal.since(home.id, since, 1000);
  expect(events.map(({ cursor }) => cursor.seq)).to.deep.equal(events.map((_, n) => since.seq + 1 + n));
  const order = [...new Set(events.map(({ requestId }) => Number(requestId)))];
  const what = `round ${round}: ${JSON.stringify(order.map((n) => [operations[n], answers[n]]))}\n   on ${JSON.stringify(model.keys())}`;
  const after = new Model(model.objects);
  for (const n of order) {
    const expected = after.apply(operations[n]!);
    // The answer to an annotation is read behind it, and may find that another has removed the object meanwhile.
    if (operations[n]!.kind === 'annotate' && answers[n] === 'not_found') continue;
    expect(answers[n], `${n} of ${what}`).to.deep.equal(expected);
  }
  return { after, what };
}
