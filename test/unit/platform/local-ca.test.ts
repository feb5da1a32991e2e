import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type HostNames, lanCertificate } from '../../../src/local-ca.ts';

const DAY_MS = 86_400_000;
const NAMES: HostNames = {
  dns: ['localhost', 'box', 'box.local'],
  addresses: ['127.0.0.1', '192.168.1.7', '203.0.113.9', '2001:db8::7', '::1'],
};

describe('the certificate of a local network', () => {
  let directory: string;
  let now = Date.now();
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-local-ca-'));
    now = Date.now();
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const get = (names = NAMES, mayMake = true) =>
    lanCertificate(directory, { mayMake, clock: { now: () => now }, random: randomBytes, names });

  it('is made once, names the machine, and is kept from others', async () => {
    const made = await get();
    const again = await get();
    expect(again.cert.equals(made.cert)).to.equal(true);
    const cert = new X509Certificate(made.cert);
    for (const name of NAMES.dns) expect(cert.checkHost(name), name).to.equal(name);
    for (const address of NAMES.addresses) expect(cert.checkIP(address), address).to.equal(address);
    expect(cert.verify(new X509Certificate(made.authority).publicKey)).to.equal(true);
    for (const file of ['local-ca.pem', 'lan-certificate.pem'])
      expect(statSync(join(directory, file)).mode & 0o77, file).to.equal(0);
  });

  it('is renewed before it ends, and when the machine has another address; the authority stays', async () => {
    const first = await get();
    now += 125 * DAY_MS;
    const renewed = await get();
    expect(renewed.cert.equals(first.cert)).to.equal(false);
    expect(renewed.authority.equals(first.authority)).to.equal(true);
    const moved = await get({ ...NAMES, addresses: ['127.0.0.1', '10.0.0.5', '8.8.8.8'] });
    expect(new X509Certificate(moved.cert).checkIP('10.0.0.5')).to.equal('10.0.0.5');
    expect(new X509Certificate(moved.cert).checkIP('8.8.8.8'), 'what the authority may not vouch for').to.equal(undefined);
  });

  it('is read, not made, by other processes', async () => {
    const refused = await get(NAMES, false).catch((error: Error) => error.message);
    expect(refused).to.match(/not there yet/);
    const made = await get();
    expect((await get({ dns: ['other'], addresses: [] }, false)).cert.equals(made.cert)).to.equal(true);
  });

  it('says what to do about a file that is no certificate', async () => {
    await get();
    writeFileSync(join(directory, 'lan-certificate.pem'), 'rubbish');
    expect(await get().catch((error: Error) => error.message)).to.match(/lan-certificate\.pem holds no certificate.*Remove it/);
    expect(readFileSync(join(directory, 'lan-certificate.pem'), 'utf8'), 'left as it was').to.equal('rubbish');
  });

  it('is believed for this machine by who trusts the authority, and the authority for nobody outside', async () => {
    const { authority, cert, key } = await get();
    // What a thief of the authority's key would make: its file is the authority, its names are another's.
    writeFileSync(join(directory, 'lan-certificate.pem'), '');
    rmSync(join(directory, 'lan-certificate.pem'));
    const stolen = await get({ dns: ['bank.example'], addresses: [] });
    const ask = async (identity: { cert: Buffer; key: Buffer }, servername: string): Promise<string> => {
      const server = createServer(identity, (_req, res) => res.end('hello'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        return await new Promise((resolve) => {
          const req = request({ host: '127.0.0.1', port, servername, ca: authority, agent: false }, (res) =>
            res.on('data', (data) => resolve(String(data))),
          );
          req.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code} ${error.message}`));
          req.end();
        });
      } finally {
        server.closeAllConnections();
        server.close();
      }
    };
    expect(await ask({ cert, key }, 'box.local')).to.equal('hello');
    expect(await ask(stolen, 'bank.example')).to.match(/PERMITTED_VIOLATION|permitted subtree/i);
  });
});
