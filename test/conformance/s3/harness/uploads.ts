import type { S3Answer } from './client.ts';
import { expectStatus, type Lab } from './suite.ts';

export const MIN = 5 * 1024 * 1024;
export const PART = Buffer.alloc(MIN, 'five mebibytes ');
export const TAIL = Buffer.from('and a tail');

export interface Upload {
  key: string;
  uploadId: string;
  part(number: number, body: Buffer | string, headers?: Record<string, string>): Promise<S3Answer>;
  complete(parts: readonly (readonly [number, string])[], headers?: Record<string, string>): Promise<S3Answer>;
}

export async function begin(lab: Lab, headers: Record<string, string> = {}, key = lab.key()): Promise<Upload> {
  const uploadId = expectStatus(await lab.send('POST', key, { query: 'uploads', headers }), 200)
    .xml()
    .value('UploadId');
  return {
    key,
    uploadId,
    part: (partNumber, body, more = {}) => lab.send('PUT', key, { query: { partNumber, uploadId }, body, headers: more }),
    complete: (parts, more = {}) => {
      const list = parts.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`).join('');
      return lab.send('POST', key, {
        query: { uploadId },
        body: `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`,
        headers: more,
      });
    },
  };
}

export async function etagOf(part: Promise<S3Answer>): Promise<string> {
  return expectStatus(await part, 200).headers.etag ?? '';
}

/** Of two parts, completed. */
export async function whole(lab: Lab): Promise<Upload & { answer: S3Answer; etags: string[] }> {
  const upload = await begin(lab);
  const etags = [await etagOf(upload.part(1, PART)), await etagOf(upload.part(2, TAIL))];
  const answer = expectStatus(await upload.complete(etags.map((etag, index) => [index + 1, etag])), 200);
  return { ...upload, answer, etags };
}
