import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Config, type ConfigSources, describeConfig, loadConfig } from '#config/load';
import { SettingError } from '#config/setting-error';
import { oidcProvider } from '../../../src/oidc-provider.ts';

describe('settings', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-config-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const load = (environment: Record<string, string> = {}, from: Partial<ConfigSources> = {}): Config =>
    loadConfig({
      flags: {},
      environment,
      workingDirectory: directory,
      defaultDataDirectory: '/default/data',
      configDirectory: null,
      ...from,
    });
  const failure = (environment: Record<string, string>, from: Partial<ConfigSources> = {}): string => {
    try {
      load(environment, from);
    } catch (error) {
      expect(error).to.be.instanceOf(SettingError);
      return String((error as Error).message);
    }
    throw new Error('it was accepted');
  };
  const file = (text: string, name = 'cloudstore.yaml'): string => {
    writeFileSync(join(directory, name), text);
    return name;
  };

  it('takes the default when nobody says anything', () => {
    const { values, sources } = load();
    expect(values).to.include({ host: '127.0.0.1', 's3-port': 9000, port: 9001, processes: 1, 'data-dir': '/default/data' });
    expect(sources.port).to.equal('default');
  });

  it('prefers flag to environment to file to default, and tells which it was', () => {
    file('port: 1\ns3-port: 2\nhost: file.example\n');
    const { values, sources } = load({ CLOUDSTORE_PORT: '3', CLOUDSTORE_S3_PORT: '4' }, { flags: { port: '5' } });
    expect([values.port, values['s3-port'], values.host]).to.deep.equal([5, 4, 'file.example']);
    expect(sources.port).to.equal('flag --port');
    expect(sources['s3-port']).to.equal('environment CLOUDSTORE_S3_PORT');
    expect(sources.host).to.equal(join(directory, 'cloudstore.yaml'));
  });

  it('names the nearest for an unknown variable and an unknown line of the file', () => {
    expect(failure({ CLOUDSTORE_PROT: '1' }))
      .to.contain('CLOUDSTORE_PROT')
      .and.contain('CLOUDSTORE_PORT');
    file('data_dir: x\n');
    expect(failure({})).to.contain('"data_dir"').and.contain('Did you mean data-dir?');
  });

  it('leaves alone what the tests and Kubernetes set', () => {
    const { values } = load({
      CLOUDSTORE_TEST_DATABASE_URL: 'x',
      CLOUDSTORE_PORT: 'tcp://10.0.0.1:9001',
      CLOUDSTORE_SERVICE_HOST: '10.0.0.1',
      CLOUDSTORE_SERVICE_PORT_HTTP: '9001',
      CLOUDSTORE_PORT_9001_TCP_PROTO: 'tcp',
      CLOUDSTORE_S3_PORT_9000_TCP: 'tcp://10.0.0.1:9000',
    });
    expect(values.port).to.equal(9001);
  });

  it('reads a secret from the file that _FILE names, without its last newline', () => {
    file('s3cret with spaces \n', 'token');
    const { values, sources } = load({ CLOUDSTORE_METRICS_TOKEN_FILE: join(directory, 'token') });
    expect(values['metrics-token']).to.equal('s3cret with spaces ');
    expect(sources['metrics-token']).to.contain('CLOUDSTORE_METRICS_TOKEN_FILE');
  });

  it('refuses a secret given twice, a missing file, and _FILE for what is no secret', () => {
    file('x', 'token');
    expect(failure({ CLOUDSTORE_METRICS_TOKEN: 'a', CLOUDSTORE_METRICS_TOKEN_FILE: 'token' })).to.contain('both set');
    expect(failure({ CLOUDSTORE_METRICS_TOKEN_FILE: join(directory, 'absent') })).to.contain('does not exist');
    expect(failure({ CLOUDSTORE_HOST_FILE: 'token' })).to.contain('no setting CLOUDSTORE_HOST_FILE');
  });

  for (const [name, value] of [
    ['CLOUDSTORE_PORT', 'many'],
    ['CLOUDSTORE_PORT', '65536'],
    ['CLOUDSTORE_PORT', '80.5'],
    ['CLOUDSTORE_LOG_LEVEL', 'loud'],
    ['CLOUDSTORE_PUBLIC_URL', 'example.org'],
    ['CLOUDSTORE_DATABASE_URL', 'mysql://x/y'],
    ['CLOUDSTORE_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['CLOUDSTORE_PROCESSES', '0'],
  ] as const) {
    it(`refuses ${name}=${value} in one sentence that names it`, () => {
      const sentence = failure({ [name]: value });
      expect(sentence).to.contain(name).and.contain('must');
      expect(sentence).not.to.contain('\n');
    });
  }

  it('never shows the secret that it refuses', () => {
    expect(failure({ CLOUDSTORE_MASTER_KEY: 'deadbeef' })).not.to.contain('deadbeef');
  });

  it('takes a master key in hex or base64', () => {
    const key = Buffer.alloc(32, 7);
    expect(load({ CLOUDSTORE_MASTER_KEY: key.toString('hex') }).values['master-key']).to.deep.equal(key);
    expect(load({ CLOUDSTORE_MASTER_KEY: key.toString('base64') }).values['master-key']).to.deep.equal(key);
  });

  it('wants certificate and key, and key id and secret, together', () => {
    expect(failure({ CLOUDSTORE_TLS_CERT: 'a.pem' })).to.contain('CLOUDSTORE_TLS_KEY');
    expect(failure({ CLOUDSTORE_SECRET_ACCESS_KEY: 'long enough' })).to.contain('CLOUDSTORE_ACCESS_KEY_ID');
  });

  it('knows no identity provider without the address that browsers come back to', () => {
    const provider = { CLOUDSTORE_OIDC_ISSUER: 'https://id.example.org', CLOUDSTORE_OIDC_CLIENT_ID: 'cloud' };
    expect(() => oidcProvider(load(provider))).to.throw('CLOUDSTORE_PUBLIC_URL');
    const known = oidcProvider(load({ ...provider, CLOUDSTORE_PUBLIC_URL: 'https://cloud.example.org/' }));
    expect(known?.redirectUri).to.equal('https://cloud.example.org/api/v1/auth/oidc/callback');
  });

  it('splits lists at commas and takes a list of the file', () => {
    expect(load({ CLOUDSTORE_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).values['trusted-proxies']).to.deep.equal([
      '10.0.0.0/8',
      '::1',
    ]);
    file('trusted-proxies: [10.0.0.1]\n');
    expect(load().values['trusted-proxies']).to.deep.equal(['10.0.0.1']);
  });

  it('says which line of a broken file is wrong, or that --config names none', () => {
    file('port: [\n');
    expect(failure({})).to.contain('cloudstore.yaml is not valid YAML');
    expect(failure({}, { file: 'absent.yaml' }))
      .to.contain('absent.yaml')
      .and.contain('does not exist');
  });

  it('prints no secret, and URLs without their passwords', () => {
    const shown = JSON.stringify(
      describeConfig(
        load({
          CLOUDSTORE_MASTER_KEY: 'ab'.repeat(32),
          CLOUDSTORE_ADMIN_PASSWORD: 'canary-password',
          CLOUDSTORE_DATABASE_URL: 'postgres://me:canary-url@db.example/cloud',
          CLOUDSTORE_METRICS_TOKEN: 'canary-token',
          CLOUDSTORE_ACCESS_KEY_ID: 'AKID',
          CLOUDSTORE_SECRET_ACCESS_KEY: 'canary-secret',
        }),
      ),
    );
    expect(shown).not.to.match(/canary|abab/);
    expect(shown).to.contain('db.example').and.contain('AKID');
  });

  for (const [what, name, value, shown] of [
    ['several nodes', 'CLOUDSTORE_REDIS_URL', 'redis://:canary-1@one.example,redis://:canary-2@two.example', 'one.example'],
    ['a later node', 'CLOUDSTORE_REDIS_URL', 'redis://one.example,redis://me:canary@two.example', 'one.example'],
    ['an endpoint', 'CLOUDSTORE_CHUNKS_URL', 's3://AKID:canary@packs/own?endpoint=https://me:canary@s3.example', 'packs/own'],
    ['an odd prefix', 'CLOUDSTORE_MIRROR_URL', 's3://AKID:canary@packs/a:b@c?region=here', 'packs/a:b@c'],
    ['a parameter', 'CLOUDSTORE_DATABASE_URL', 'postgres:///cloud?host=/run/postgres&user=me&password=canary', 'postgres'],
    ['a webhook', 'CLOUDSTORE_WEBHOOKS', 'ops=https://hooks.example/canary', '(secret)'],
  ] as const) {
    it(`prints an URL without what opens it: ${what}`, () => {
      const printed = JSON.stringify(describeConfig(load({ [name]: value })));
      expect(printed).not.to.contain('canary');
      expect(printed).to.contain(shown);
    });
  }
});
