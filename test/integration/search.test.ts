import { expect } from 'chai';
import type { Search } from '#contracts/search';
import type { Bucket } from '#core/bucket';
import { foldText, indexWords, queryWords } from '#core/names';
import type { Principal } from '#core/principal';
import { createSearch } from '#namespace/search';
import { diceOf, SEED } from '../support/random.ts';
import { codeOf, openRooms, type TestRooms, until } from '../support/rooms.ts';

describe('search by name', function () {
  this.timeout(60_000);
  let rooms: TestRooms;
  let search: Search;
  let ann: Principal;
  let bob: Principal;
  let home: Bucket;
  let other: Bucket;
  before(async () => {
    rooms = await openRooms();
    search = createSearch({ names: rooms.metadata.names, buckets: rooms.buckets, authorizer: rooms.shared().authorizer });
    [ann, bob] = [await rooms.user('ann', 'member'), await rooms.user('bob', 'member')];
    [home, other] = [await rooms.bucket(ann, 'home'), await rooms.bucket(bob, 'other')];
  });
  after(() => rooms.close());

  const put = (key: string, as = ann, bucket = home) => rooms.put(rooms.who(as), bucket, key, 'x');
  async function find(text: string, more: Partial<Parameters<Search['find']>[1]> = {}, as = ann): Promise<string[]> {
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<Search['find']>> = await search.find(rooms.who(as), {
        text,
        limit: 3,
        ...more,
        ...(cursor === null ? {} : { cursor }),
      });
      found.push(...page.entries.map(({ bucket, entry }) => `${bucket.name}/${entry.key}`));
      cursor = page.next;
    } while (cursor !== null);
    expect(new Set(found).size, 'each once').to.equal(found.length);
    return found.sort();
  }

  it('finds beginnings of words, without case and accents, at once', async () => {
    await put('Fotos/Ausflug nach Köln.jpg');
    await put('Fotos/IMG_2023-HolidayPhotos.jpeg');
    await put('Straße.txt');
    await put('写真/東京の夜景.png');
    const koeln = ['home/Fotos/Ausflug nach Köln.jpg'];
    for (const text of ['köln', 'KOLN', 'Ko', 'ausf koln', 'nach', 'koln.jpg', 'Ko\u0308ln'])
      expect(await find(text), text).to.deep.equal(koeln);
    const holiday = ['home/Fotos/IMG_2023-HolidayPhotos.jpeg'];
    for (const text of ['img', '2023', 'holi', 'photos', 'holidayphotos']) expect(await find(text), text).to.deep.equal(holiday);
    expect(await find('strasse')).to.deep.equal(['home/Straße.txt']);
    expect(await find('夜景')).to.deep.equal(['home/写真/東京の夜景.png']);
    expect(await find('写真')).to.deep.equal(['home/写真/']);
    expect(await find('oln')).to.deep.equal([]);
    expect(await find('fotos', { kind: 'folder' })).to.deep.equal(['home/Fotos/']);
    expect(await find('fotos', { kind: 'file' })).to.deep.equal([]);
    expect(await codeOf(find('---'))).to.equal('invalid_argument');
    expect(await codeOf(find('x', { cursor: 'bm8' }))).to.equal('invalid_argument');
  });

  it('follows renames, moves of folders, removals and what comes back', async () => {
    const who = rooms.who(ann);
    await put('trip/day one/beach.jpg');
    await put('trip/day one/notes.txt');
    expect(await find('beach')).to.deep.equal(['home/trip/day one/beach.jpg']);
    const at = (key: string) => ({ bucket: home.id, key });
    await rooms.namespace.move(who, at('trip/'), at('archive/2020/'), { overwrite: false });
    expect(await find('beach')).to.deep.equal(['home/archive/2020/day one/beach.jpg']);
    expect(await find('day')).to.deep.equal(['home/archive/2020/day one/']);
    expect(await find('trip')).to.deep.equal([]);
    expect(await find('2020')).to.deep.equal(['home/archive/2020/']);
    await rooms.namespace.move(who, at('archive/2020/day one/beach.jpg'), at('archive/2020/day one/harbour.jpg'), {
      overwrite: false,
    });
    expect(await find('beach')).to.deep.equal([]);
    expect(await find('harbour')).to.deep.equal(['home/archive/2020/day one/harbour.jpg']);
    await rooms.namespace.remove(who, at('archive/2020/day one/harbour.jpg'));
    expect(await find('harbour')).to.deep.equal([]);
    await put('archive/2020/day one/harbour.jpg');
    expect(await find('harbour')).to.deep.equal(['home/archive/2020/day one/harbour.jpg']);
    await rooms.namespace.copy(who, at('archive/'), at('copies/'), { overwrite: false });
    expect(await find('harbour')).to.deep.equal([
      'home/archive/2020/day one/harbour.jpg',
      'home/copies/2020/day one/harbour.jpg',
    ]);
    await rooms.namespace.remove(who, at('archive/'), { tree: true });
    expect(await find('harbour')).to.deep.equal(['home/copies/2020/day one/harbour.jpg']);
    expect(await find('harbour', { bucket: home, prefix: 'copies/2020/' })).to.have.length(1);
    expect(await find('harbour', { bucket: home, prefix: 'archive/' })).to.have.length(0);
  });

  it('shows nobody what they may not read', async () => {
    await put('secret plan.txt', bob, other);
    await put('shared/secret recipe.txt', bob, other);
    expect(await find('secret')).to.deep.equal([]);
    expect(await find('secret', {}, bob)).to.deep.equal(['other/secret plan.txt', 'other/shared/secret recipe.txt']);
    await rooms.metadata.authority.setGrant({
      subject: { kind: 'user', id: ann.id },
      bucket: other.id,
      prefix: 'shared/',
      role: 'viewer',
    });
    await until(async () => (await find('secret')).length > 0);
    expect(await find('secret')).to.deep.equal(['other/shared/secret recipe.txt']);
  });

  it('of random names agrees with looking at each', async () => {
    console.log(`      seed ${SEED}`);
    const dice = diceOf(SEED);
    const pieces = [
      'Anna',
      'ännä',
      'bob',
      'IMG',
      '12',
      '7',
      'é',
      'ß',
      '夜',
      'x',
      'Foo',
      'fooBar',
      '_',
      ' ',
      '-',
      '.',
      '..',
      'ﬁ',
      '😀',
    ];
    const keys = new Set<string>();
    for (let n = 0; n < 150; n++) {
      let key = 'random/';
      for (let m = 1 + dice.below(6); m > 0; m--) key += dice.pick(pieces);
      keys.add(key);
    }
    await Promise.all([...keys].map((key) => put(key)));
    for (let n = 0; n < 60; n++) {
      const from = dice.pick([...keys]).slice('random/'.length);
      const text = from.slice(dice.below(from.length)).slice(0, 1 + dice.below(4));
      const words = queryWords(text);
      if (words.length === 0) continue;
      const expected = [...keys]
        .filter((key) => words.every((word) => indexWords(key).some((own) => own.startsWith(word))))
        .map((key) => `home/${key}`)
        .sort();
      expect(await find(text, { bucket: home, prefix: 'random/', kind: 'file' }), text).to.deep.equal(expected);
    }
  });

  it('forgets the words of what is gone for good', async () => {
    const count = async () => Number((await rooms.sql('SELECT count(*) FROM name_words'))[0]![0]);
    await search.find(rooms.who(ann), { text: 'all', limit: 1 });
    const prune = async () => {
      let place: Awaited<ReturnType<typeof rooms.metadata.names.prune>> = null;
      do place = await rooms.metadata.names.prune(place, 50);
      while (place !== null);
    };
    await prune();
    const before = await count();
    await rooms.sql(`INSERT INTO name_words VALUES (1, 'ghost', 0, 999999999), (1, 'ghost', 1, 999999999)`);
    await prune();
    expect(await count()).to.equal(before);
  });

  it('folds any text, and finds every name by each of its words', () => {
    for (const name of ['İstanbul', 'ΑΣΣΟΣ', 'e\u0301te\u0301', 'a'.repeat(500), '\u0301', '👩‍👩‍👧', 'Ǆ', '１２３', 'кіт Їжак']) {
      expect(foldText(foldText(name)), name).to.equal(foldText(name));
      for (const word of queryWords(name))
        expect(
          indexWords(name).some((own) => own.startsWith(word)),
          `${name} by ${word}`,
        ).to.equal(true);
    }
  });
});
