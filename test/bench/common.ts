import { createCipheriv, randomBytes } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';

/** `--name=value` of the command line. */
export function flag(name: string): string | undefined {
  return process.argv.find((argument) => argument.startsWith(`--${name}=`))?.split('=')[1];
}

/** A presigned URL in the gateway's first bucket; without a key, of the bucket. */
export function url(gateway: TestGateway, method: string, key: string, query: Record<string, string> = {}): string {
  const base = `${gateway.s3Url.replace(/\/$/, '')}/${gateway.bucket}${key === '' ? '' : '/'}${key}`;
  const search = new URLSearchParams(query).toString();
  return presign(method, search === '' ? base : `${base}?${search}`, gateway, new Date());
}

/** What of a URL is sent as the request's target. */
export function target(absolute: string): string {
  const { pathname, search } = new URL(absolute);
  return pathname + search;
}

/** Resident bytes of a process. */
export function rss(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** Bytes that no other file has. */
export async function writeRandomFile(path: string, size: number): Promise<void> {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(2 ** 20);
  await pipeline(
    (async function* () {
      for (let done = 0; done < size; done += zeros.length) yield cipher.update(zeros);
    })(),
    createWriteStream(path, { highWaterMark: 2 ** 22 }),
  );
}
