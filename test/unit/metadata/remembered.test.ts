import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { BriefQuery } from '#contracts/metadata-store';
import { ancestorsOf } from '#core/address';
import type { Metadata } from '#metadata/open';
import { type BriefEntry, entryOf } from '../../support/brief-rows.ts';
import { gatherFolder } from '../../support/folder-rows.ts';
import { Model } from '../../support/metadata-model.ts';
import { address, type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { FOLDERS, type Home, KEYS, NAMES, roll, run } from '../../support/metadata-walk.ts';
import { type Dice, diceOf, SEED } from '../../support/random.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const ROUNDS = LONG ? 2000 : 25;
const PATHS = ['', ...new Set([...FOLDERS, ...KEYS.flatMap(ancestorsOf)])].filter((path) => path === '' || path.endsWith('/'));

/** A gateway that is alone keeps rows in memory, and answers from them without asking: beside it one that asks each time. */
describe(`metadata in memory is as it is in the database (seed ${SEED})`, function () {
  this.timeout(LONG ? 3_600_000 : 60_000);
  let rig: MetadataRig;
  let alone: Metadata;
  let asking: Metadata;
  before(async () => {
    rig = await openMetadataRig('one gateway');
    [alone] = rig.gateways as [Metadata];
    asking = await rig.open();
  });
  after(() => rig.close());

  async function expectSame(home: Home, what: string): Promise<void> {
    for (const path of PATHS) {
      const at = address(home, path);
      const truth = await asking.store.directory(at);
      const peeked = alone.store.peekDirectory(at);
      if (peeked !== undefined) expect(peeked, `${path} peeked at, ${what}`).to.deep.equal(truth);
      expect(await alone.store.directory(at), `${path}, ${what}`).to.deep.equal(truth);
      expect(alone.store.peekDirectory(at), `${path} again, ${what}`).to.deep.equal(truth);
    }
    for (const key of KEYS) {
      const at = address(home, key);
      const truth = await asking.store.current(at);
      const peeked = alone.store.peekCurrent(at);
      if (peeked !== undefined) expect(peeked?.versionId, `${key}, ${what}`).to.equal(truth?.versionId);
    }
    for (const key of ['', ...NAMES]) {
      const truth = await asking.locks.covering(home.id, [key], true);
      const peeked = alone.locks.peek(home.id, key, true);
      if (peeked !== undefined) expect(peeked, `locks of ${key} peeked at, ${what}`).to.deep.equal(truth);
      expect(await alone.locks.covering(home.id, [key], true), `locks of ${key}, ${what}`).to.deep.equal(truth);
    }
  }

  /** Looks, so that readings are under way while rows change. */
  function look(dice: Dice, home: Home): Promise<unknown> {
    const key = dice.pick(KEYS);
    const kind = dice.below(3);
    if (kind === 0) return alone.store.directory(address(home, dice.pick(PATHS)));
    return kind === 1 ? alone.store.entry(address(home, key)) : alone.locks.covering(home.id, [key]);
  }

  async function lock(dice: Dice, home: Home): Promise<unknown> {
    const { principal } = home.who;
    const wanted = { principal: principal?.id ?? 0, exclusive: dice.chance(0.3), infinite: dice.chance(0.5), ownerXml: null };
    const held = await alone.locks.covering(home.id, [''], true);
    const at = address(home, dice.pick(NAMES));
    const [some] = held.length === 0 ? [] : [dice.pick(held)];
    const kind = dice.below(4);
    if (some !== undefined && kind === 0) return alone.locks.release(some.at, some.token, wanted.principal);
    if (some !== undefined && kind === 1) return alone.locks.refresh(some.at, some.token, wanted.principal, 50_000);
    return alone.locks.acquire({ ...wanted, at, timeoutMs: dice.chance(0.2) ? 5 : 100_000 });
  }

  it('whatever is done at once, and whatever is read meanwhile', async () => {
    const dice = diceOf(`${SEED} remembered`);
    const home = await rig.bucket();
    for (let round = 0; round < ROUNDS; round++) {
      rig.clock.advance(dice.below(10));
      const tokens = (await asking.locks.covering(home.id, [''], true)).map(({ token }) => token);
      const operations = Array.from({ length: 6 }, () => roll(dice, new Model()));
      const annotated = { kind: 'annotate', ...address(home, dice.pick(PATHS)), who: home.who } as const;
      const properties = { 'urn:x p': String(round) };
      await Promise.all([
        withTokens(alone.store, tokens)
          .commit({ ...annotated, properties })
          .catch(() => undefined),
        ...operations.map((operation) => run(withTokens(alone.store, tokens), home, operation)),
        ...Array.from({ length: 4 }, () => look(dice, home)),
        // Not always: whoever takes a lock has what is kept of them forgotten anyway.
        ...(dice.chance(0.4) ? [lock(dice, home).catch(() => undefined), lock(dice, home).catch(() => undefined)] : []),
      ]);
      await expectSame(home, `round ${round}: ${JSON.stringify(operations)}`);
    }
  });

  /** All that is directly in a folder, by name. */
  async function listed(
    store: Metadata['store'],
    home: Home,
    folder: string,
  ): Promise<{ etag: string; entries: Map<string, unknown> } | null> {
    const query = { bucket: home.id, folder, after: '', limit: 2000 };
    const page = await gatherFolder((begin) => store.listFolder(query, begin));
    if (page.folder === null) return null;
    const named = (page.entries ?? []).map((entry) => [entry.kind === 'object' ? entry.info.key : entry.prefix, entry] as const);
    return { etag: page.folder.etag, entries: new Map(named) };
  }

  it('a page of names that was kept is the page of now, or is read anew', async () => {
    const dice = diceOf(`${SEED} pages`);
    const home = await rig.bucket();
    const pages = [...PATHS, 'b', 'a/😀', 'none/'].flatMap((prefix) => [
      { bucket: home.id, prefix, delimiter: '/', after: '', limit: 1 + dice.below(4) },
      { bucket: home.id, prefix, delimiter: '', after: dice.chance(0.5) ? '' : 'a/b', limit: 1 + dice.below(9) },
    ]);
    const kept = new Map<number, { etag: string; page: unknown }>();
    let same = 0;
    const shown = async (store: Metadata['store'], query: BriefQuery): Promise<{ etag: string | null; page: unknown } | null> => {
      const rows: BriefEntry[] = [];
      const found = await store.listBrief(query, () => (row) => rows.push(entryOf(row)));
      return found && { etag: found.etag, page: { rows, count: found.count, next: found.next } };
    };
    const look = async (index: number): Promise<boolean> => {
      const query = pages[index] as BriefQuery;
      const found = await shown(alone.store, { ...query, keep: dice.chance(0.8), unless: kept.get(index)?.etag });
      if (found === null) return true;
      if (found.etag === null) kept.delete(index);
      else kept.set(index, { etag: found.etag, page: found.page });
      return false;
    };
    for (let round = 0; round < ROUNDS || (round < 10 * ROUNDS && same === 0); round++) {
      // Whole folders that move or go have all forgotten; most rounds are without.
      const wild = dice.chance(0.3);
      const operations = Array.from({ length: 1 + dice.below(3) }, () => roll(dice, new Model())).filter(
        ({ kind }) => wild || ['put', 'remove', 'annotate'].includes(kind),
      );
      await Promise.all([
        ...operations.map((operation) => run(alone.store, home, operation)),
        ...Array.from({ length: 6 }, () => look(dice.below(pages.length))),
      ]);
      for (const [index, query] of pages.entries()) {
        if (!(await look(index))) continue;
        same++;
        const truth = await shown(asking.store, query);
        expect(
          kept.get(index)?.page,
          `${JSON.stringify(query)} after round ${round}: ${JSON.stringify(operations)}`,
        ).to.deep.equal(truth?.page);
        expect(truth?.etag).to.equal(null);
      }
    }
    expect(same).to.be.above(0);
  });

  it('a page that a change has overtaken is not kept as the page of after the change', async () => {
    const home = await rig.bucket();
    // Of many packets, between which the answer to a commit is heard.
    const keys = Array.from({ length: 600 }, (_, index) => `${'long/'.repeat(180)}${index}`);
    await Promise.all(keys.map((key) => alone.store.commit(putIntent(home, key))));
    const query = { bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1000 };
    let overtaken = 0;
    for (let round = 0; round < 200 && overtaken < 3; round++) {
      let committed = false;
      let change: Promise<unknown> | null = null;
      const rows: BriefEntry[] = [];
      const found = await alone.store.listBrief({ ...query, keep: true }, () => {
        change = alone.store.commit(putIntent(home, `new ${round}`)).then(() => {
          committed = true;
        });
        return (row) => rows.push(entryOf(row));
      });
      const before = committed;
      await change;
      const truth: BriefEntry[] = [];
      await asking.store.listBrief(query, () => (row) => truth.push(entryOf(row)));
      // The page may have been read after it, too.
      if (before && rows.length < truth.length) overtaken++;
      expect(await alone.store.listBrief({ ...query, unless: found?.etag ?? '' }, () => () => undefined)).to.not.equal(null);
    }
    expect(overtaken, 'a change came while a page was read').to.be.above(0);
  });

  it('what changed in a folder since it was listed, where that is known, is all that did', async () => {
    const dice = diceOf(`${SEED} changes`);
    const home = await rig.bucket();
    let told = 0;
    let many = 0;
    // As long as chance wants, within reason.
    const seen = (): boolean => told > ROUNDS && many > 0;
    for (let round = 0; round < ROUNDS || (round < 10 * ROUNDS && !seen()); round++) {
      const before = await Promise.all(PATHS.map((path) => listed(alone.store, home, path)));
      // With a move or a whole folder that goes away nothing is known; most rounds are without.
      const wild = dice.chance(0.2);
      const operations = Array.from({ length: 6 }, () => roll(dice, new Model())).filter(
        ({ kind }) => wild || ['put', 'remove', 'annotate'].includes(kind),
      );
      const together = dice.chance(0.5);
      for (const operation of operations) {
        rig.clock.advance(dice.below(10));
        const [done, read] = [run(alone.store, home, operation), dice.chance(0.3) ? look(dice, home) : null];
        if (!together) await Promise.all([done, read]);
        else if (operation === operations.at(-1)) await Promise.all([done, read]);
      }
      await alone.store.commit(putIntent(home, 'p/q/end'));
      for (const [index, path] of PATHS.entries()) {
        const then = before[index];
        const changes = then == null ? null : alone.store.peekChanges(address(home, path), then.etag);
        if (then == null || changes === null) continue;
        told++;
        if (changes.length > 1) many++;
        for (const change of changes) {
          if (change.kind === 'gone') then.entries.delete(change.key);
          else then.entries.set(change.kind === 'object' ? change.info.key : change.prefix, JSON.parse(JSON.stringify(change)));
        }
        const truth = await listed(asking.store, home, path);
        const what = `${path} after round ${round}: ${JSON.stringify(operations)}`;
        expect(alone.store.peekDirectory(address(home, path)), what).to.deep.equal(
          await asking.store.directory(address(home, path)),
        );
        expect(Object.fromEntries(then.entries), what).to.deep.equal(Object.fromEntries(truth?.entries ?? []));
      }
    }
    expect(told, 'often it is known').to.be.greaterThan(ROUNDS);
    expect(many, 'also of several').to.be.greaterThan(0);
  });

  it('what changed is known after a lock, and not when anything else has moved the bucket', async () => {
    const home = await rig.bucket();
    const [at, file] = [address(home, ''), address(home, 'f')];
    const put = () => alone.store.commit(putIntent(home, 'f'));
    const since = async (then: () => Promise<unknown>): Promise<unknown> => {
      await put();
      const etag = (await listed(alone.store, home, ''))?.etag ?? '';
      await put();
      await then();
      await put();
      await put();
      return alone.store.peekChanges(at, etag);
    };
    const principal = home.who.principal?.id ?? 0;
    const wanted = { principal, exclusive: false, infinite: false, ownerXml: null, timeoutMs: 60_000 };
    expect(
      await since(async () => alone.locks.release(file, (await alone.locks.acquire({ ...wanted, at: file })).token, principal)),
    )
      .to.be.an('array')
      .with.length(1);
    expect(
      await since(() => rig.database.sql('UPDATE bucket_heads SET revision = revision + 1 WHERE bucket_id = $1', [home.id])),
    ).to.equal(null);
    expect(await since(() => alone.store.copy({ who: home.who, from: file, to: address(home, 'g'), overwrite: true }))).to.equal(
      null,
    );
    expect(await since(() => Promise.resolve())).to.be.an('array');
  });

  it('a lock goes with its file', async () => {
    const home = await rig.bucket();
    const at = address(home, 'a');
    const covering = (): Promise<unknown[]> => alone.locks.covering(home.id, ['a']);
    const wanted = {
      principal: home.who.principal?.id ?? 0,
      exclusive: true,
      infinite: false,
      ownerXml: null,
      timeoutMs: 60_000,
    };
    for (const kind of ['remove', 'move'] as const) {
      await alone.store.commit(putIntent(home, 'a'));
      const { token } = await alone.locks.acquire({ ...wanted, at });
      expect(await covering()).to.have.length(1);
      expect(alone.locks.peek(home.id, 'a')).to.have.length(1);
      const lockTokens = [token];
      if (kind === 'remove')
        await alone.store.commit({ kind, who: home.who, ...at, versionId: randomBytes(16).toString('hex'), lockTokens });
      else await alone.store.move({ who: home.who, from: at, to: address(home, 'b'), overwrite: true, lockTokens });
      expect(alone.locks.peek(home.id, 'a') ?? [], kind).to.deep.equal([]);
      expect(await covering(), kind).to.deep.equal([]);
    }
  });

  it('knows of a user who is removed by a command that its locks are gone', async () => {
    const home = await rig.bucket();
    const guest = await rig.user();
    const locked = { at: address(home, 'a'), exclusive: true, infinite: false, ownerXml: null, timeoutMs: 60_000 };
    await alone.locks.acquire({ ...locked, principal: guest.principal.id });
    expect(await alone.locks.covering(home.id, ['a'])).to.have.length(1);
    const told = new Promise<void>((resolve) => alone.signals.subscribe('principals', () => resolve()));
    await asking.principals.remove(guest.principal.id, home.owner);
    await told;
    expect(await alone.locks.covering(home.id, ['a'])).to.deep.equal([]);
  });

  it('more locks than are kept are looked up, and few again are kept', async () => {
    const home = await rig.bucket();
    const principal = home.who.principal?.id ?? 0;
    const locked = { principal, exclusive: true, infinite: false, ownerXml: null, timeoutMs: 60_000 };
    const locks = [];
    for (let n = 0; n < 103; n++) locks.push(await alone.locks.acquire({ ...locked, at: address(home, `many/${n}`) }));
    expect(await alone.locks.covering(home.id, ['many'], true)).to.have.length(103);
    expect(alone.locks.peek(home.id, 'many/7')).to.equal(undefined);
    expect(await alone.locks.covering(home.id, ['many/7'])).to.have.length(1);
    for (const { at, token } of locks.slice(0, 50)) await alone.locks.release(at, token, principal);
    expect(await alone.locks.covering(home.id, ['many'], true)).to.have.length(53);
    expect(alone.locks.peek(home.id, 'many/7')).to.deep.equal([]);
    expect(alone.locks.peek(home.id, 'many/70')).to.have.length(1);
    rig.clock.advance(60_001);
    expect(alone.locks.peek(home.id, 'many/70')).to.deep.equal([]);
  });
});

/** Every lock's token goes along, so that changes go through and drop locks. */
function withTokens(store: Metadata['store'], lockTokens: readonly string[]): Metadata['store'] {
  const changes: readonly PropertyKey[] = ['commit', 'move', 'copy', 'removeTree'] satisfies (keyof Metadata['store'])[];
  return new Proxy(store, {
    get(target, name: keyof Metadata['store']) {
      const method = target[name] as (intent: object) => unknown; // the changes take one intent each
      return changes.includes(name) ? (intent: object) => method({ ...intent, lockTokens }) : method;
    },
  });
}
