import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { expect } from 'chai';
import type { Door } from '#http/door';
import { startListeners, type TestListeners } from '../../support/listeners.ts';
import { runProcess } from '../../support/process.ts';
import { requireProgram } from '../../support/programs.ts';

describe('TLS', () => {
  requireProgram('openssl');
  let directory: string;
  let running: TestListeners | null = null;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-tls-'));
  });
  after(async () => {
    await running?.drain(0);
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  it('is spoken on both ports, and requests know it', async () => {
    const [certPath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const made = await runProcess('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', keyPath, '-out', certPath],
    ]);
    expect(made.code, made.stderr).to.equal(0);
    const cert = readFileSync(certPath);
    const door: Door = {
      async handle(_req, res, cx) {
        res.end(`${cx.secure} ${cx.tlsVersion}`);
      },
    };
    running = await startListeners({ tls: { cert, key: readFileSync(keyPath) }, s3: door, webdav: door });
    expect(await get(running.s3.port, cert)).to.equal('true 1.3');
    expect(await get(running.web.port, cert, 'TLSv1.2')).to.equal('true 1.2');
    await running.drain(600_000); // long before that it is through, and with it what is told of the requests
    expect(running.requests.map(({ status }) => status)).to.deep.equal([200, 200]);
  });
});

function get(port: number, ca: Buffer, maxVersion: SecureVersion = 'TLSv1.3'): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      path: '/dav/',
      ca,
      maxVersion,
      ALPNProtocols: ['h2', 'http/1.1'],
    };
    const req = request(options, (res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk));
      res.on('end', () => resolve(text));
    });
    req.on('error', reject);
    req.end();
  });
}
