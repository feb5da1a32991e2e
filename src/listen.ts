import { CloudStoreError } from '#core/errors';
import type { Listeners } from '#http/server';
import type { Config } from './config/load.ts';
import { SettingError } from './config/setting-error.ts';
import type { Addresses } from './workers.ts';

/** Opens both ports. @throws unavailable, SettingError: one sentence about the port or the address that cannot be had */
export async function listen(listeners: Pick<Listeners, 'listen'>, { values }: Config): Promise<Addresses> {
  try {
    return await listeners.listen();
  } catch (error) {
    const { code, port } = error instanceof Error ? (error as NodeJS.ErrnoException & { port?: number }) : {};
    const setting = port === values['s3-port'] ? '--s3-port or CLOUDSTORE_S3_PORT' : '--port or CLOUDSTORE_PORT';
    const where = `Port ${port} of ${values.host}`;
    if (code === 'EADDRINUSE')
      throw new CloudStoreError(
        'unavailable',
        `${where} is in use. Stop what listens there, or choose another with ${setting}.`,
        {
          details: { port },
        },
      );
    if (code === 'EACCES')
      throw new CloudStoreError('unavailable', `${where} is not open to this user. Choose one above 1023 with ${setting}.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new SettingError(`This machine has no address ${values.host}; set --host or CLOUDSTORE_HOST to one that it has.`);
    throw error;
  }
}
