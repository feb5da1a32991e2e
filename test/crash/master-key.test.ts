import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createKeyring } from '#engine/keyring';
import { loadMasterKey } from '#master-key';
import { type Metadata, openMetadata } from '#metadata/open';
import { freshDatabase, quiet, type TestDatabase } from '../support/database.ts';
import { runProcess } from '../support/process.ts';
import { diceOf, SEED } from '../support/random.ts';
import { backendsOf, onlyLeft } from './backends.ts';
import type { KeyRound } from './change-key.ts';
import type { When } from './crash-point.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const WHENS: readonly When[] = ['before', 'sent', 'after'];
const ROUNDS = 8;

/** Whenever a change of the master key is killed, what is there afterwards is one key that opens everything. */
describe(`a change of the master key, killed (seed ${SEED})`, function () {
  this.timeout(LONG ? 1_200_000 : 120_000);
  let database: TestDatabase;
  let dataDirectory: string;
  let metadata: Metadata;
  let domains: number[];
  let passphrase: string | null = null;
  let changes = 0;
  const secret = Buffer.from('of an access key');

  before(async () => {
    database = await freshDatabase({ schema: true });
    dataDirectory = mkdtempSync(join(tmpdir(), 'cloudstore-crash-key-'));
    metadata = await openMetadata({ connection: database.connection, clock: Date, random: randomBytes, log: quiet });
    const masterKey = await load(null);
    const keyring = createKeyring({ masterKey, keys: metadata.keys, random: randomBytes });
    domains = [await keyring.create(), await keyring.create()];
    const ann = await metadata.principals.create({ name: 'ann', role: 'member', passwordHash: null, domain: domains[0]! });
    const sealedSecret = keyring.seal(secret, 'access-key:ANN');
    await metadata.principals.addKey({ id: 'ANN', principal: ann.id, sealedSecret });
  });
  after(async () => {
    await metadata?.close();
    await database?.drop();
    if (dataDirectory !== undefined) rmSync(dataDirectory, { recursive: true, force: true });
  });

  const load = (words: string | null): Promise<Buffer> => {
    const source = { dataDirectory, key: null, passphrase: words, keyPath: null, passphrasePath: null };
    return loadMasterKey({ source, sealed: metadata.sealed, random: randomBytes, mayCreate: words === null });
  };

  /** A start: with the key of now, and everything opens. */
  async function start(words: string | null): Promise<void> {
    const masterKey = await load(words);
    const keyring = createKeyring({ masterKey, keys: metadata.keys, random: randomBytes });
    for (const domain of domains) expect((await keyring.load(domain)).currentEpoch).to.equal(1);
    const found = await metadata.principals.findKey('ANN');
    expect(keyring.open(found!.sealedSecret, 'access-key:ANN')).to.deep.equal(secret);
  }

  /** null: it was killed. */
  async function round(crashAt: number, when: When, to: 'file' | 'passphrase'): Promise<number | null> {
    const newPassphrase = to === 'file' ? null : `passphrase number ${crashAt} ${when} ${changes++}`;
    const options: KeyRound = { connection: database.connection, dataDirectory, passphrase, newPassphrase, crashAt, when };
    const own = await backendsOf(database);
    const program = fileURLToPath(import.meta.resolve('./change-key.ts'));
    const { code, signal, stdout, stderr } = await runProcess(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      program,
      JSON.stringify(options),
    ]);
    if (signal !== 'SIGKILL' && code !== 0) throw new Error(`The program failed (${code}, ${signal}): ${stderr}`);
    await onlyLeft(database, own);
    const fits: (string | null)[] = [];
    for (const words of new Set([passphrase, newPassphrase])) {
      const ok = await start(words).then(
        () => true,
        () => false,
      );
      if (ok) fits.push(words);
    }
    expect(fits.length, `killed ${when} call ${crashAt}: the keys that fit`).to.equal(1);
    passphrase = fits[0]!;
    return signal === 'SIGKILL' ? null : Number(stdout);
  }

  it('is done or not done at all, and never loses the key', async () => {
    const calls = await round(0, 'before', 'file');
    expect(calls).to.be.greaterThan(15);
    const dice = diceOf(SEED);
    const points = Array.from({ length: calls! }, (_, n) => WHENS.map((when) => ({ n: n + 1, when }))).flat();
    let killed = 0;
    for (const { n, when } of points.filter(() => LONG || dice.chance(ROUNDS / points.length))) {
      if ((await round(n, when, dice.chance(LONG ? 0.5 : 0.2) ? 'passphrase' : 'file')) === null) killed++;
    }
    console.log(`      ${killed} kills in ${calls} calls`);
    expect(await round(0, 'before', 'file')).to.be.greaterThan(15);
    await start(null);
  });
});
