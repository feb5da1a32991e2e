import type { Route } from './route.ts';
import { authRoutes } from './routes/auth.ts';
import { bucketRoutes } from './routes/buckets.ts';
import { fileRoutes } from './routes/files.ts';
import { systemRoutes } from './routes/system.ts';
import { treeRoutes } from './routes/tree.ts';

/** Every route there is: the router and the OpenAPI document are both made of this list. */
export const ROUTES: readonly Route[] = [...authRoutes, ...fileRoutes, ...treeRoutes, ...bucketRoutes, ...systemRoutes];

/** Where the document itself lies. */
export const DOCUMENT_PATH = '/openapi.json';
