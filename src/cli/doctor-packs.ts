import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IDENTITY_NAME, readIdentity } from '#blob/store-identity';
import type { Finding } from '#contracts/examiner';
import type { Clock } from '#core/clock';
import { describeS3Location, parseS3Location } from '#core/s3-location';
import type { Config } from '../config/load.ts';
import { gib } from './output.ts';

/** A pack is sent within a minute where the store takes it. */
const WAITING_MS_WARN = 15 * 60_000;

/** Where the packs lie: the data directory, more disks, the chunk store and what is on its way there. */
export async function examinePacks({ values }: Config, clock: Clock): Promise<Finding[]> {
  const dataDirectory = values['data-dir'];
  const findings = [await packsIn('packs', join(dataDirectory, 'packs'))];
  for (const directory of values['pack-dirs']) findings.push(await diskOf(directory));
  if (values['chunks-url'] !== null) findings.push(await chunkStore(values['chunks-url']));
  const waiting = await packFiles(join(dataDirectory, 'spool'), false);
  if (waiting.length > 0) {
    const since = Math.min(...waiting.map(({ modifiedMs }) => modifiedMs));
    const late = clock.now() - since > WAITING_MS_WARN;
    findings.push({
      name: 'packs on their way',
      status: late ? 'warn' : 'ok',
      detail: `${described(waiting)} only on this disk, the oldest since ${new Date(since).toISOString()}`,
      ...(late
        ? { advice: 'Is the gateway running, and does the chunk store take packs? cloudstore check-storage tries it.' }
        : {}),
    });
  }
  return findings;
}

async function packsIn(name: string, directory: string): Promise<Finding> {
  const found = [...(await packFiles(directory, false)), ...(await packFiles(join(directory, 'open'), true))];
  return { name, status: 'ok', detail: found.length === 0 ? 'none' : described(found) };
}

async function diskOf(directory: string): Promise<Finding> {
  const name = `disk ${directory}`;
  if ((await stat(join(directory, IDENTITY_NAME)).catch(() => null)) !== null) return packsIn(name, directory);
  return {
    name,
    status: 'warn',
    detail: 'there is no store of packs',
    advice: 'Is it mounted? A new one is taken by cloudstore disk add, or at the next start when no other is missing.',
  };
}

async function chunkStore(url: string): Promise<Finding> {
  const { createS3Store } = await import('#blob/s3');
  const location = parseS3Location(url);
  const name = 'chunk store';
  const store = createS3Store({ location, random: randomBytes, attemptsMax: 2, callMs: 5_000 });
  try {
    const identity = await readIdentity(store);
    const detail = identity === null ? 'answers, and is not in use yet' : `answers, store ${identity.store}`;
    return { name, status: 'ok', detail: `${describeS3Location(location)} ${detail}` };
  } catch (error) {
    return {
      name,
      status: 'fail',
      detail: error instanceof Error ? error.message : String(error),
      advice: 'Check CLOUDSTORE_CHUNKS_URL; cloudstore check-storage tries the store out.',
    };
  } finally {
    await store.close();
  }
}

interface PackSize {
  size: number;
  modifiedMs: number;
}

/** An open pack's file is longer than what is in it; its blocks tell. */
async function packFiles(directory: string, open: boolean): Promise<PackSize[]> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.pack'));
  const found = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => null)));
  return found.flatMap((one) =>
    one === null ? [] : [{ size: open ? Math.min(one.size, one.blocks * 512) : one.size, modifiedMs: one.mtimeMs }],
  );
}

function described(found: PackSize[]): string {
  return `${found.length} of ${gib(found.reduce((sum, { size }) => sum + size, 0))}`;
}
