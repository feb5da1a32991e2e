import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { ListenersOptions } from '#http/server';
import type { Config } from './config/load.ts';
import { SettingError } from './config/setting-error.ts';

/** The owner's own certificate and key; null: none is set. @throws SettingError: they cannot be read, or not be used together */
export async function readTls({ values }: Config): Promise<ListenersOptions['tls']> {
  const [cert, key] = [values['tls-cert'], values['tls-key']];
  if (cert === null || key === null) return null;
  const tls = { cert: await readPem(cert, 'CLOUDSTORE_TLS_CERT'), key: await readPem(key, 'CLOUDSTORE_TLS_KEY') };
  try {
    createSecureContext(tls);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SettingError(`CLOUDSTORE_TLS_CERT and CLOUDSTORE_TLS_KEY cannot be used together: ${why}.`);
  }
  return tls;
}

async function readPem(path: string, setting: string): Promise<Buffer> {
  const content = await readFile(resolve(path)).catch((cause: NodeJS.ErrnoException) => {
    throw new SettingError(`${setting} names ${path}, which cannot be read (${cause.code}).`);
  });
  if (!content.includes('-----BEGIN ')) throw new SettingError(`${setting} names ${path}, which is not a PEM file.`);
  return content;
}
