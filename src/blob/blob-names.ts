import { CloudStoreError } from '#core/errors';

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/** Only our own code names blobs, so a bad name is a mistake of ours. @throws invalid_argument */
export function checkBlobName(name: string): void {
  if (!NAME.test(name)) throw new CloudStoreError('invalid_argument', `${JSON.stringify(name)} is no name for a blob.`);
}

export function blobNotFound(name: string): CloudStoreError {
  return new CloudStoreError('not_found', `There is no blob ${name}.`);
}

export function blobCorrupt(name: string): CloudStoreError {
  return new CloudStoreError('corrupt', `The blob ${name} is shorter than it should be.`, { details: { name } });
}

/** Whether a body equals stored bytes; reads the body only as far as it must. */
export async function sameAs(
  body: AsyncIterable<Uint8Array>,
  storedSize: number,
  stored: (at: number, length: number) => Promise<Uint8Array>,
): Promise<boolean> {
  let at = 0;
  for await (const chunk of body) {
    const there = await stored(at, chunk.length);
    if (there.length !== chunk.length || Buffer.compare(there, chunk) !== 0) return false;
    at += chunk.length;
  }
  return at === storedSize;
}
