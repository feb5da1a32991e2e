import type { CompletedPart, CompleteMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import type { Part, Upload } from '#contracts/upload-store';
import type { CompleteOptions } from '#contracts/uploads';
import type { Address } from '#core/address';
import type { StoredChecksum } from '#core/object';
import { ALGORITHMS, CHECKSUM_NAMES, type ChecksumName, type DeclaredChecksum, declaredChecksum } from '../checksums.ts';
import { combineCrcs, isCrc } from '../crc-combine.ts';
import { S3Error } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { smallDigest } from '../small-digest.ts';
import { streamingDigest } from '../streaming-digest.ts';

export const PARTS_MAX = 10_000;

/** What a completion is to keep of the object's checksum, and what it must read for it. */
interface WholeChecksum {
  attributes?: { checksum: StoredChecksum; partChecksums?: string[] };
  reads?: NonNullable<CompleteOptions['reads']>;
}

/**
 * The object's checksum from its parts'; what the client declares for a part or the whole must agree. An upload that was begun without an algorithm is one
 * with a checksum of the whole object, as at AWS, if its end declares one.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 * @throws BadDigest, InvalidPart, InvalidRequest
 */
export async function checksumOfUpload(
  x: Exchange,
  at: Address,
  id: string,
  input: CompleteMultipartUploadCommandInput,
  named: CompletedPart[],
): Promise<WholeChecksum> {
  const { upload } = await x.deps.uploads.parts(x.who, at, id, 0, 1);
  if (upload.completedVersion !== null) return {};
  const given = declaredChecksum(x.req.headers, true);
  const { algorithm, type } = meant(upload, given);
  if (input.ChecksumType !== undefined && input.ChecksumType !== type)
    throw new S3Error('BadDigest', `The upload was begun with the checksum type ${type}.`);
  if (algorithm === null && !named.some((part) => CHECKSUM_NAMES.some((name) => part[ALGORITHMS[name].member] !== undefined)))
    return {};
  const { parts } = await x.deps.uploads.parts(x.who, at, id, 0, PARTS_MAX);
  const used = chosen(id, parts, named, type === 'COMPOSITE' ? algorithm : null);
  // A missing part is for the completion to refuse.
  if (algorithm === null || used === null) return {};
  const sums = used.flatMap(({ digests, size }) => (digests[algorithm] === undefined ? [] : [{ crc: digests[algorithm], size }]));
  if (sums.length < used.length) return given === null ? {} : reading(upload, given);
  const whole = type === 'FULL_OBJECT' && isCrc(algorithm);
  const value = whole ? combineCrcs(algorithm, sums) : await smallDigest(algorithm, Buffer.concat(sums.map(({ crc }) => crc)));
  const count = /-(\d+)$/.exec(input[ALGORITHMS[algorithm].member] ?? '')?.[1];
  if (given !== null && !given.value.equals(value)) throw new S3Error('BadDigest');
  if (count !== undefined && (whole || Number(count) !== used.length)) throw new S3Error('BadDigest');
  const text = value.toString('base64');
  return {
    attributes: {
      checksum: { algorithm, value: whole ? text : `${text}-${used.length}`, type },
      partChecksums: sums.map(({ crc }) => crc.toString('base64')),
    },
  };
}

/** @throws InvalidRequest where the end has another algorithm than the beginning, or one that says nothing of a whole object */
function meant(
  { checksum }: Upload,
  given: DeclaredChecksum | null,
): { algorithm: ChecksumName | null; type: StoredChecksum['type'] } {
  const algorithm = (checksum?.algorithm as ChecksumName | undefined) ?? given?.name ?? null;
  if (given !== null && (given.name !== algorithm || (checksum === undefined && !isCrc(given.name)))) {
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${checksum?.algorithm ?? 'a CRC, as the upload was begun without one'}, actual checksum Type: ${given.name}`,
    );
  }
  return { algorithm, type: checksum?.type ?? 'FULL_OBJECT' };
}

/** The parts that are named, each as the client says it is; null: not all are there. @param needed what each must be declared by */
function chosen(id: string, parts: readonly Part[], named: readonly CompletedPart[], needed: ChecksumName | null): Part[] | null {
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  const used: Part[] = [];
  for (const given of named) {
    const part = byNumber.get(given.PartNumber ?? 0);
    if (part === undefined) return null;
    if (needed !== null && given[ALGORITHMS[needed].member] === undefined) {
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${needed} checksum. The complete request must include the checksum for each part. It was missing for part ${part.number} in the request.`,
      );
    }
    for (const name of CHECKSUM_NAMES) {
      const declared = given[ALGORITHMS[name].member];
      if (declared === undefined || declared === part.digests[name]?.toString('base64')) continue;
      throw new S3Error('InvalidPart', undefined, { UploadId: id, PartNumber: part.number });
    }
    used.push(part);
  }
  return used;
}

/** Where the parts came without what the end declares, their bytes say it. */
async function reading({ attributes }: Upload, { name, value }: DeclaredChecksum): Promise<WholeChecksum> {
  if (attributes.customerKey !== undefined)
    throw new S3Error(
      'InvalidRequest',
      "Of parts under a customer's key that came without a checksum, that of the whole cannot be checked.",
    );
  const digest = await streamingDigest(name);
  return {
    attributes: { checksum: { algorithm: name, value: value.toString('base64'), type: 'FULL_OBJECT' } },
    reads: {
      update: (bytes) => digest.update(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
      end() {
        if (!digest.digest().equals(value)) throw new S3Error('BadDigest');
      },
    },
  };
}
