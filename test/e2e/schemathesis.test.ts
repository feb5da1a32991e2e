import { rmSync } from 'node:fs';
import { expect } from 'chai';
import { createClient } from '../../clients/typescript/index.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { runProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { SEED } from '../support/random.ts';

/** Requests that end the very session that the run lives by, change who may log in, take long, or make directories anywhere on the machine. */
const LEFT_OUT = ['Logout', 'ChangePassword', 'StartJob', 'Scrub', 'Zip', 'GetPreparedZip', 'AddStore', 'ReplaceStore'];

describe('schemathesis', function () {
  requireProgram('schemathesis');
  this.timeout(180_000);
  let gateway: TestGateway | undefined;
  before(async () => {
    gateway = await startGateway({ keepData: true });
  });
  after(async () => {
    if (gateway === undefined) return; // the program is not there
    await gateway.stop();
    rmSync(gateway.dataDir, { recursive: true, force: true });
  });

  it('finds no request that its own document allows and the gateway has a fault with', async () => {
    if (gateway === undefined) throw new Error('The gateway did not start.');
    const { dataDir, output } = gateway;
    const client = createClient({ url: gateway.webUrl });
    await client.login(gateway.user, gateway.password);
    const token = await client.session.token();
    const { code, stdout, stderr } = await runProcess(
      'schemathesis',
      [
        'run',
        `${client.baseUrl}/openapi.json`,
        '--url',
        client.baseUrl,
        '--header',
        `Authorization: Bearer ${token}`,
        '--phases',
        'examples,fuzzing',
        '--mode',
        'all',
        '--max-examples',
        '5',
        '--checks',
        'not_a_server_error',
        '--request-timeout',
        '10',
        '--max-time',
        '45',
        '--workers',
        '2',
        '--seed',
        String(SEED),
        '--no-color',
        ...LEFT_OUT.flatMap((operation) => ['--exclude-operation-id', operation]),
      ],
      { cwd: dataDir },
    );
    expect(code, `seed ${SEED}\n${stdout.slice(-6000)}${stderr.slice(-2000)}`).to.equal(0);
    expect(output().stderr).to.not.match(/request failed/);
  });
});
