import type { Route } from './route.ts';
import { accessRoutes } from './routes/access.ts';
import { alertRoutes } from './routes/alerts.ts';
import { auditRoutes } from './routes/audit.ts';
import { authRoutes } from './routes/auth.ts';
import { backupFileRoutes } from './routes/backup-files.ts';
import { backupRoutes } from './routes/backups.ts';
import { batchRoutes } from './routes/batch.ts';
import { bucketRoutes } from './routes/buckets.ts';
import { careRoutes } from './routes/care.ts';
import { claimRoutes } from './routes/claims.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { diskRoutes } from './routes/disks.ts';
import { fileRoutes } from './routes/files.ts';
import { historyRoutes } from './routes/history.ts';
import { jobRoutes } from './routes/jobs.ts';
import { keyRoutes } from './routes/keys.ts';
import { linkRoutes } from './routes/links.ts';
import { meRoutes } from './routes/me.ts';
import { oidcRoutes } from './routes/oidc.ts';
import { publicRoutes } from './routes/public.ts';
import { quarantineRoutes } from './routes/quarantine.ts';
import { searchRoutes } from './routes/search.ts';
import { setupRoutes } from './routes/setup.ts';
import { sharedRoutes } from './routes/shared.ts';
import { systemRoutes } from './routes/system.ts';
import { thumbnailRoutes } from './routes/thumbnails.ts';
import { treeRoutes } from './routes/tree.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { usageRoutes } from './routes/usage.ts';
import { userRoutes } from './routes/users.ts';
import { zipRoutes } from './routes/zip.ts';

/** Every route there is: the router and the OpenAPI document are both made of this list. */
export const ROUTES: readonly Route[] = [
  ...authRoutes,
  ...oidcRoutes,
  ...setupRoutes,
  ...meRoutes,
  ...credentialRoutes,
  ...claimRoutes,
  ...userRoutes,
  ...fileRoutes,
  ...treeRoutes,
  ...uploadRoutes,
  ...searchRoutes,
  ...thumbnailRoutes,
  ...batchRoutes,
  ...zipRoutes,
  ...bucketRoutes,
  ...historyRoutes,
  ...usageRoutes,
  ...accessRoutes,
  ...jobRoutes,
  ...systemRoutes,
  ...dashboardRoutes,
  ...quarantineRoutes,
  ...linkRoutes,
  ...publicRoutes,
  ...auditRoutes,
  ...alertRoutes,
  ...backupRoutes,
  ...backupFileRoutes,
  ...diskRoutes,
  ...keyRoutes,
  ...careRoutes,
  ...sharedRoutes,
];

/** Where the document itself lies. */
export const DOCUMENT_PATH = '/openapi.json';
