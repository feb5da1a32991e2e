import { join } from 'node:path';
import { startGateway, type TestGateway, type TestGatewayOptions } from '../../../support/gateway.ts';
import { kept } from '../../../support/kept.ts';
import { cloudstore, MAIN, NODE_ARGS } from '../../../support/process.ts';
import { createClient, type S3Client } from './client.ts';

/** What the suite runs against. */
export interface Endpoint {
  s3: S3Client;
  /** Another account, which owns nothing here. null: the endpoint under test has only one. */
  other: S3Client | null;
  /** Ours, started for this run; null for an endpoint of the environment. */
  gateway: TestGateway | null;
}

const shared: { endpoint?: Promise<Endpoint> } = {};

/** CLOUDSTORE_S3_TEST_ENDPOINT with its keys, or a gateway of our own, one for all files that run in a row. */
export function endpointOfRun(): Promise<Endpoint> {
  shared.endpoint ??= open();
  return shared.endpoint;
}

async function open(): Promise<Endpoint> {
  const { env } = process;
  const region = env.CLOUDSTORE_S3_TEST_REGION ?? 'us-east-1';
  const url = env.CLOUDSTORE_S3_TEST_ENDPOINT;
  if (url !== undefined) {
    const keys = (prefix: string) => ({
      accessKeyId: env[`${prefix}_ACCESS_KEY`] ?? '',
      secretAccessKey: env[`${prefix}_SECRET`] ?? '',
    });
    const s3 = createClient(url, keys('CLOUDSTORE_S3_TEST'), region);
    const other = env.CLOUDSTORE_S3_TEST_OTHER_ACCESS_KEY === undefined ? null : s3.as(keys('CLOUDSTORE_S3_TEST_OTHER'));
    return { s3, other, gateway: null };
  }
  const gateway = await startGateway(planted(env));
  kept.push(() => {
    delete shared.endpoint;
    return gateway.stop();
  });
  const added = await cloudstore(['user', 'add', `conformance-${Date.now().toString(36)}`, '--key', '--json'], {
    env: { CLOUDSTORE_DATA_DIR: gateway.dataDir },
  });
  if (added.code !== 0) throw new Error(`No second user: ${added.stderr}`);
  const s3 = createClient(gateway.s3Url, gateway, region);
  return { s3, other: s3.as(JSON.parse(added.stdout)), gateway };
}

/** A gateway with the mistake of a group in its code: see planted.test.ts. */
function planted({
  CLOUDSTORE_TEST_PLANTED: group,
  CLOUDSTORE_TEST_PLANTED_DATA: dataDir,
}: NodeJS.ProcessEnv): TestGatewayOptions {
  // A case looks for its request there.
  const log = { CLOUDSTORE_LOG_LEVEL: 'info' };
  if (group === undefined) return { env: log };
  const plant = join(import.meta.dirname, '..', 'planted', 'plant.ts');
  return {
    command: [process.execPath, ...NODE_ARGS, '--import', plant, MAIN, 'serve'],
    env: { CLOUDSTORE_TEST_PLANTED: group, ...log },
    ...(dataDir === undefined ? {} : { dataDir }),
  };
}
