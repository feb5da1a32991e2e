import { expect } from 'chai';
import { leaveOut } from '../../../support/programs.ts';
import type { RequestOptions, S3Answer, S3Client } from './client.ts';
import { type Endpoint, endpointOfRun } from './endpoint.ts';

/** What a case works with. Its group has a bucket to itself, so keys need to be unique in the group only. */
export interface Lab extends Endpoint {
  bucket: string;
  /** `/bucket/key`, decoded. */
  path(key: string): string;
  /** Sends to a key of the group's bucket; with '' to the bucket itself. */
  send(method: string, key: string, options?: RequestOptions): Promise<S3Answer>;
  /** An object that must be stored. Gives its answer. */
  put(key: string, body?: Buffer | string, headers?: Record<string, string>): Promise<S3Answer>;
  get(key: string, options?: RequestOptions): Promise<S3Answer>;
  head(key: string, options?: RequestOptions): Promise<S3Answer>;
  /** Another bucket, empty, removed with the group. */
  newBucket(): Promise<string>;
  /** A key that no other case uses. */
  key(stem?: string): string;
  /** The other account. Leaves the case out where the endpoint has none. */
  otherAccount(): S3Client;
}

export type Run = (this: Mocha.Context, lab: Lab) => Promise<unknown>;
/** One case: what is done, or that with the page that says so (by default the group's), or variants of one sentence. */
export type Case = Run | { page: string; run: Run } | { page?: string; each: Record<string, Run> };

const counted = { cases: 0, variants: 0 };

/**
 * A group of cases on one topic. A case's name is a sentence that is true of S3; `page` is AWS's page that says it.
 * @example suite('DeleteObject', api('DeleteObject'), { 'deleting what is absent succeeds': async ({ send }) => { … } });
 */
export function suite(topic: string, page: string, cases: Record<string, Case>): void {
  describe(`S3 conformance: ${topic}`, function () {
    this.timeout(60_000);
    const running: Running = { context: null };
    let lab: Lab & { clean(): Promise<void> };
    before(async function () {
      // The first group starts the gateway, which takes as long as the machine is busy.
      this.timeout(600_000);
      lab = await openLab(topic, running);
    });
    after(() => lab?.clean());
    for (const [name, given] of Object.entries(cases)) {
      const cited = (typeof given === 'function' ? undefined : given.page) ?? page;
      if (!cited.startsWith('https://docs.aws.amazon.com/')) throw new Error(`"${name}" cites no page of AWS.`);
      const variants = typeof given === 'function' ? { '': given } : 'each' in given ? given.each : { '': given.run };
      counted.cases++;
      for (const [variant, run] of Object.entries(variants)) {
        counted.variants++;
        it(variant === '' ? name : `${name}: ${variant}`, async function () {
          running.context = this;
          try {
            await run.call(this, lab);
          } catch (error) {
            if (error instanceof Error && !this.test?.isPending()) error.message += `\n      See ${cited}`;
            throw error;
          }
        });
      }
    }
  });
}

/** The code of an error answer, checked to be one in form: status, XML, request id in header and body. */
export function expectError(answer: S3Answer, status: number, code: string): void {
  const at = `${answer.status} ${answer.text.slice(0, 500)}`;
  expect(answer.status, at).to.equal(status);
  const error = answer.xml();
  expect(error.name, at).to.equal('Error');
  expect(error.value('Code'), at).to.equal(code);
  expect(error.value('Message'), at).to.not.equal('');
  // A peer that says its id twice is told of it by one case, not by each.
  expect(error.value('RequestId'), at).to.equal(String(answer.headers['x-amz-request-id']).split(', ')[0]);
  expect(answer.headers['content-type'], at).to.equal('application/xml');
}

/** An answer that must have succeeded. */
export function expectStatus(answer: S3Answer, status: number): S3Answer {
  expect(answer.status, answer.text.slice(0, 500)).to.equal(status);
  return answer;
}

/** The variants of one case by a list of parameters. */
export function over<T extends string>(values: readonly T[], run: (value: T) => Run): { each: Record<string, Run> };
export function over<T>(values: Record<string, T>, run: (value: T, name: string) => Run): { each: Record<string, Run> };
export function over(values: readonly string[] | Record<string, unknown>, run: (value: never, name: string) => Run) {
  const entries = Array.isArray(values) ? values.map((value) => [value, value]) : Object.entries(values);
  return { each: Object.fromEntries(entries.map(([name, value]) => [name, run(value as never, name)])) };
}

const names = { buckets: 0, keys: 0, run: Math.random().toString(36).slice(2, 8) };

/** The test that runs now, to be left out if it has to. */
interface Running {
  context: Mocha.Context | null;
}

async function openLab(topic: string, running: Running): Promise<Lab & { clean(): Promise<void> }> {
  const endpoint = await endpointOfRun();
  const { s3, other } = endpoint;
  const made: string[] = [];
  const newBucket = async (): Promise<string> => {
    const name = `conf-${names.run}-${++names.buckets}`;
    expectStatus(await s3.send('PUT', `/${name}`), 200);
    made.push(name);
    return name;
  };
  const bucket = await newBucket();
  const path = (key: string): string => (key === '' ? `/${bucket}` : `/${bucket}/${key}`);
  const send: Lab['send'] = (method, key, options) => s3.send(method, path(key), options);
  return {
    ...endpoint,
    bucket,
    path,
    send,
    newBucket,
    put: async (key, body = '', headers = {}) => expectStatus(await send('PUT', key, { body, headers }), 200),
    get: (key, options) => send('GET', key, options),
    head: (key, options) => send('HEAD', key, options),
    key: (stem = topic) => `${stem.replace(/[^a-zA-Z0-9]+/g, '-').toLowerCase()}-${++names.keys}`,
    otherAccount() {
      if (other === null)
        return leaveOut(
          running.context as Mocha.Context,
          'the endpoint has no second account (CLOUDSTORE_S3_TEST_OTHER_ACCESS_KEY)',
        );
      return other;
    },
    async clean() {
      if (endpoint.gateway === null) for (const name of made) await removeBucket(s3, name);
    },
  };
}

/** All versions, uploads and the bucket; what refuses stays: the endpoint is somebody else's. */
async function removeBucket(s3: S3Client, bucket: string): Promise<void> {
  const uploads = await s3.send('GET', `/${bucket}`, { query: 'uploads=' });
  if (uploads.status === 200) {
    for (const upload of uploads.xml().all('Upload'))
      await s3.send('DELETE', `/${bucket}/${upload.value('Key')}`, { query: { uploadId: upload.value('UploadId') } });
  }
  for (let round = 0; round < 20; round++) {
    const page = await s3.send('GET', `/${bucket}`, { query: { versions: '' } });
    const versions = page.status === 200 ? [...page.xml().all('Version'), ...page.xml().all('DeleteMarker')] : [];
    const plain = await s3.send('GET', `/${bucket}`);
    const keys = plain.status === 200 ? plain.xml().all('Contents') : [];
    if (versions.length + keys.length === 0) break;
    for (const one of versions)
      await s3.send('DELETE', `/${bucket}/${one.value('Key')}`, { query: { versionId: one.value('VersionId') } });
    for (const one of keys) await s3.send('DELETE', `/${bucket}/${one.value('Key')}`);
  }
  await s3.send('DELETE', `/${bucket}`);
}

// Where files run side by side, nobody counts them all.
if (process.env.MOCHA_WORKER_ID === undefined) {
  after('how many cases the S3 conformance suite has', () => {
    console.log(`      S3 conformance: ${counted.cases} cases, ${counted.variants} with their variants`);
  });
}
