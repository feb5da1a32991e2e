import { randomBytes } from 'node:crypto';
import { createLogger } from '#observability/logger';
import type { Config } from './config/load.ts';
import type { FirstRun, Urls } from './first-run.ts';
import { type Gateway, startGateway } from './gateway.ts';

const SIGNALS: NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * Runs the gateway until a signal, drains and returns. Signals count from the first moment, also while it starts; a repeated one does not
 * cut the drain short.
 * @throws what startGateway throws
 */
export async function serve(config: Config, version: string): Promise<void> {
  const log = createLogger({ level: config.values['log-level'] });
  let askToStop: () => void = () => undefined;
  const stopAsked = new Promise<void>((resolve) => (askToStop = resolve));
  for (const signal of SIGNALS) process.on(signal, askToStop);
  // A fault of ours that nobody caught: what is running ends in order, and the exit code says that it was no wish.
  const onFault = (err: unknown): void => {
    log.error({ err }, 'an error that nobody caught; stopping');
    process.exitCode = 1;
    askToStop();
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);

  // `npm start | head` closes the pipe after its lines; nothing more goes there, and the gateway stays.
  process.stdout.on('error', () => undefined);

  const gateway = await startGateway({ config, clock: Date, random: randomBytes, log, version });
  announce(gateway);
  await stopAsked;
  log.info({}, 'draining');
  await gateway.close();
  log.info({}, 'stopped');
}

function announce({ urls, firstRun }: Gateway): void {
  if (firstRun !== null) process.stdout.write(`${welcome(firstRun)}\n\n`);
  process.stdout.write(`CloudStore is ready: ${describeUrls(urls)}\n`);
}

function describeUrls({ web, webdav, s3, rest }: Urls): string {
  return `web ${web}  webdav ${webdav}  s3 ${s3}  rest ${rest}`;
}

/** The secrets, this once. */
function welcome({ user, password, accessKeyId, secretAccessKey, bucket, setupToken, urls }: FirstRun): string {
  return [
    '',
    'This is the first start. Your secrets, shown this once (also in first-run.json in the data directory):',
    '',
    `  browser and WebDAV   user ${user}, password ${password}`,
    `  S3                   access key ${accessKeyId}`,
    `                       secret key ${secretAccessKey}`,
    `  first bucket         ${bucket}`,
    `  set-up token         ${setupToken}`,
    '',
    `  network drive        ${urls.webdav}${bucket}/`,
    `  rclone               rclone lsf :s3:${bucket} --s3-provider Other --s3-endpoint ${urls.s3} --s3-access-key-id ${accessKeyId} --s3-secret-access-key …`,
  ].join('\n');
}
