import { rmSync } from 'node:fs';
import { expect } from 'chai';
import { ROUTES } from '#protocols/rest/routes';
import { createClient } from '../../clients/typescript/index.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { runProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { SEED } from '../support/random.ts';

/** Requests that are left out, each with its reason, and where it is asked the like instead. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  Logout: 'it ends the session that the run lives by; test/unit/rest/door.test.ts',
  AddStore: 'it would make directories anywhere on the machine; test/e2e/disks.test.ts',
  ReplaceStore: 'the same',
};

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

  it('leaves out no operation that is not there, and none without a reason', () => {
    for (const [operation, why] of Object.entries(LEFT_OUT)) {
      expect(ROUTES.map((route) => route.operation)).to.include(operation);
      expect(why).to.have.length.above(5);
    }
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
        // What hangs is found; what waits for the disk of a busy machine is not taken for it.
        '--request-timeout',
        '30',
        '--max-time',
        '45',
        '--workers',
        '2',
        '--seed',
        String(SEED),
        '--no-color',
        ...Object.keys(LEFT_OUT).flatMap((operation) => ['--exclude-operation-id', operation]),
      ],
      { cwd: dataDir },
    );
    expect(code, `seed ${SEED}\n${stdout.slice(-6000)}${stderr.slice(-2000)}`).to.equal(0);
    expect(output().stderr).to.not.match(/request failed/);
  });
});
