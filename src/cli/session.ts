import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Keyring } from '#contracts/keyring';
import type { Logger } from '#contracts/observability';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createKeyring } from '#engine/keyring';
import { openSocketConnection, startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { type Metadata, openMetadata } from '#metadata/open';
import type { Config } from '../config/load.ts';
import { keepMemoryOutOfCoreDumps } from '../core-dumps.ts';
import { type DataDirectoryLock, lockDataDirectory, readOwner } from '../data-directory.ts';
import { assertOwn, assertUsable } from '../data-directory-state.ts';
import { findMasterKey, loadMasterKey, type MasterKeySource, masterKeySource } from '../master-key.ts';

/** What a command works with: the same metadata as the gateway's, whether one runs or not. */
export interface Session {
  metadata: Metadata;
  keyring: Keyring;
  masterKey: Buffer;
  source: MasterKeySource;
  /** This command runs the embedded database, for no gateway does. */
  alone: boolean;
  close(): Promise<void>;
}

export interface SessionOptions {
  config: Config;
  clock: Clock;
  random: Random;
  log: Logger;
}

const BUSY_MS_MAX = 30_000;

/**
 * With an external database: a connection. With the embedded one: whoever gets the data directory's lock runs the server, so a command
 * starts it for itself when nobody has it, and joins the gateway's when a gateway has it. Another command is waited for, because
 * its server ends with it; a gateway that starts meanwhile waits for the command.
 * @throws unavailable: one sentence that says what to do
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { config, random } = options;
  keepMemoryOutOfCoreDumps();
  await assertOwn(config.values['data-dir']);
  const opened = config.values['database-url'] === null ? await openEmbedded(options) : await openExternal(options);
  try {
    const { keys, sealed } = opened.metadata;
    const source = masterKeySource(config);
    const masterKey = await loadMasterKey({ source, sealed, random, mayCreate: false });
    const findKey = async () => {
      const known = await sealed.masterKey();
      return known && findMasterKey(source, known);
    };
    return { ...opened, masterKey, source, keyring: createKeyring({ masterKey, keys, random, findKey }) };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

type Opened = Omit<Session, 'keyring' | 'masterKey' | 'source'>;

async function openExternal({ config, clock, random, log }: SessionOptions): Promise<Opened> {
  const metadata = await openMetadata({
    connection: { url: config.values['database-url'] ?? '' },
    clock,
    random,
    log,
    poolSize: 2,
  });
  return { metadata, alone: false, close: () => metadata.close() };
}

async function openEmbedded(options: SessionOptions): Promise<Opened> {
  const dataDirectory = options.config.values['data-dir'];
  if (!existsSync(join(dataDirectory, 'postgres'))) {
    await assertUsable(dataDirectory, true);
    throw new CloudStoreError(
      'unavailable',
      `There is no CloudStore in ${dataDirectory} yet. Start it once (cloudstore serve), or name its directory with --data-dir or CLOUDSTORE_DATA_DIR.`,
    );
  }
  let failure: unknown = null;
  for (let waited = 0; waited < BUSY_MS_MAX; waited += 250) {
    const lock = await lockDataDirectory(dataDirectory, { kind: 'command', pid: process.pid });
    if (lock !== null) return runServer(options, lock);
    if ((await readOwner(dataDirectory))?.kind === 'gateway') {
      try {
        return await joinGateway(options);
      } catch (error) {
        failure = error; // it is just starting or just stopping
      }
    }
    await sleep(250);
  }
  throw new CloudStoreError(
    'unavailable',
    `The data directory ${dataDirectory} is in use, and its database does not answer. Try again in a moment, or see cloudstore doctor.`,
    {
      cause: failure,
    },
  );
}

async function runServer({ config, clock, random, log }: SessionOptions, lock: DataDirectoryLock): Promise<Opened> {
  try {
    const server = await startEmbeddedPostgres({ dataDirectory: config.values['data-dir'], clock, random, log });
    try {
      const metadata = await openMetadata({ connection: server.connection, clock, random, log, poolSize: 2 });
      return {
        metadata,
        alone: true,
        async close() {
          await metadata.close();
          await server.stop();
          await lock.release();
        },
      };
    } catch (error) {
      await server.stop();
      throw error;
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function joinGateway({ config, clock, random, log }: SessionOptions): Promise<Opened> {
  const socket = openSocketConnection(config.values['data-dir']);
  try {
    const metadata = await openMetadata({ connection: socket.connection, clock, random, log, poolSize: 2 });
    return {
      metadata,
      alone: false,
      async close() {
        await metadata.close();
        socket.close();
      },
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}
