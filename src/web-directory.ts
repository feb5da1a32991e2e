import { join } from 'node:path';

/** Where the browser's page lies, built: `web/dist` of a checkout, `web` beside the modules of the published package. */
export const WEB_DIRECTORY = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, '..', 'web', 'dist')
  : join(import.meta.dirname, '..', 'web');
