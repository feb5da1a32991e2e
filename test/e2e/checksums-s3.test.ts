import { createHash } from 'node:crypto';
import { crc32 as nodeCrc32 } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { SEED, seededRandom } from '../support/random.ts';

const MIB = 1 << 20;
const ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
type Algorithm = (typeof ALGORITHMS)[number];

/** A byte at a time from a table that is made bit by bit, as the catalogue of CRCs has them. The polynomial's and the result's halves; a CRC of 32 bits has no upper one. */
function slowCrc(bytes: Buffer, high: number, low: number): Buffer {
  const wide = high !== 0;
  const table = Array.from({ length: 256 }, (_, byte) => {
    let [h, l] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const odd = (l & 1) !== 0;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (odd) [h, l] = [h ^ high, l ^ low];
    }
    return [h, l] as const;
  });
  let [h, l] = [wide ? -1 : 0, -1];
  for (const byte of bytes) {
    const [th, tl] = table[(l ^ byte) & 255]!;
    l = ((l >>> 8) | (h << 24)) ^ tl;
    h = (h >>> 8) ^ th;
  }
  const out = Buffer.alloc(wide ? 8 : 4);
  if (wide) out.writeInt32BE(~h, 0);
  out.writeInt32BE(~l, wide ? 4 : 0);
  return out;
}

function reference(algorithm: Algorithm, bytes: Buffer): string {
  if (algorithm === 'SHA1' || algorithm === 'SHA256') return createHash(algorithm.toLowerCase()).update(bytes).digest('base64');
  if (algorithm === 'CRC64NVME') return slowCrc(bytes, 0x9a6c9329, 0xac4bc9b5).toString('base64');
  const crc = slowCrc(bytes, 0, algorithm === 'CRC32' ? 0xedb88320 : 0x82f63b78);
  if (algorithm === 'CRC32') expect(crc.readUInt32BE()).to.equal(nodeCrc32(bytes));
  return crc.toString('base64');
}

/** Check values of 123456789. */
const CHECKS = { CRC32: 'cbf43926', CRC32C: 'e3069283', CRC64NVME: 'ae8b14860a799888' } as const;

/** The engine's checksums at the S3 door, against values that were computed elsewhere. */
describe(`checksums over S3 (seed ${SEED})`, function () {
  this.timeout(180_000);
  let gateway: TestGateway;
  let s3: S3Client;
  const random = seededRandom(SEED);
  const Bucket = 'home';
  before(async () => {
    gateway = await startGateway();
    const { accessKeyId, secretAccessKey } = gateway;
    s3 = new S3Client({
      endpoint: gateway.s3Url,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      maxAttempts: 1,
    });
  });
  after(async () => {
    s3?.destroy();
    await gateway?.stop();
  });
  const stored = async (Key: string, algorithm: Algorithm) => {
    const got = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    await got.Body?.transformToByteArray(); // which the SDK verifies as well
    return { value: got[`Checksum${algorithm}`], type: got.ChecksumType };
  };
  const refusal = async (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'none',
      (error: Error) => error.name,
    );

  it('compares with references that have their check values', () => {
    for (const [name, value] of Object.entries(CHECKS)) {
      expect(Buffer.from(reference(name as Algorithm, Buffer.from('123456789')), 'base64').toString('hex')).to.equal(value);
    }
  });

  for (const algorithm of ALGORITHMS) {
    it(`${algorithm}: of small and large bodies, declared and in trailers, kept and refused`, async () => {
      for (const size of [0, 900, 60_000, 2 * MIB + 3]) {
        const Body = random(size);
        const value = reference(algorithm, Body);
        const Key = `${algorithm}-${size}`;
        // Declared in a header by us, in a trailer by the SDK.
        await s3.send(new PutObjectCommand({ Bucket, Key, Body, [`Checksum${algorithm}`]: value }));
        expect(await stored(Key, algorithm), Key).to.deep.equal({ value, type: 'FULL_OBJECT' });
        const put = await s3.send(new PutObjectCommand({ Bucket, Key: `${Key}-sdk`, Body, ChecksumAlgorithm: algorithm }));
        expect(put[`Checksum${algorithm}`], Key).to.equal(value);
        const wrong = Buffer.from(value, 'base64');
        wrong[1]! ^= 1;
        const refused = new PutObjectCommand({
          Bucket,
          Key: `${Key}-no`,
          Body,
          [`Checksum${algorithm}`]: wrong.toString('base64'),
        });
        // A SHA-256 is also what the request was signed with, and that is compared first.
        expect(await refusal(s3.send(refused)), Key).to.be.oneOf(['BadDigest', 'XAmzContentSHA256Mismatch']);
        expect(await refusal(stored(`${Key}-no`, algorithm))).to.equal('NoSuchKey');
      }
    });

    for (const type of algorithm.startsWith('CRC') ? (['FULL_OBJECT', 'COMPOSITE'] as const) : (['COMPOSITE'] as const)) {
      if (algorithm === 'CRC64NVME' && type === 'COMPOSITE') continue; // AWS has none
      it(`${algorithm}, ${type}: of an upload in parts`, async () => {
        const Key = `parts-${algorithm}-${type}`;
        const bodies = [random(5 * MIB), random(5 * MIB), random(1000)];
        const { UploadId } = await s3.send(
          new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: algorithm, ChecksumType: type }),
        );
        const Parts = [];
        for (const [index, Body] of bodies.entries()) {
          const value = reference(algorithm, Body);
          const PartNumber = index + 1;
          const given = { Bucket, Key, UploadId, PartNumber, Body, [`Checksum${algorithm}`]: value };
          const part = await s3.send(new UploadPartCommand(given));
          Parts.push({ PartNumber, ETag: part.ETag, [`Checksum${algorithm}`]: value });
        }
        await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
        const composite = reference(
          algorithm,
          Buffer.concat(bodies.map((one) => Buffer.from(reference(algorithm, one), 'base64'))),
        );
        const value = type === 'COMPOSITE' ? `${composite}-3` : reference(algorithm, Buffer.concat(bodies));
        expect(await stored(Key, algorithm)).to.deep.equal({ value, type });
      });
    }
  }

  it('MD5: the ETag, and what Content-MD5 declares', async () => {
    for (const size of [0, 900, 60_000, 2 * MIB + 3]) {
      const Body = random(size);
      const md5 = createHash('md5').update(Body).digest();
      const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'md5', Body, ContentMD5: md5.toString('base64') }));
      expect(put.ETag).to.equal(`"${md5.toString('hex')}"`);
      md5[0]! ^= 1;
      const refused = new PutObjectCommand({ Bucket, Key: 'md5', Body, ContentMD5: md5.toString('base64') });
      expect(await refusal(s3.send(refused))).to.equal('BadDigest');
    }
  });
});
