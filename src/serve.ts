import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { createLogger } from '#observability/logger';
import type { Config } from './config/load.ts';
import { keepMemoryOutOfCoreDumps } from './core-dumps.ts';
import type { FirstRun, Urls } from './first-run.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { makeBoard, type ProcessRole } from './process-role.ts';
import { giveBackStartMemory } from './start-memory.ts';
import { stopSignal } from './stop-signal.ts';

/**
 * Runs the gateway until a signal, drains and gives the exit code. Signals count from the first moment, also while it starts; a repeated one does not
 * cut the drain short.
 * @throws what startGateway throws
 */
export async function serve(config: Config, version: string): Promise<number> {
  keepMemoryOutOfCoreDumps();
  const log = createLogger({ level: config.values['log-level'] });
  const stop = stopSignal();
  stop.report(log);

  // `npm start | head` closes the pipe after its lines; nothing more goes there, and the gateway stays.
  process.stdout.on('error', () => undefined);

  const { processes } = config.values;
  const board = config.values['database-url'] === null ? makeBoard(processes) : null;
  const role: ProcessRole = processes > 1 ? { kind: 'primary', processes, board } : { kind: 'alone' };
  const gateway = await startGateway({ config, clock: Date, random: randomBytes, log, version, role });
  flushCompileCache(); // node does it when it ends, which a killed one never does
  giveBackStartMemory();
  announce(gateway);
  await stop.asked;
  log.info({}, 'draining');
  await gateway.close();
  log.info({}, 'stopped');
  return stop.exitCode();
}

function announce({ urls, firstRun, fingerprint }: Gateway): void {
  if (firstRun !== null) process.stdout.write(`${welcome(firstRun)}\n\n`);
  if (fingerprint !== null)
    process.stdout.write(
      `Other devices: open ${urls.web}/lan there once, to trust this gateway. SHA-256 fingerprint:\n  ${fingerprint}\n\n`,
    );
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
