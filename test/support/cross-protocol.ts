import { createHash, randomBytes } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import type { TestGateway } from './gateway.ts';

interface Seen {
  sha256: string;
  size: number;
  etag: string;
  contentType: string;
  /** Seconds since the epoch; S3 says it as metadata, if the client gave it. */
  mtime: number | null;
}

const MTIME = 1_500_000_000;
const CONTENT_TYPE = 'text/x-matrix';
/** In its row, one chunk, many chunks. */
const SIZES = [0, 700, 100_000, 5_000_000];
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const unquoted = (etag: string | null | undefined) => (etag ?? '').replaceAll('"', '');

type Door = { write(key: string, body: Buffer): Promise<void>; read(key: string): Promise<Seen> };

/** Every way in and out of a gateway, as its clients see it. */
interface Doors {
  gateway: TestGateway;
  doors: { S3: Door & { remove(key: string): Promise<void> }; WebDAV: Door; REST: Door };
  listings(): Promise<Record<'S3' | 'WebDAV' | 'REST', unknown[][]>>;
  close(): void;
}

export interface MatrixRig {
  /** What is written here … */
  writer: TestGateway;
  /** … is read here at once; often the same gateway. Both with the credentials of one user. */
  reader: TestGateway;
  stop(): Promise<void>;
}

/** What one protocol writes, every other one reads at once: bytes, ETag, size, time, type. */
export function describeCrossProtocol(name: string, start: () => Promise<MatrixRig>): void {
  describe(`cross-protocol matrix: ${name}`, function () {
    this.timeout(240_000);
    let rig: MatrixRig;
    let writing: Doors;
    let reading: Doors;
    before(async () => {
      rig = await start();
      writing = await openDoors(rig.writer);
      reading = await openDoors(rig.reader);
    });
    after(async () => {
      writing?.close();
      reading?.close();
      await rig?.stop();
    });

    for (const writer of ['S3', 'WebDAV', 'REST'] as const) {
      it(`what ${writer} writes, every door reads: bytes, ETag, size, time, type`, async () => {
        for (const size of SIZES) {
          const key = `${writer}-${size} ü`;
          const body = randomBytes(size);
          await writing.doors[writer].write(writer === 'S3' ? key : encodeURIComponent(key), body);
          const seen: Record<string, Seen> = {};
          for (const [reader, door] of Object.entries(reading.doors)) {
            seen[reader] = await door.read(reader === 'S3' ? key : encodeURIComponent(key));
          }
          const { etag } = seen.S3!;
          const wanted = { sha256: sha256(body), size, etag, contentType: CONTENT_TYPE, mtime: MTIME };
          for (const [reader, one] of Object.entries(seen)) {
            const expected = reader === 'S3' && writer !== 'S3' && one.mtime === null ? { ...wanted, mtime: null } : wanted;
            expect(one, `${size} bytes, by ${reader}`).to.deep.equal(expected);
          }
          if (writer === 'S3') expect(etag).to.equal(createHash('md5').update(body).digest('hex'));
          else expect(etag).to.match(/^[0-9a-f]{32}-\d+$/);
        }
      });
    }

    it('shows one listing through every door', async () => {
      const { S3: byS3, WebDAV: byWebdav, REST: byRest } = await reading.listings();
      expect(byS3).to.have.length(3 * SIZES.length);
      expect(byWebdav).to.deep.equal(byS3);
      expect(byRest).to.deep.equal(byS3);
    });

    it('shows at once what was written over, and what was removed', async () => {
      for (let turn = 0; turn < 10; turn++) {
        const body = randomBytes(turn % 2 === 0 ? 100 : 50_000);
        await writing.doors.S3.write('again', body);
        for (const [reader, door] of Object.entries(reading.doors)) {
          expect((await door.read('again')).sha256, `turn ${turn} by ${reader}`).to.equal(sha256(body));
        }
      }
      await writing.doors.S3.remove('again');
      const { S3: left } = await reading.listings();
      expect(left.map(([key]) => key)).to.not.include('again');
    });
  });
}

async function openDoors(gateway: TestGateway): Promise<Doors> {
  const s3 = new S3Client({
    endpoint: gateway.s3Url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: gateway.accessKeyId, secretAccessKey: gateway.secretAccessKey },
  });
  const basic = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
  const login = await fetch(new URL('/api/v1/auth/login', gateway.webUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: gateway.user, password: gateway.password }),
  });
  const bearer = `Bearer ${((await login.json()) as { accessToken: string }).accessToken}`;

  const url = (root: string, key: string) => new URL(`${root}${gateway.bucket}/${key}`, gateway.webUrl);
  const doors: Record<'S3' | 'WebDAV' | 'REST', Door> = {
    S3: {
      async write(key, body) {
        const Metadata = { mtime: String(MTIME) };
        await s3.send(
          new PutObjectCommand({ Bucket: gateway.bucket, Key: key, Body: body, ContentType: CONTENT_TYPE, Metadata }),
        );
      },
      async read(key) {
        const at = { Bucket: gateway.bucket, Key: key };
        const read = await s3.send(new GetObjectCommand(at));
        const body = await read.Body!.transformToByteArray();
        const head = await s3.send(new HeadObjectCommand(at));
        expect([head.ETag, head.ContentLength, head.ContentType]).to.deep.equal([read.ETag, body.length, read.ContentType]);
        return {
          sha256: sha256(body),
          size: body.length,
          etag: unquoted(read.ETag),
          contentType: read.ContentType ?? '',
          mtime: read.Metadata?.mtime === undefined ? null : Number(read.Metadata.mtime),
        };
      },
    },
    WebDAV: {
      async write(key, body) {
        const headers = { authorization: basic, 'content-type': CONTENT_TYPE, 'x-oc-mtime': String(MTIME) };
        const { status } = await fetch(url('/dav/', key), { method: 'PUT', headers, body: new Uint8Array(body) });
        expect(status).to.equal(201);
      },
      read: (key) => readByHttp(url('/dav/', key), basic),
    },
    REST: {
      async write(key, body) {
        const target = url('/api/v1/files/', key);
        target.searchParams.set('mtime', new Date(MTIME * 1000).toISOString());
        const headers = { authorization: bearer, 'content-type': CONTENT_TYPE };
        const answer = await fetch(target, { method: 'PUT', headers, body: new Uint8Array(body) });
        expect(answer.status, await answer.text()).to.equal(201);
      },
      read: (key) => readByHttp(url('/api/v1/files/', key), bearer),
    },
  };

  async function readByHttp(at: URL, authorization: string): Promise<Seen> {
    const answer = await fetch(at, { headers: { authorization } });
    expect(answer.status).to.equal(200);
    const body = new Uint8Array(await answer.arrayBuffer());
    const { headers } = answer;
    return {
      sha256: sha256(body),
      size: body.length,
      etag: unquoted(headers.get('etag')),
      contentType: headers.get('content-type') ?? '',
      mtime: Date.parse(headers.get('last-modified') ?? '') / 1000,
    };
  }

  return {
    gateway,
    doors: {
      ...doors,
      S3: { ...doors.S3, remove: async (Key) => void (await s3.send(new DeleteObjectCommand({ Bucket: gateway.bucket, Key }))) },
    },
    async listings() {
      const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: gateway.bucket }));
      const byS3 = (Contents ?? []).map(({ Key, ETag, Size }) => [Key, unquoted(ETag), Size]).sort();
      const propfind = await fetch(url('/dav/', ''), { method: 'PROPFIND', headers: { authorization: basic, depth: '1' } });
      const xml = await propfind.text();
      const byWebdav = [...xml.matchAll(/<d:response>.*?<\/d:response>/gs)]
        .map(([one]) => [
          decodeURIComponent(/<d:href>[^<]*\/([^/<]*)<\/d:href>/.exec(one)?.[1] ?? ''),
          /<d:getetag>(?:&quot;|")?([^<"&]*)/.exec(one)?.[1],
          Number(/<d:getcontentlength>(\d+)/.exec(one)?.[1]),
        ])
        .filter(([name]) => name !== '')
        .sort();
      const rest = await fetch(url('/api/v1/files/', ''), { headers: { authorization: bearer } });
      const { entries } = (await rest.json()) as { entries: { key: string; etag: string; size: number }[] };
      const byRest = entries.map(({ key, etag, size }) => [key, etag, size]).sort();
      return { S3: byS3, WebDAV: byWebdav, REST: byRest };
    },
    close: () => s3.destroy(),
  };
}
