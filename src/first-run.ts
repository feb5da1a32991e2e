import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashPassword, verifyPassword } from '#auth/passwords';
import { generateAccessKey, generatePassword, secretContext } from '#auth/secrets';
import type { BucketStore } from '#contracts/bucket-store';
import type { InstanceStore } from '#contracts/instance-store';
import type { Keyring } from '#contracts/keyring';
import type { Logger } from '#contracts/observability';
import type { PrincipalStore } from '#contracts/principal-store';
import { SETUP_SETTING, type SetupRow } from '#contracts/setup';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

import { writeDurably } from './data-directory.ts';

/** `<data>/first-run.json`; scripts depend on exactly these fields. */
export interface FirstRun {
  user: string;
  password: string;
  accessKeyId: string;
  secretAccessKey: string;
  bucket: string;
  setupToken: string;
  urls: Urls;
}

export interface Urls {
  s3: string;
  web: string;
  webdav: string;
  rest: string;
}

export interface FirstRunOptions {
  dataDirectory: string;
  instance: InstanceStore;
  principals: PrincipalStore;
  buckets: BucketStore;
  keyring: Keyring;
  random: Random;
  log: Logger;
  /** Of the environment, for unattended set-ups. */
  given: { password: string | null; accessKeyId: string | null; secretAccessKey: string | null };
}

/** The database's note of the first run: begun by whoever holds these secrets, and done. */
interface Progress {
  claim: string;
  done: boolean;
}

const PROGRESS = 'first-run';
const USER = 'admin';
const BUCKET = 'home';
const OTHERS_MS_MAX = 60_000;

/**
 * The admin, its S3 key and the bucket `home`, once in the life of a database. The secrets are on disk before anything is
 * made of them, so a crash between two steps locks nobody out: the next start reads them back and goes on. Gives the secrets for
 * `finishFirstRun`, or null when it is not the first start.
 * @throws unavailable when another gateway began the first start on the same database and does not finish it
 */
export async function beginFirstRun(options: FirstRunOptions): Promise<Omit<FirstRun, 'urls'> | null> {
  const { dataDirectory, instance } = options;
  let progress = await instance.setting<Progress>(PROGRESS);
  if (progress?.done) {
    await warnOfDifferences(options);
    return null;
  }
  const secrets = (await readFirstRun(dataDirectory)) ?? newSecrets(options);
  const claim = sha256(secrets.setupToken);
  // No URL is known before the listeners are up; `finishFirstRun` writes them.
  await writeFirstRun(dataDirectory, { ...secrets, urls: { s3: '', web: '', webdav: '', rest: '' } });
  progress = await instance.settingOrInsert<Progress>(PROGRESS, { claim, done: false });
  if (progress.claim !== claim) {
    await waitForOther(options);
    return null;
  }
  await create(options, secrets);
  return secrets;
}

/** Writes the URLs, and from now on it is no first start any more. */
export async function finishFirstRun(
  { dataDirectory, instance }: FirstRunOptions,
  secrets: Omit<FirstRun, 'urls'>,
  urls: Urls,
): Promise<FirstRun> {
  const complete = { ...secrets, urls };
  await writeFirstRun(dataDirectory, complete);
  const progress: Progress = { claim: sha256(secrets.setupToken), done: true };
  await instance.putSetting(PROGRESS, progress);
  return complete;
}

/** Each step finds what an earlier, interrupted run has made. */
async function create(
  { principals, buckets, keyring, instance }: FirstRunOptions,
  secrets: Omit<FirstRun, 'urls'>,
): Promise<void> {
  const passwordHash = await hashPassword(secrets.password);
  const existing = await principals.findByName(USER);
  const admin =
    existing === null
      ? await principals.create({ name: USER, role: 'admin', passwordHash, domain: await keyring.create() })
      : await principals.update(existing.id, { passwordHash, role: 'admin', disabled: false });
  if ((await principals.findKey(secrets.accessKeyId)) === null) {
    const sealedSecret = keyring.seal(Buffer.from(secrets.secretAccessKey), secretContext(secrets.accessKeyId));
    await principals.addKey({ id: secrets.accessKeyId, principal: admin.id, sealedSecret });
  }
  if ((await buckets.resolve(null, BUCKET)) === null)
    await buckets.create({ name: BUCKET, owner: admin.id, domain: admin.domain });
  const setup: SetupRow = { admin: admin.id, mark: sha256(passwordHash), token: sha256(secrets.setupToken) };
  await instance.putSetting(SETUP_SETTING, setup);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function newSecrets({ given, random }: FirstRunOptions): Omit<FirstRun, 'urls'> {
  const key =
    given.accessKeyId !== null && given.secretAccessKey !== null
      ? { accessKeyId: given.accessKeyId, secretAccessKey: given.secretAccessKey }
      : generateAccessKey(random);
  return {
    user: USER,
    password: given.password ?? generatePassword(random),
    ...key,
    bucket: BUCKET,
    setupToken: random(24).toString('base64url'),
  };
}

/** The environment's secrets count on the first start only; who changes them later must not believe that they took effect. */
async function warnOfDifferences({ principals, keyring, log, given }: FirstRunOptions): Promise<void> {
  if (given.password !== null) {
    const admin = await principals.findByName(USER);
    const same = admin?.passwordHash != null && (await verifyPassword(given.password, admin.passwordHash));
    if (!same)
      log.warn(
        {},
        'CLOUDSTORE_ADMIN_PASSWORD differs from the password in force and is ignored: it counts on the first start only. Use "cloudstore user passwd admin".',
      );
  }
  if (given.accessKeyId !== null && given.secretAccessKey !== null) {
    const found = await principals.findKey(given.accessKeyId);
    const same =
      found !== null &&
      keyring.open(found.sealedSecret, secretContext(given.accessKeyId)).equals(Buffer.from(given.secretAccessKey));
    if (!same)
      log.warn(
        {},
        'CLOUDSTORE_ACCESS_KEY_ID and CLOUDSTORE_SECRET_ACCESS_KEY differ from the keys in force and are ignored: they count on the first start only. Use "cloudstore key add admin".',
      );
  }
}

async function waitForOther({ instance }: FirstRunOptions): Promise<void> {
  for (let waited = 0; waited < OTHERS_MS_MAX; waited += 200) {
    if ((await instance.setting<Progress>(PROGRESS))?.done) return;
    await sleep(200);
  }
  throw new CloudStoreError(
    'unavailable',
    'Another gateway began the first start on this database and has not finished it. Start that one again first.',
  );
}

async function readFirstRun(dataDirectory: string): Promise<Omit<FirstRun, 'urls'> | null> {
  const text = await readFile(join(dataDirectory, 'first-run.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const { urls: _, ...secrets }: FirstRun = JSON.parse(text);
  return secrets;
}

function writeFirstRun(dataDirectory: string, content: FirstRun): Promise<void> {
  return writeDurably(join(dataDirectory, 'first-run.json'), `${JSON.stringify(content, null, 2)}\n`);
}
