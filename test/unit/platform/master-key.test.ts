import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { InstanceStore } from '#contracts/instance-store';
import { deriveKey, loadMasterKey } from '#master-key';

describe('the master key', () => {
  let directory: string;
  let instance: InstanceStore;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-key-'));
    instance = memoryInstance();
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const load = (configured: Buffer | null = null, mayCreate = true): Promise<Buffer> =>
    loadMasterKey({ dataDirectory: directory, configured, instance, random: randomBytes, mayCreate });
  const refusal = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'it was accepted',
      (error: unknown) => String((error as Error).message),
    );
  const path = (): string => join(directory, 'master.key');

  it('is made once, for its owner alone, and found again', async () => {
    const key = await load();
    expect(key).to.have.length(32);
    expect(statSync(path()).mode & 0o777).to.equal(0o600);
    expect(await load()).to.deep.equal(key);
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
    expect(await refusal(load(randomBytes(32)))).to.contain('CLOUDSTORE_MASTER_KEY');
  });

  it('that is no key is told', async () => {
    writeFileSync(path(), 'hello');
    expect(await refusal(load())).to.contain('is not a master key');
  });

  it('of the environment leaves no file behind, and is remembered', async () => {
    const key = randomBytes(32);
    expect(await load(key)).to.deep.equal(key);
    expect(() => readFileSync(path())).to.throw();
    expect(await refusal(load())).to.contain('is missing');
  });

  it('of the first of two gateways on one database counts', async () => {
    instance.setting = async () => null; // the other was faster, after we looked
    await instance.settingOrInsert('master-key-check', 'f'.repeat(32));
    expect(await refusal(load()))
      .to.contain('Another gateway')
      .and.contain('CLOUDSTORE_MASTER_KEY');
    expect(() => statSync(path())).to.throw();
  });

  it('is never made by a command', async () => {
    expect(await refusal(load(null, false))).to.contain('is missing');
  });

  it('derives keys that differ by purpose', () => {
    const key = randomBytes(32);
    expect(deriveKey(key, 'a')).not.to.deep.equal(deriveKey(key, 'b'));
  });
});

function memoryInstance(): InstanceStore {
  const settings = new Map<string, unknown>();
  return {
    setting: async <T>(name: string) => (settings.get(name) as T | undefined) ?? null,
    async settingOrInsert<T>(name: string, value: T) {
      if (!settings.has(name)) settings.set(name, value);
      return settings.get(name) as T;
    },
    putSetting: async (name, value) => void settings.set(name, value),
    register: async () => 1,
    heartbeat: async () => undefined,
    unregister: async () => undefined,
  };
}
