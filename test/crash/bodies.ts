import { createCipheriv, createHash } from 'node:crypto';

/** What an object holds, as both sides of the test know it: `seed:size`. */
export type Body = string;

/** Bytes that nothing compresses or deduplicates, the same for the same name. */
export function bytesOfBody(body: Body): Buffer {
  const [seed = '', size = '0'] = body.split(':');
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(Number(size)));
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 24);
}

/** Park and Miller's generator: a schedule that a printed seed gives again. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}
