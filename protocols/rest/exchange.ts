import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessControl } from '#contracts/access-control';
import type { AlertDesk } from '#contracts/alerts';
import type { Attempts } from '#contracts/attempts';
import type { AuditLog } from '#contracts/audit';
import type { Authenticator } from '#contracts/authenticator';
import type { Authorizer } from '#contracts/authorizer';
import type { Backups } from '#contracts/backups';
import type { BucketDocuments } from '#contracts/bucket-documents';
import type { Buckets } from '#contracts/buckets';
import type { Cache } from '#contracts/cache';
import type { CheckDesk } from '#contracts/check-desk';
import type { DiskDesk } from '#contracts/disk-desk';
import type { Examiner } from '#contracts/examiner';
import type { History } from '#contracts/history';
import type { Identity } from '#contracts/identity';
import type { Integrity } from '#contracts/integrity';
import type { Jobs } from '#contracts/jobs';
import type { KeyDesk } from '#contracts/key-desk';
import type { Links } from '#contracts/links';
import type { Namespace } from '#contracts/namespace';
import type { Resumables } from '#contracts/resumables';
import type { Search } from '#contracts/search';
import type { Shares } from '#contracts/shares';
import type { SingleSignOn } from '#contracts/single-sign-on';
import type { SpaceReports } from '#contracts/space-report';
import type { SystemReports } from '#contracts/system-report';
import type { Thumbnails } from '#contracts/thumbnails';
import type { Turns } from '#contracts/turns';
import type { Quotas } from '#contracts/usage';
import type { Clock, Random } from '#core/clock';
import type { Who } from '#core/principal';
import type { RequestContext } from '#http/door';
import type { Idempotency } from './idempotency.ts';

export interface RestDeps {
  namespace: Namespace;
  buckets: Buckets;
  authenticator: Authenticator;
  authorizer: Authorizer;
  links: Links;
  access?: AccessControl;
  documents?: BucketDocuments;
  audit?: AuditLog;
  alerts?: AlertDesk;
  backups?: Backups;
  disks?: DiskDesk;
  keyDesk?: KeyDesk;
  examiner?: Examiner;
  checks?: CheckDesk;
  shares?: Shares;
  clock: Clock;
  random: Random;
  /** Told to who is logged in. */
  version?: string;
  /** Where S3 listens; the port is known once it does. */
  s3Reach?: { readonly port: number | null; readonly domain: string | null };
  identity?: Identity;
  attempts?: Attempts;
  /** Where the settings name an identity provider. */
  singleSignOn?: SingleSignOn;
  /** Under which browsers reach us, where the settings say so. */
  publicUrl?: string | null;
  /** For admins, and of single files for who may read them. */
  integrity?: Integrity;
  space?: SpaceReports;
  jobs?: Jobs;
  system?: SystemReports;
  resumables?: Resumables;
  history?: History;
  search?: Search;
  thumbnails?: Thumbnails;
  idempotency?: Idempotency;
  /** After so many days without a byte an upload expires. */
  uploadDays?: number;
  quotas?: Quotas;
  /** How long history is kept where a bucket says nothing. */
  historyDays?: number;
  /** For changes that hold under a condition. */
  turns?: Turns;
  /** For what may be lost. */
  cache?: Cache;
}

/** One request on its way through a route. */
export interface Exchange {
  deps: RestDeps;
  req: IncomingMessage;
  res: ServerResponse;
  cx: RequestContext;
  /** Anonymous on the routes that are open. */
  who: Who;
  /** The access token that the request came with; null for a name and password. */
  token: string | null;
  /** The path below the API's root, as it came. */
  path: string;
}
