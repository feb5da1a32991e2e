import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createSealing, masterKeyCheck } from '#engine/sealing';
import { deriveMasterKey } from '#key-derivation';
import { createKeyFile, type KeyFileOps, nodeKeyFileOps } from '#key-files';
import { deriveKey, loadMasterKey, type MasterKeySource } from '#master-key';
import { changeMasterKey, type NewMasterKey, sameKindOfKey } from '#master-key-change';
import { type MemorySealed, memorySealed } from '../../support/memory-sealed.ts';

const WORDS = 'four words and a horse';

describe('the master key', () => {
  let directory: string;
  let sealed: MemorySealed;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-key-'));
    sealed = memorySealed();
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const from = (more: Partial<MasterKeySource> = {}): MasterKeySource => ({
    dataDirectory: directory,
    key: null,
    passphrase: null,
    keyPath: null,
    passphrasePath: null,
    ...more,
  });
  const load = (source = from(), mayCreate = true): Promise<Buffer> =>
    loadMasterKey({ source, sealed, random: randomBytes, mayCreate });
  const refusal = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'it was accepted',
      (error: unknown) => String((error as Error).message),
    );
  const path = (): string => join(directory, 'master.key');
  const change = (source: MasterKeySource, masterKey: Buffer, to: NewMasterKey = sameKindOfKey(source)) =>
    changeMasterKey({ source, masterKey, sealed, random: randomBytes, files: nodeKeyFileOps() }, to);

  it('is made once, for its owner alone, and found again', async () => {
    const key = await load();
    expect(key).to.have.length(32);
    expect(statSync(path()).mode & 0o777).to.equal(0o600);
    expect(await load()).to.deep.equal(key);
  });

  for (const call of ['read', 'keep', 'rename'] as const)
    it(`takes its place once when command and gateway are at it together (the one before its ${call})`, async () => {
      const [before, next] = [randomBytes(32), randomBytes(32)];
      writeFileSync(path(), before.toString('hex'), { mode: 0o600 });
      const check = masterKeyCheck(next);
      const ops = nodeKeyFileOps();
      const gateway = createKeyFile(path(), ops);
      await gateway.prepare(next, masterKeyCheck(before));
      let calls = 0;
      const after = async <T>(result: Promise<T>): Promise<T> => {
        const found = await result; // what the command has seen, and what is so no more
        if (calls++ === 1 || call !== 'read') await gateway.promote(check);
        return found;
      };
      const slow: KeyFileOps = {
        ...ops,
        read: (from) => (call === 'read' ? after(ops.read(from)) : ops.read(from)),
        keep: async (from, to) => (call === 'keep' ? gateway.promote(check).then(() => ops.keep(from, to)) : ops.keep(from, to)),
        rename: async (from, to) =>
          call === 'rename' ? gateway.promote(check).then(() => ops.rename(from, to)) : ops.rename(from, to),
      };
      await createKeyFile(path(), slow).promote(check);
      expect(readFileSync(path(), 'utf8').trim()).to.equal(next.toString('hex'));
      const old = readdirSync(directory).filter((name) => name.includes('.old-'));
      expect(old.map((name) => readFileSync(join(directory, name), 'utf8').trim())).to.deep.equal([before.toString('hex')]);
    });

  it('that is moved aside is never the next one, which comes in its place meanwhile', async () => {
    const [before, next] = [randomBytes(32), randomBytes(32)];
    writeFileSync(path(), before.toString('hex'), { mode: 0o600 });
    const ops = nodeKeyFileOps();
    const rename = async (from: string, to: string): Promise<boolean> => {
      if (from === path()) writeFileSync(path(), next.toString('hex'));
      return ops.rename(from, to);
    };
    expect(await createKeyFile(path(), { ...ops, rename }).retire(masterKeyCheck(before))).to.equal(null);
    expect(readFileSync(path(), 'utf8')).to.equal(next.toString('hex'));
  });

  it('that is missing is told, and never replaced', async () => {
    await load();
    rmSync(path());
    expect(await refusal(load()))
      .to.contain('is missing')
      .and.contain(path());
    expect(() => statSync(path())).to.throw();
  });

  it('that is another is told', async () => {
    await load();
    writeFileSync(path(), `${randomBytes(32).toString('hex')}\n`);
    expect(await refusal(load()))
      .to.contain('is not the one')
      .and.contain(path());
    expect(await refusal(load(from({ key: randomBytes(32) })))).to.contain('CLOUDSTORE_MASTER_KEY');
  });

  it('that is no key is told', async () => {
    writeFileSync(path(), 'hello');
    expect(await refusal(load())).to.contain('is not a master key');
  });

  it('of the environment leaves no file behind, and is remembered', async () => {
    const key = randomBytes(32);
    expect(await load(from({ key }))).to.deep.equal(key);
    expect(readdirSync(directory)).to.deep.equal([]);
    expect(await refusal(load())).to.contain('is missing');
  });

  it('of the first of two gateways on one database counts', async () => {
    const { masterKey } = sealed;
    sealed.masterKey = async () => null; // the other was faster, after we looked
    await sealed.masterKeyOrInsert({ check: 'f'.repeat(32), derivation: null });
    expect(await refusal(load()))
      .to.contain('Another gateway')
      .and.contain('CLOUDSTORE_MASTER_KEY');
    sealed.masterKey = masterKey;
    expect(() => statSync(path())).to.throw();
  });

  it('is never made by a command', async () => {
    expect(await refusal(load(from(), false))).to.contain('is missing');
  });

  it('derives keys that differ by purpose', () => {
    const key = randomBytes(32);
    expect(deriveKey(key, 'a')).not.to.deep.equal(deriveKey(key, 'b'));
  });

  describe('of a passphrase', () => {
    it('is the same for the same words, however their accents are typed, and nothing that is kept tells it', async () => {
      const key = await load(from({ passphrase: 'vierzehn Bücher über Äpfel' }));
      expect(await load(from({ passphrase: 'vierzehn Bücher über Äpfel'.normalize('NFD') }))).to.deep.equal(key);
      expect(readdirSync(directory)).to.deep.equal(['master-key.json']);
      const note = JSON.parse(readFileSync(join(directory, 'master-key.json'), 'utf8'));
      expect(note.keys).to.deep.equal([await sealed.masterKey()]);
      expect(note.keys[0].derivation.algorithm).to.equal('argon2id');
      // With the note and the words alone, as an export without the database does it.
      expect(await deriveMasterKey('vierzehn Bücher über Äpfel', note.keys[0].derivation)).to.deep.equal(key);
    });

    it('has another salt in every installation', async () => {
      const key = await load(from({ passphrase: WORDS }));
      sealed = memorySealed();
      expect(await load(from({ passphrase: WORDS }))).to.not.deep.equal(key);
    });

    it('that is wrong, missing or never was one is told in a sentence', async () => {
      await load(from({ passphrase: WORDS }));
      expect(await refusal(load(from({ passphrase: 'four words and a cow' })))).to.match(
        /^The passphrase in .* is not the one .*\.$/,
      );
      expect(await refusal(load())).to.contain('comes from a passphrase');
      sealed = memorySealed();
      await load(from({ key: randomBytes(32) }));
      expect(await refusal(load(from({ passphrase: WORDS })))).to.contain('was not written with a passphrase');
    });

    it('is computed by scrypt where that was chosen, and never with parameters beyond measure', async () => {
      const salt = '00'.repeat(16);
      const scrypt = { algorithm: 'scrypt' as const, cost: 1024, blockSize: 8, parallelization: 1, salt };
      expect((await deriveMasterKey(WORDS, scrypt)).length).to.equal(32);
      for (const derivation of [
        { ...scrypt, cost: 2 ** 40 },
        { algorithm: 'argon2id' as const, memoryKib: 2 ** 30, passes: 1, lanes: 1, salt },
        { algorithm: 'argon2id' as const, memoryKib: 64, passes: 1e9, lanes: 1, salt },
      ]) {
        expect(await refusal(deriveMasterKey(WORDS, derivation))).to.contain('makes no sense');
      }
    });
  });

  describe('that is changed', () => {
    const secret = Buffer.from('a secret');
    /** A store with one sealed value. */
    async function begin(source = from()): Promise<Buffer> {
      const key = await load(source);
      sealed.values.set('context', createSealing(key, randomBytes).seal(secret, 'context'));
      return key;
    }
    async function expectOpen(key: Buffer): Promise<void> {
      expect(createSealing(key, randomBytes).open(sealed.values.get('context')!, 'context')).to.deep.equal(secret);
    }

    it('opens everything afterwards, takes the place of the old one and leaves that beside', async () => {
      const old = await begin();
      const { resealed, todo } = await change(from(), old);
      expect([resealed, todo]).to.deep.equal([1, null]);
      const key = await load();
      expect(key).to.not.deep.equal(old);
      await expectOpen(key);
      const kept = `master.key.old-${masterKeyCheck(old).slice(0, 8)}`;
      expect(readdirSync(directory).sort()).to.deep.equal(['master.key', kept].sort());
      expect(statSync(path()).mode & 0o777).to.equal(0o600);
      expect(Buffer.from(readFileSync(join(directory, kept), 'utf8').trim(), 'hex')).to.deep.equal(old);
    });

    it('goes from file to passphrase to other words to a file again', async () => {
      const first = await begin();
      const one = await change(from(), first, { kind: 'passphrase', words: WORDS });
      const kept = `master.key.old-${masterKeyCheck(first).slice(0, 8)}`;
      expect(one.todo).to.contain('CLOUDSTORE_MASTER_PASSPHRASE_FILE').and.contain(kept);
      // What is called the master key is the one of now, or none.
      expect(readdirSync(directory).sort()).to.deep.equal(['master-key.json', kept].sort());
      expect(readFileSync(join(directory, kept), 'utf8').trim()).to.equal(first.toString('hex'));
      expect(await refusal(load())).to.contain('comes from a passphrase');
      const second = await load(from({ passphrase: WORDS }));
      await expectOpen(second);
      await change(from({ passphrase: WORDS }), second, { kind: 'passphrase', words: 'other words and a cow' });
      expect(await refusal(load(from({ passphrase: WORDS })))).to.contain('is not the one');
      const third = await load(from({ passphrase: 'other words and a cow' }));
      await expectOpen(third);
      const back = await change(from({ passphrase: 'other words and a cow' }), third, { kind: 'file', path: path() });
      expect(back.todo).to.contain('Remove');
      await expectOpen(await load());
      expect(JSON.parse(readFileSync(join(directory, 'master-key.json'), 'utf8'))).to.deep.equal({ keys: [] });
    });

    it('of a setting goes into the file that is named, or the one it was read from', async () => {
      const key = randomBytes(32);
      await begin(from({ key }));
      expect(() => sameKindOfKey(from({ key }))).to.throw('--new-key-file');
      const other = join(directory, 'other.key');
      const { todo } = await change(from({ key }), key, { kind: 'file', path: other });
      expect(todo).to.contain(`CLOUDSTORE_MASTER_KEY_FILE=${other}`);
      const next = Buffer.from(readFileSync(other, 'utf8').trim(), 'hex');
      await expectOpen(next);
      const source = from({ key: next, keyPath: other });
      expect((await change(source, next)).todo).to.equal(null);
      const last = Buffer.from(readFileSync(other, 'utf8').trim(), 'hex');
      expect(last).to.not.deep.equal(next);
      // A process that still has what the file held.
      expect(await load(source)).to.deep.equal(last);
      await expectOpen(last);
    });

    it('is refused with weak words, and when somebody else was faster, and nothing is written', async () => {
      const key = await begin();
      expect(await refusal(change(from(), key, { kind: 'passphrase', words: 'aaaaaaaaaaaaaaaaaaa' }))).to.contain(
        '12 characters',
      );
      expect(await refusal(change(from(), randomBytes(32)))).to.contain('somebody else');
      const { replaceMasterKey } = sealed;
      sealed.replaceMasterKey = async (_, ...rest) => replaceMasterKey('0'.repeat(32), ...rest);
      expect(await refusal(change(from(), key))).to.contain('Another key');
      expect(readdirSync(directory)).to.deep.equal(['master.key']);
      await expectOpen(await load());
    });

    it('leaves what an interrupted change had prepared until the next one, which clears it away', async () => {
      const key = await begin();
      const { replaceMasterKey } = sealed;
      sealed.replaceMasterKey = async (...[, , , prepare]) => {
        await prepare();
        throw new Error('the database went away');
      };
      expect(await refusal(change(from(), key))).to.equal('the database went away');
      expect(readdirSync(directory).length).to.equal(2);
      expect(await load()).to.deep.equal(key);
      sealed.replaceMasterKey = replaceMasterKey;
      await change(from(), key);
      expect(readdirSync(directory).length).to.equal(2);
      await expectOpen(await load());
    });

    it('is found when the process died between the database and the file', async () => {
      const key = await begin();
      await change(from(), key);
      const next = await load();
      // As it was before the two renames, and between them.
      const kept = join(directory, `master.key.old-${masterKeyCheck(key).slice(0, 8)}`);
      renameSync(path(), join(directory, `master.key.${masterKeyCheck(next).slice(0, 16)}`));
      expect(await load()).to.deep.equal(next);
      renameSync(path(), join(directory, `master.key.${masterKeyCheck(next).slice(0, 16)}`));
      renameSync(kept, path());
      expect(await load()).to.deep.equal(next);
      expect(readFileSync(path(), 'utf8').trim()).to.equal(next.toString('hex'));
      expect(readdirSync(directory).length).to.equal(2);
    });
  });
});
