// Made by scripts/api-client.ts from the schemas of the gateway. Changes belong there.

/** What a file is uploaded from. */
export type UploadBody = Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> | ReadableStream<Uint8Array> | string;

export type AccessGrant = {
  kind: "user" | "group";
  /** The user's or group's name. */
  name: string;
  role: "viewer" | "commenter" | "uploader" | "editor" | "manager" | "owner";
  /** The folder that it was given on; empty: the bucket. */
  key: string;
  /** It was given on a folder above. */
  inherited: boolean;
};

export type AccessList = {
  items: AccessGrant[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type Activities = {
  /** The latest first. */
  changes: Activity[];
  /** The `cursor` of the next page; null: nothing older is known. */
  next: string | null;
};

export type Activity = {
  kind: "put" | "remove" | "move" | "copy" | "removeTree";
  /** Of a move or copy, where it went. */
  key: string;
  /** Of a move or copy within the bucket. */
  fromKey: string | null;
  size: number | null;
  at: string;
  writer: {
    /** As the user is called now; null: nobody was signed in, or the user is gone. */
    name: string | null;
    protocol: "s3" | "webdav" | "rest" | "ws" | "cli" | "system";
  };
};

export type Alert = {
  id: number;
  kind: "login-from-new-place" | "disk-nearly-full" | "damage" | "job-failed" | "test";
  subject: string;
  /** What is so, and what to do. */
  text: string;
  raised: string;
  /** null: it is still so. */
  cleared: string | null;
  /** By which ways somebody was told. */
  told: string[];
};

export type AlertList = {
  /** Newest first. */
  items: Alert[];
  /** By what alerts can be told. */
  ways: {
    name: "webhook" | "mail";
    /** Who is told; null: nobody, because no setting says who. */
    to: string | null;
    /** Which ones say it, as they are called in the environment. */
    settings: string[];
  }[];
};

export type AlertTest = {
  results: {
    name: string;
    /** null: it was taken. */
    error: string | null;
  }[];
};

export type AttemptList = {
  attempts: {
    at: string;
    why: "password" | "name" | "secret" | "clock" | "port" | "expired" | "network" | "scope" | "limited" | "missing" | "address";
    door: string;
    address: string;
    credential: string | null;
  }[];
};

export type AuditPage = {
  /** Newest first. */
  items: AuditRecord[];
  next: string | null;
};

export type AuditRecord = {
  id: number;
  at: string;
  principal: number | null;
  /** As it was called then. */
  name: string | null;
  /** What it came with, as `kind:id`. */
  credential: string | null;
  protocol: string;
  action: string;
  resource: string | null;
  outcome: "ok" | "denied" | "failed";
  status: number;
  address: string | null;
  requestId: string;
  details: Record<string, unknown> | null;
  /** Hex. Holds the record before. */
  hash: string;
};

export type AuditVerdict = {
  ok: boolean;
  records: number;
  broken: {
    id: number;
    why: string;
  } | null;
};

export type BackedUpEntry = {
  kind: "file";
  key: string;
  versionId: string;
  size: number;
  modified: string;
  mtime: string;
  contentType: string | null;
} | {
  kind: "folder";
  key: string;
  /** Of all below; null: not known. */
  bytes: number | null;
};

export type BackedUpPage = {
  /** Of what moment the backup is. */
  taken: string;
  /** Packs of it that are not whole: what lies in them cannot be had. */
  missingPacks: number;
  /** Where no bucket was named. */
  buckets: string[];
  entries: BackedUpEntry[];
  /** The `cursor` of the next page. */
  next: string | null;
};

export type BackedUpVersions = {
  versions: {
    key: string;
    versionId: string;
    size: number;
    modified: string;
    mtime: string;
    contentType: string | null;
    /** It was the file when the backup was taken. */
    current: boolean;
    /** It says that the file was deleted; it has no bytes. */
    deleted: boolean;
    superseded: string | null;
  }[];
};

export type BackupBrowse = {
  from: string;
  name: string;
  /** null: which buckets it has. */
  bucket?: string | null;
  /** Empty, or ends in `/`. */
  folder?: string;
  cursor?: string | null;
  limit?: number;
};

export type BackupCheck = {
  id: number;
  started: string;
  ended: string;
  outcome: "done" | "failed" | "cancelled";
  message: string | null;
  directory: string;
  host: string;
  name: string | null;
  taken: string | null;
  verdict: BackupVerdict;
};

export type BackupCheckWanted = {
  from: string;
  /** null: the newest there. */
  name?: string | null;
};

export type BackupNamed = {
  from: string;
  name: string;
};

export type BackupOpened = {
  /** It can be browsed; else the job `backup-open` is at it. */
  ready: boolean;
  job: Job & Record<string, unknown> | null;
};

export type BackupPlace = {
  from: string;
};

export type BackupRun = {
  id: number;
  started: string;
  ended: string;
  outcome: "done" | "failed" | "cancelled";
  message: string | null;
  directory: string;
  host: string;
  by: "command" | "gateway";
  /** null: there is none of this run. */
  made: {
    name: string;
    /** Of what moment it is. */
    taken: string;
    packs: number;
    /** What the backup holds. */
    bytes: number;
    /** What this run added to the directory. */
    copiedBytes: number;
    /** Older backups that were removed. */
    removed: number;
    /** It lies on the disk that it is a backup of. */
    sameDisk: boolean;
    /** null: it was not read again. */
    verified: {
      /** Records whose bytes were read and are good. */
      records: number;
      /** The first of what is wrong. */
      faults: string[];
      faultCount: number;
    } | null;
  } | null;
};

export type BackupVerdict = {
  /** Records whose bytes were read and are good. */
  records: number;
  /** The first of what is wrong. */
  faults: string[];
  faultCount: number;
} | null;

export type BackupVersionsWanted = {
  from: string;
  name: string;
  bucket: string;
  /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
  key: string;
};

export type BackupWanted = {
  /** A directory on the gateway's machine, absolute and outside of the data directory. */
  to: string;
  /** Read all of it afterwards. */
  verify?: boolean;
  /** How many backups stay there; null: all. */
  keep?: number | null;
};

export type Backups = {
  /** Newest first, of commands too. */
  backups: BackupRun[];
  /** Backups that were read again later; newest first. */
  checks: BackupCheck[];
  /** Restores that were begun here, newest first. */
  restores: RestoreRun[];
  /** Files and folders that were brought back out of backups, newest first. */
  extracts: ExtractRun[];
  opening: Job & Record<string, unknown> | null;
  extracting: Job & Record<string, unknown> | null;
  running: Job & Record<string, unknown> | null;
  checking: Job & Record<string, unknown> | null;
  restoring: Job & Record<string, unknown> | null;
  /** The machine of this gateway. */
  host: string;
  dataDirectory: string;
  /** Settings in force that a gateway on a restored directory must not be started with. */
  settingsApart: string[];
  masterKey: {
    from: "file" | "setting" | "passphrase";
    /** Of the file. */
    path: string | null;
  };
};

export type BackupsThere = {
  directory: string;
  backups: {
    name: string;
    taken: string;
    /** null: what belongs to it cannot be read. */
    holds: {
      packs: number;
      bytes: number;
    } | null;
    why: string | null;
  }[];
  /** Of all that lie there; the newest fifty are told. */
  count: number;
};

/** Carried out in order; items that only remove may run side by side. */
export type Batch = {
  items: BatchItem[];
};

export type BatchAnswer = {
  /** One for each item, in order. */
  results: BatchVerdict[];
  failed: number;
};

export type BatchItem = {
  op: "move";
  from: Place;
  to: Place;
  /** Replaces what is there. Default false. */
  overwrite?: boolean;
  /** Only if the source still has this ETag. */
  ifMatch?: string;
} | {
  op: "copy";
  from: Place;
  to: Place;
  /** Replaces what is there. Default false. */
  overwrite?: boolean;
  /** Only if the source still has this ETag. */
  ifMatch?: string;
} | {
  op: "delete";
  /** A key that ends in `/` removes the folder with all below. */
  at: {
    bucket: string;
    /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
    key: string;
  };
  /** Without quotes; the same string on every protocol. */
  ifMatch?: string;
} | {
  op: "restore";
  at: Place;
  /** Default: the newest one that can come back. */
  versionId?: string;
};

export type BatchVerdict = {
  ok: boolean;
  /** What the single request would have answered. */
  status: number;
  /** Files moved or copied. */
  count?: number;
  entry?: Entry;
  problem?: Problem;
};

export type Bucket = {
  name: string;
  owner: number;
  kind: "standard" | "linked" | "vault";
  versioning: "off" | "enabled" | "suspended";
  created: string;
};

export type BucketDetails = {
  name: string;
  owner: number;
  kind: "standard" | "linked" | "vault";
  versioning: "off" | "enabled" | "suspended";
  created: string;
  /** Current objects and their bytes. */
  usage: {
    objects: number;
    bytes: number;
  };
  /** How much it may hold; null: as much as its owner may. */
  quota: {
    bytes: number | null;
    objects: number | null;
  };
};

export type BucketList = {
  buckets: Bucket[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type BucketPatch = {
  quota: {
    bytes?: number | null;
    objects?: number | null;
  };
};

export type BucketUsage = {
  name: string;
  objects: number;
  bytes: number;
  historyVersions: number;
  historyBytes: number;
  quota: Quota;
  /** null: not measured yet. */
  physical: {
    /** What only this bucket refers to: what its removal would give back. */
    ownBytes: number;
    /** Of so many pieces. */
    ownChunks: number;
    /** What it shares with other buckets of its owner; each of them counts it. */
    sharedBytes: number;
    sharedChunks: number;
    /** Contents up to 1 KiB, which lie in the database and are not deduplicated. */
    inlineBytes: number;
    /** Exact as of then. */
    measured: string;
    /** Nothing has changed since, so it is exact now. */
    current: boolean;
  } | null;
};

export type Checks = {
  /** The newest twenty. */
  files: FileCheck[];
  /** The newest ten. */
  stores: StoreCheck[];
  verifying: Job & Record<string, unknown> | null;
  checking: Job & Record<string, unknown> | null;
  /** Of what was just asked for: its run will have it. */
  ask: string | null;
};

export type Checksum = {
  algorithm: string;
  /** Base64. */
  value: string;
};

/** A promise of one credential, to whoever shows its token first. */
export type Claim = {
  id: string;
  kind: "app-password" | "device";
  name: string;
  scope: Scope;
  state: "waiting" | "redeemed" | "over";
  created: string;
  /** Until when it can be redeemed. */
  expires: string;
  redeemed: string | null;
  redeemedFrom: string | null;
  /** What was made of it: removed as every credential. */
  credential: string | null;
};

export type ClaimList = {
  claims: Claim[];
};

export type ClaimMade = {
  id: string;
  kind: "app-password" | "device";
  name: string;
  scope: Scope;
  state: "waiting" | "redeemed" | "over";
  created: string;
  /** Until when it can be redeemed. */
  expires: string;
  redeemed: string | null;
  redeemedFrom: string | null;
  /** What was made of it: removed as every credential. */
  credential: string | null;
  /** For the device, once; told here and never again. */
  token: string;
};

export type Code = {
  /** A one-time code, or a recovery code. */
  code: string;
};

/** policy, acl, publicAccessBlock or ownershipControls; or versioning, objectLock, lifecycle, cors, tagging, notification, website, logging or encryption, which are as the AWS command line takes them. */
export type ConfigDocument = Record<string, unknown>;

export type Confirm = {
  password: string;
  /** Where a second factor is on. */
  otp?: string;
};

export type ConfirmByPasskey = {
  /** The browser's answer to `/auth/passkey/options`. */
  response: Record<string, unknown>;
};

export type Credential = {
  id: string;
  kind: "s3" | "app-password" | "device";
  name: string | null;
  scope: Scope;
  created: string;
  expires: string | null;
  /** To the minute. */
  lastUsed: string | null;
  lastUsedFrom: string | null;
};

export type CredentialList = {
  credentials: Credential[];
  next: string | null;
};

/** Secrets are told here and never again. */
export type CredentialMade = {
  id: string;
  kind: "s3" | "app-password" | "device";
  name: string | null;
  scope: Scope;
  created: string;
  expires: string | null;
  /** To the minute. */
  lastUsed: string | null;
  lastUsedFrom: string | null;
  accessKeyId?: string;
  secretAccessKey?: string;
  /** For Basic authentication with the name of the user. */
  password?: string;
};

export type DataKeyFacts = {
  user: string;
  /** The number of the key that is written with. */
  epoch: number;
  /** Keys before it that something may still be encrypted with. */
  older: number;
};

export type DataKeysWanted = {
  /** null: of everybody. */
  user?: string | null;
};

export type DoorStats = {
  /** s3, webdav, rest, or web for the rest of the main port. */
  door: string;
  requests: number;
  /** Answers of 400 to 499. */
  clientErrors: number;
  /** Answers of 500 and above. */
  serverErrors: number;
  receivedBytes: number;
  sentBytes: number;
  seconds: {
    /** Seconds, as far as the buckets of the histogram tell; null: no request. */
    mean: number | null;
    /** Seconds, as far as the buckets of the histogram tell; null: no request. */
    p50: number | null;
    /** Seconds, as far as the buckets of the histogram tell; null: no request. */
    p95: number | null;
    /** Seconds, as far as the buckets of the histogram tell; null: no request. */
    p99: number | null;
  };
};

export type DropState = {
  id: string;
  /** Bytes that are durable. */
  offset: number;
  length: number;
  /** What its sender said that the whole adds up to. A file that it made was held against it. */
  digest: {
    algorithm: "sha-256" | "sha-256-8mib";
    /** Base64. */
    value: string;
  } | null;
  /** null before it has ended. */
  entry: {
    name: string;
    size: number;
  } | null;
};

export type Dropped = {
  name: string;
  size: number;
};

export type Entry = File | Folder;

export type ExplainQuestion = {
  /** By default the caller; null: nobody, without credentials. */
  user?: string | null;
  action: "read" | "write" | "create" | "delete" | "attributes.read" | "tags.read" | "tags.write" | "tags.remove" | "acl.read" | "acl.write" | "version.read" | "version.delete" | "version.restore" | "version.attributes.read" | "version.tags.read" | "version.tags.write" | "version.tags.remove" | "version.acl.read" | "version.acl.write" | "retention.read" | "retention.write" | "retention.bypass" | "hold.read" | "hold.write" | "upload.parts" | "upload.abort" | "comment" | "share" | "access.read" | "access.write" | "list" | "list.versions" | "list.uploads" | "bucket.location.read" | "bucket.configure" | "bucket.remove" | "bucket.create" | "bucket.list" | "account.read" | "account.write" | "admin" | "bucket.policy.read" | "bucket.policy.write" | "bucket.policy.remove" | "bucket.policyStatus.read" | "bucket.acl.read" | "bucket.acl.write" | "bucket.publicAccessBlock.read" | "bucket.publicAccessBlock.write" | "bucket.ownershipControls.read" | "bucket.ownershipControls.write" | "bucket.versioning.read" | "bucket.versioning.write" | "bucket.objectLock.read" | "bucket.objectLock.write" | "bucket.cors.read" | "bucket.cors.write" | "bucket.lifecycle.read" | "bucket.lifecycle.write" | "bucket.tagging.read" | "bucket.tagging.write" | "bucket.notification.read" | "bucket.notification.write" | "bucket.website.read" | "bucket.website.write" | "bucket.website.remove" | "bucket.logging.read" | "bucket.logging.write" | "bucket.encryption.read" | "bucket.encryption.write" | "bucket.replication.read" | "bucket.replication.write" | "bucket.payment.read" | "bucket.payment.write" | "bucket.accelerate.read" | "bucket.accelerate.write" | "bucket.analytics.read" | "bucket.analytics.write" | "bucket.inventory.read" | "bucket.inventory.write" | "bucket.metrics.read" | "bucket.metrics.write" | "bucket.tiering.read" | "bucket.tiering.write";
  bucket?: string;
  key?: string;
  /** From where it would be asked; by default from where this request comes. */
  address?: string | string;
};

export type Explanation = {
  allowed: boolean;
  /** The rule that decided, as a sentence. */
  because: string;
  rule: {
    kind: string;
  };
};

export type ExtractRun = {
  id: number;
  started: string;
  ended: string;
  outcome: "done" | "failed" | "cancelled";
  message: string | null;
  directory: string;
  host: string;
  /** Of the backup. */
  name: string;
  /** Of the backup. */
  bucket: string;
  /** The file or folder that was asked for. */
  key: string;
  /** Bucket, folder and name that it was brought into. */
  to: string;
  /** Files and folders that came back. */
  restored: number;
  /** Of these, became the latest version of a file that was there. */
  versions: number;
  /** Of these, came beside under another name. */
  renamed: number;
  /** Were there already, with the same bytes. */
  unchanged: number;
  skipped: number;
  failed: number;
  /** Of what came back. */
  bytes: number;
  /** The first hundred. */
  failures: {
    key: string;
    why: string;
  }[];
};

export type ExtractWanted = {
  from: string;
  name: string;
  /** Of the backup. */
  bucket: string;
  /** A file; what ends in `/`, or is empty, is a folder with all below. */
  key: string;
  /** Of a file; null: the one of then. */
  versionId?: string | null;
  to: {
    /** Of this gateway. */
    bucket: string;
    /** Empty, or ends in `/`. */
    folder?: string;
    /** What it is called there. Empty, of a folder: what is in it goes right into `folder`. */
    name: string;
  };
  /** Where a name is taken by other bytes: come beside it, become its latest version, or stay away. */
  conflict?: "both" | "version" | "skip";
};

export type File = {
  kind: "file";
  bucket: string;
  /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
  key: string;
  name: string;
  /** Bytes. */
  size: number;
  /** Without quotes; the same string on every protocol. */
  etag: string;
  contentType: string;
  /** When the change was committed. */
  modified: string;
  /** What the writer gave as modification time, else `modified`. */
  mtime: string;
  created: string;
  versionId: string;
  /** Since when every byte is known to be as it was stored; null: not checked yet. Only when asked for. */
  verified?: string | null;
  /** Of the whole, where the writer announced one: what came was held against it. */
  checksum?: {
    algorithm: string;
    /** Base64. */
    value: string;
  };
  /** User metadata (S3's x-amz-meta-*). */
  metadata?: Record<string, string>;
};

/** `done`: every byte is as it was stored. `failed`: the message says what is wrong. */
export type FileCheck = {
  id: number;
  /** What the answer to the request has named it. */
  ask: string | null;
  started: string;
  ended: string;
  outcome: "done" | "failed" | "cancelled";
  message: string | null;
  bucket: string | null;
  key: string | null;
  /** null: the current one of then. */
  versionId: string | null;
  /** That were read. */
  bytes: number;
};

export type FileToCheck = {
  bucket: string;
  key: string;
  /** null: the current one. */
  versionId?: string | null;
};

export type Findings = {
  /** Nothing failed. */
  ok: boolean;
  findings: {
    name: string;
    status: "ok" | "warn" | "fail";
    detail: string;
    /** What to do about it. */
    advice: string | null;
  }[];
  /** What commands in a terminal of the machine are given. */
  about: {
    dataDirectory: string;
    masterKey: {
      from: "file" | "setting" | "passphrase";
      path: string | null;
    };
  };
};

export type FinishUpload = {
  /** Another name than the upload was begun for. */
  key?: string;
  /** true: whatever is there; false: only if nothing is. */
  overwrite?: boolean;
  /** Only if the file has this ETag now. */
  ifMatch?: string;
};

export type FirstPassword = {
  password: string;
};

export type Folder = {
  kind: "folder";
  bucket: string;
  /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
  key: string;
  name: string;
  /** Moves with every change at or below. */
  etag?: string;
  modified?: string;
  created?: string;
};

export type Group = {
  name: string;
  members: string[];
  created: string;
};

export type GroupList = {
  groups: Group[];
  next: string | null;
};

export type GroupPatch = {
  name?: string;
  add?: string[];
  remove?: string[];
};

export type Health = {
  /** False takes the gateway out of a load balancer. */
  ready: boolean;
  checks: {
    name: string;
    state: "ok" | "degraded" | "failed";
    /** What is so. */
    message: string;
    /** What to do about it; null where nothing is wrong. */
    remedy: string | null;
  }[];
};

/** A restore or purge that is too large for one step. */
export type HistoryTask = {
  id: number;
  kind: "restore" | "purge";
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  counts: Record<string, number>;
  message: string | null;
  created: string;
  ended: string | null;
};

export type HistoryTaskStarted = {
  task: HistoryTask;
};

export type HistoryTasks = {
  tasks: HistoryTask[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type HurtFile = {
  bucket: string;
  /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
  key: string;
  version: string;
  /** It is what a read without a version gives. */
  current: boolean;
  /** The file lies in the trash. */
  deleted: boolean;
  size: number;
  /** What hurts it. */
  by: {
    /** `chunk`, `leaf`, `version`, `part`, `pack` or `keys`. */
    kind: string;
    /** What of that kind: `domain:id`, `store:pack`, or an id. */
    subject: string;
  }[];
};

export type HurtFilePage = {
  items: HurtFile[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type Integrity = {
  ok: boolean;
  lastScrub: {
    started: string;
    ended: string;
    counts: Record<string, number>;
  } | null;
  damaged: number;
  damage: {
    kind: string;
    subject: string;
    reason: string;
    found: string;
  }[];
  files?: {
    bucket: string;
    /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
    key: string;
    version: string;
    current: boolean;
  }[];
};

export type Job = {
  name: string;
  state: "idle" | "requested" | "running";
  progress: JobProgress;
  started: string | null;
  ended: string | null;
  /** How the last run ended. */
  outcome: {
    kind: "done" | "failed" | "cancelled";
    message: string | null;
  } | null;
};

export type JobList = {
  jobs: Job[];
};

export type JobProgress = {
  done: number;
  /** null: not known. */
  total: number | null;
  unit: string;
  counts?: Record<string, number>;
} | null;

export type JobStart = {
  /** What the job is told; each has its own. */
  argument?: unknown;
};

export type Keys = {
  master: MasterKeyFacts;
  /** The first five hundred by name. */
  users: DataKeyFacts[];
  userCount: number;
  /** The job that writes anew what older keys encrypt. */
  rekey: {
    name: string;
    state: "idle" | "requested" | "running";
    progress: JobProgress;
    started: string | null;
    ended: string | null;
    /** How the last run ended. */
    outcome: {
      kind: "done" | "failed" | "cancelled";
      message: string | null;
    } | null;
  } | null;
};

export type Link = {
  id: number;
  maker: number;
  bucket: string;
  key: string;
  /** `view`: see only (best effort); `download`: see and save; `drop`: put new files in, and see nothing. */
  mode: "view" | "download" | "drop";
  /** What visitors see above; null: the own name. */
  label: string | null;
  expires: string | null;
  /** Downloads of files that it is good for; null: any number. */
  downloadsMax: number | null;
  /** Of a drop folder: bytes that it takes. */
  bytesMax: number | null;
  /** Of a drop folder: files that it takes. */
  filesMax: number | null;
  /** Networks (10.0.0.0/8) that it opens from; null: from anywhere. */
  networks: string[] | null;
  disabled: boolean;
  /** A password is asked for. */
  protected: boolean;
  downloads: number;
  bytes: number;
  files: number;
  created: string;
  lastUsed: string | null;
  /** To its maker: the link is `/s/<token>` below the gateway's address. */
  token?: string;
};

export type LinkAt = {
  url: string;
};

export type LinkList = {
  items: Link[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type LinkPatch = {
  /** `view`: see only (best effort); `download`: see and save; `drop`: put new files in, and see nothing. */
  mode?: "view" | "download" | "drop";
  /** What visitors see above; null: the own name. */
  label?: string | null;
  expires?: string | null;
  /** Downloads of files that it is good for; null: any number. */
  downloadsMax?: number | null;
  /** Of a drop folder: bytes that it takes. */
  bytesMax?: number | null;
  /** Of a drop folder: files that it takes. */
  filesMax?: number | null;
  /** Networks (10.0.0.0/8) that it opens from; null: from anywhere. */
  networks?: string[] | null;
  disabled?: boolean;
  password?: string | null;
};

export type LinkedOidc = {
  linked: boolean;
};

export type Listing = {
  /** In byte order of keys. */
  entries: Entry[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type LoadHistory = {
  series: {
    stepSeconds: number;
    samples: LoadSample[];
  }[];
};

export type LoadSample = {
  /** The end of the stretch. */
  at: string;
  seconds: number;
  doors: Record<string, {
    requests: number;
    errors: number;
    receivedBytes: number;
    sentBytes: number;
    /** Of all requests together. */
    seconds: number;
  }>;
  bytes: number | null;
  storedBytes: number | null;
  freeBytes: number | null;
};

export type Login = {
  user: string;
  password: string;
  /** Names the session, e.g. the device. */
  label?: string;
  /** A one-time or recovery code. Without one, who has a second factor gets 401 `second_factor_required`. */
  otp?: string;
};

export type MasterKeyChanged = {
  /** Values that are sealed under it now. */
  resealed: number;
  check: string;
  /** Where it lies; null for a passphrase. */
  path: string | null;
  /** What must be set before the next start; null: nothing. */
  todo: string | null;
};

export type MasterKeyFacts = {
  /** A file that the gateway reads, a setting that holds the key itself, or words. */
  from: "file" | "setting" | "passphrase";
  /** Of the file, where there is one. */
  path: string | null;
  /** Tells keys apart, and says nothing else about them. */
  check: string;
  /** Of a passphrase: by which function it becomes the key. */
  derivation: string | null;
  /** A new one can take its place where it lies. */
  inPlace: boolean;
  /** The next start finds the key of now where the settings say. */
  atNextStart: boolean;
  /** It can be changed to one that lies elsewhere while the gateway runs. */
  elsewhere: boolean;
};

export type MasterKeyWanted = {
  kind: "same";
} | {
  kind: "file";
  path: string;
} | {
  kind: "passphrase";
  words: string;
};

export type Me = {
  id: number;
  name: string;
  role: "admin" | "member" | "guest";
};

export type NewBucket = {
  name: string;
  /** Another user, who will own it; for admins. */
  owner?: string;
};

export type NewClaim = {
  kind?: "app-password" | "device";
  name: string;
  scope?: Scope;
  /** When the credential is to end; absent: when it is taken back. */
  expires?: string;
};

export type NewCredential = {
  kind: "s3" | "app-password" | "device";
  name: string;
  scope?: Scope;
  expires?: string;
  /** For another user; for admins. */
  user?: string;
};

export type NewGrant = {
  kind: "user" | "group";
  name: string;
  role: "viewer" | "commenter" | "uploader" | "editor" | "manager" | "owner";
};

export type NewGroup = {
  name: string;
  members?: string[];
};

export type NewLink = {
  bucket: string;
  /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
  key: string;
  /** `view`: see only (best effort); `download`: see and save; `drop`: put new files in, and see nothing. */
  mode?: "view" | "download" | "drop";
  /** What visitors see above; null: the own name. */
  label?: string | null;
  expires?: string | null;
  /** Downloads of files that it is good for; null: any number. */
  downloadsMax?: number | null;
  /** Of a drop folder: bytes that it takes. */
  bytesMax?: number | null;
  /** Of a drop folder: files that it takes. */
  filesMax?: number | null;
  /** Networks (10.0.0.0/8) that it opens from; null: from anywhere. */
  networks?: string[] | null;
  disabled?: boolean;
  password?: string;
};

export type NewPasskey = {
  /** The browser's PublicKeyCredential, as toJSON gives it. */
  response: Record<string, unknown>;
  name: string;
};

export type NewPassword = {
  current: string;
  password: string;
};

export type NewUser = {
  name: string;
  role?: "admin" | "member" | "guest";
  /** Absent: one is made and told. */
  password?: string;
  /** null: no limit. */
  quotaBytes?: number | null;
};

export type ObjectLock = {
  mode?: "governance" | "compliance";
  until?: string;
  legalHold: boolean;
};

export type Passkey = {
  id: string;
  name: string;
  created: string;
  lastUsed: string | null;
};

export type PasskeyAdded = {
  passkey: Passkey;
  /** Told once, when there were none before: each opens the door once in place of a code. */
  recoveryCodes: string[];
};

export type PasskeyList = {
  passkeys: Passkey[];
  next: string | null;
};

export type PasskeyLogin = {
  /** The browser's PublicKeyCredential, as toJSON gives it. */
  response: Record<string, unknown>;
  label?: string;
};

export type Place = {
  bucket: string;
  /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
  key: string;
};

/** RFC 9457 */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  /** What a program compares. */
  code: string;
  requestId: string;
};

export type PublicEntry = {
  kind: "file" | "folder";
  /** Within the link; a folder ends in `/`. */
  path: string;
  name: string;
  size?: number;
  contentType?: string;
  modified?: string;
  etag?: string;
};

export type PublicLink = {
  kind: "file" | "folder";
  /** `view`: see only (best effort); `download`: see and save; `drop`: put new files in, and see nothing. */
  mode: "view" | "download" | "drop";
  name: string;
  expires: string | null;
  downloadsLeft: number | null;
  bytesLeft: number | null;
  filesLeft: number | null;
  file?: PublicEntry;
};

export type PublicListing = {
  entries: PublicEntry[];
  next: string | null;
};

export type Purge = {
  bucket: string;
  /** A folder ends in `/`; empty is the whole bucket. */
  key: string;
  /** `trash` (the default): deleted files; `history`: what files that are there were before. */
  what?: "trash" | "history";
  /** This version alone. */
  versionId?: string;
  deletedSince?: string;
  deletedUntil?: string;
  /** What becomes of it when the client goes away before the answer: it is finished (the default), or called off, and then nothing of it is done. Between buckets of different owners, what was copied stays. */
  onDisconnect?: "finish" | "cancel";
};

export type Purged = {
  versions: number;
  bytes: number;
  /** Under retention or legal hold: these stay. */
  held: number;
};

export type QuarantinePage = {
  items: Quarantined[];
  total: number;
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type Quarantined = {
  /** `chunk`, `leaf`, `version`, `part`, `pack` or `keys`. */
  kind: string;
  /** What of that kind: `domain:id`, `store:pack`, or an id. */
  subject: string;
  reason: string;
  found: string;
  /** When it was met the last time. */
  seen: string;
  /** Of a chunk: where its record lies, its bytes there and plain. */
  place: {
    store: number;
    pack: string;
    offset: number;
    length: number;
    size: number;
  } | null;
  /** Whether the mirror could heal it; `none`: no second copies are kept; null: of what lies in the database there are none. */
  secondCopy: "none" | "good" | "damaged" | "missing" | "unreachable" | null;
  /** The first five; `/system/quarantine/files` has all. */
  files: HurtFile[];
  fileCount: number;
};

export type Quota = {
  bytes: number | null;
  objects: number | null;
};

export type RecoveryCodes = {
  /** Told once, when there were none before: each opens the door once in place of a code. */
  recoveryCodes: string[];
};

/** The secret is told here and never again. */
export type Redeemed = {
  id: string;
  kind: "s3" | "app-password" | "device";
  name: string | null;
  scope: Scope;
  created: string;
  expires: string | null;
  /** To the minute. */
  lastUsed: string | null;
  lastUsedFrom: string | null;
  user: string;
  /** For Basic authentication with the name of the user. */
  password: string;
  /** Of a device, for S3. */
  accessKeyId?: string;
  secretAccessKey?: string;
  /** The origin under which the gateway was called, or that its settings name. */
  server: string;
  webdav: string;
  s3: {
    port: number | null;
    domain: string | null;
  };
};

export type Redemption = {
  token: string;
};

export type Refresh = {
  /** Left out where the session is in cookies. */
  refreshToken?: string;
};

export type RemovedBucket = {
  name: string;
  owner: number;
  kind: "standard" | "linked" | "vault";
  versioning: "off" | "enabled" | "suspended";
  created: string;
  /** Its name may be that of another by now. */
  id: number;
  removed: string;
  /** What comes back with it. */
  usage: {
    objects: number;
    bytes: number;
    historyVersions: number;
    historyBytes: number;
  };
};

export type RemovedBucketList = {
  buckets: RemovedBucket[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type Reset = {
  password?: string;
  /** Keys, app passwords and devices go too. */
  credentials?: boolean;
  /** The second factor and passkeys go too. */
  factors?: boolean;
};

export type ResetDone = {
  password?: string;
};

export type RestoreAsOf = {
  bucket: string;
  /** A folder ends in `/`; empty is the whole bucket. */
  prefix?: string;
  at: string;
  /** What to do with files that have come since: default `keep`. */
  added?: "keep" | "remove";
  /** Where to; default: where it was. */
  to?: string;
  /** What to do where another file is now: `fail` (the default) restores nothing, `skip` leaves it, `replace` puts it into history, `rename` restores beside it. */
  conflict?: "fail" | "skip" | "replace" | "rename";
  /** Only counts. */
  dryRun?: boolean;
  /** What becomes of it when the client goes away before the answer: it is finished (the default), or called off, and then nothing of it is done. Between buckets of different owners, what was copied stays. */
  onDisconnect?: "finish" | "cancel";
};

export type RestoreBucket = {
  /** Where its own has been taken meanwhile. */
  name?: string;
};

export type RestoreRun = {
  id: number;
  started: string;
  ended: string;
  outcome: "done" | "failed" | "cancelled";
  message: string | null;
  directory: string;
  host: string;
  /** Of the backup. */
  name: string;
  /** The data directory that it was restored into. */
  to: string;
  /** null: it is not complete; the same restore goes on from there. */
  made: {
    taken: string;
    packsCopied: number;
    names: number;
    users: number;
    hurtCount: number;
  } | null;
};

/** A deleted file, or all that was deleted below a folder, each as it was last. */
export type RestoreTrash = {
  bucket: string;
  /** A folder ends in `/`; empty is the whole bucket. */
  key: string;
  deletedSince?: string;
  deletedUntil?: string;
  /** Where to; default: where it was. */
  to?: string;
  /** What to do where another file is now: `fail` (the default) restores nothing, `skip` leaves it, `replace` puts it into history, `rename` restores beside it. */
  conflict?: "fail" | "skip" | "replace" | "rename";
  /** Only counts. */
  dryRun?: boolean;
  /** What becomes of it when the client goes away before the answer: it is finished (the default), or called off, and then nothing of it is done. Between buckets of different owners, what was copied stays. */
  onDisconnect?: "finish" | "cancel";
};

export type RestoreVersion = {
  bucket: string;
  /** A folder ends in `/`; empty is the whole bucket. */
  key: string;
  versionId: string;
  /** Where to; default: where it was. */
  to?: string;
  /** What to do where another file is now: `fail` (the default) restores nothing, `skip` leaves it, `replace` puts it into history, `rename` restores beside it. */
  conflict?: "fail" | "skip" | "replace" | "rename";
  /** Only counts. */
  dryRun?: boolean;
};

export type RestoreWanted = {
  from: string;
  name: string;
  /** A new or an empty directory on the gateway's machine, outside of the data directory. */
  to: string;
};

export type Restored = {
  restored: number;
  replaced: number;
  renamed: number;
  skipped: number;
  unchanged: number;
  removed: number;
  bytes: number;
};

export type Retention = {
  /** Older history goes. null: never; absent: as the gateway keeps it. */
  days?: number | null;
  /** So many old versions of a file are kept. */
  versions?: number | null;
  /** So much history of the bucket is kept, the latest. */
  bytes?: number | null;
};

export type RetentionShown = {
  days: number | null;
  versions: number | null;
  bytes: number | null;
  /** The bucket says so itself. */
  own: boolean;
};

/** What a credential may at most. What is absent is not reduced. */
export type Scope = {
  actions?: ("read" | "write" | "create" | "delete" | "attributes.read" | "tags.read" | "tags.write" | "tags.remove" | "acl.read" | "acl.write" | "version.read" | "version.delete" | "version.restore" | "version.attributes.read" | "version.tags.read" | "version.tags.write" | "version.tags.remove" | "version.acl.read" | "version.acl.write" | "retention.read" | "retention.write" | "retention.bypass" | "hold.read" | "hold.write" | "upload.parts" | "upload.abort" | "comment" | "share" | "access.read" | "access.write" | "list" | "list.versions" | "list.uploads" | "bucket.location.read" | "bucket.configure" | "bucket.remove" | "bucket.create" | "bucket.list" | "account.read" | "account.write" | "admin" | "bucket.policy.read" | "bucket.policy.write" | "bucket.policy.remove" | "bucket.policyStatus.read" | "bucket.acl.read" | "bucket.acl.write" | "bucket.publicAccessBlock.read" | "bucket.publicAccessBlock.write" | "bucket.ownershipControls.read" | "bucket.ownershipControls.write" | "bucket.versioning.read" | "bucket.versioning.write" | "bucket.objectLock.read" | "bucket.objectLock.write" | "bucket.cors.read" | "bucket.cors.write" | "bucket.lifecycle.read" | "bucket.lifecycle.write" | "bucket.tagging.read" | "bucket.tagging.write" | "bucket.notification.read" | "bucket.notification.write" | "bucket.website.read" | "bucket.website.write" | "bucket.website.remove" | "bucket.logging.read" | "bucket.logging.write" | "bucket.encryption.read" | "bucket.encryption.write" | "bucket.replication.read" | "bucket.replication.write" | "bucket.payment.read" | "bucket.payment.write" | "bucket.accelerate.read" | "bucket.accelerate.write" | "bucket.analytics.read" | "bucket.analytics.write" | "bucket.inventory.read" | "bucket.inventory.write" | "bucket.metrics.read" | "bucket.metrics.write" | "bucket.tiering.read" | "bucket.tiering.write")[];
  places?: {
    bucket: string;
    /** A folder; absent: the whole bucket. */
    prefix?: string;
  }[];
  networks?: string[];
} | null;

export type SearchPage = {
  /** Bucket by bucket, and in each in order of the word that was found. */
  entries: Entry[];
  /** The `cursor` of the next page; null at the end. A page may be short, or empty, before it. */
  next: string | null;
  /** false: many names came a moment ago and are not all looked through yet. */
  complete: boolean;
};

export type SecondFactors = {
  totp: boolean;
  passkeys: number;
  /** How many are left. */
  recoveryCodes: number;
  /** Who it is was said within the last minutes, so that keys and factors can be added. */
  confirmed: boolean;
};

export type Session = {
  id: string;
  label: string;
  created: string;
  expires: string;
  /** When it was begun or its tokens renewed. */
  lastUsed: string;
  lastUsedFrom: string | null;
  /** The device or app password that it came by, and ends with. */
  credential: string | null;
  /** The one of this request. */
  current: boolean;
};

export type SessionList = {
  sessions: Session[];
  next: string | null;
};

export type Settings = {
  /** The settings file that was read, or would be if it were there. */
  file: string;
  settings: {
    name: string;
    environment: string;
    description: string;
    /** Secrets are hidden. */
    value?: unknown;
    /** Flag, variable or file; `default` where nobody set it. */
    source: string;
    isDefault: boolean;
  }[];
};

export type SetupState = {
  /** Nobody has taken over the admin that the first start made. */
  waiting: boolean;
};

export type SetupToken = {
  /** Printed by the first start. */
  token: string;
  label?: string;
};

export type Shared = {
  /** Of one user no two are the same. */
  name: string;
  bucket: string;
  /** Empty: the whole bucket; else a folder. */
  prefix: string;
  role: "viewer" | "commenter" | "uploader" | "editor" | "manager" | "owner";
  owner: string | null;
  /** It came by a group. */
  group: boolean;
};

export type SharedList = {
  items: Shared[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type SingleSignOnState = {
  provider: {
    name: string;
    /** A path that a browser goes to. */
    begin: string;
  } | null;
};

export type Space = {
  objects: number;
  bytes: number;
  historyVersions: number;
  historyBytes: number;
  /** Plain bytes after deduplication. */
  uniqueBytes: number;
  /** The same, compressed and encrypted. */
  storedBytes: number;
  physicalBytes: number | null;
  reclaimableBytes: number | null;
};

export type Stats = {
  time: string;
  /** Counters count from here. */
  started: string;
  doors: DoorStats[];
  operations: {
    door: string;
    operation: string;
    requests: number;
    errors: number;
    seconds: number;
  }[];
  space: Space;
  /** What deduplication saved of all versions, and compression of what is left. */
  savedBytes: {
    dedupe: number;
    compression: number;
  };
  disk: {
    freeBytes: number | null;
    minFreeBytes: number | null;
  };
  connections: number;
  process: {
    residentBytes: number;
    heapBytes: number;
    eventLoopLagSeconds: number;
  };
};

export type StorageHealth = {
  ok: boolean;
  lastScrub: {
    started: string;
    ended: string;
    counts: Record<string, number>;
  } | null;
  scrub: Job & Record<string, unknown> | null;
  /** What empties stores. */
  drain: {
    name: string;
    state: "idle" | "requested" | "running";
    progress: JobProgress;
    started: string | null;
    ended: string | null;
    /** How the last run ended. */
    outcome: {
      kind: "done" | "failed" | "cancelled";
      message: string | null;
    } | null;
  } | null;
  /** The passes of before, newest first; of one that was cut short, what it had read. */
  scrubs: {
    id: number;
    started: string;
    ended: string;
    outcome: "done" | "failed" | "cancelled";
    message: string | null;
    counts: Record<string, number>;
  }[];
  damagedCount: number;
  /** The first hundred of what is in quarantine. */
  damaged: {
    kind: string;
    subject: string;
    reason: string;
    found: string;
  }[];
  /** At most 1,000 of the files that cannot be read because of it. */
  files: {
    bucket: string;
    /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
    key: string;
    version: string;
    current: boolean;
    size: number;
  }[];
  stores: Store[];
  disk: {
    freeBytes: number | null;
    minFreeBytes: number | null;
  };
};

export type Store = {
  number: number;
  kind: "local" | "s3";
  location: string;
  state: "active" | "draining" | "removed";
  /** null where the machine of this gateway cannot say. */
  present: boolean | null;
  /** What keeps it from being read, where something lies there. */
  fault: string | null;
  freeBytes: number | null;
  packs: number;
  chunks: number;
  storedBytes: number;
};

export type StoreCheck = {
  id: number;
  /** What the answer to the request has named it. */
  ask: string | null;
  started: string;
  ended: string;
  outcome: "done" | "failed" | "cancelled";
  message: string | null;
  place: string;
  host: string;
  /** null: it did not come to that. */
  report: {
    /** Every check held. */
    ok: boolean;
    checks: {
      sentence: string;
      ok: boolean;
      ms: number;
      why: string | null;
    }[];
    measured: {
      writeMibPerSecond: number;
      readMibPerSecond: number;
      /** Milliseconds. */
      smallWriteMs: {
        median: number;
        max: number;
      };
      /** Milliseconds. */
      rangeReadMs: {
        median: number;
        max: number;
      };
    } | null;
    /** What could not be taken away again; its names begin with `check-`. */
    left: number;
  } | null;
};

export type StoreDirectory = {
  /** On the gateway's machine, absolute, empty or with packs of this installation. */
  directory: string;
};

export type StoreDrain = {
  /** It takes packs again. */
  cancel?: boolean;
};

export type StoreReplaced = {
  stores: Store[];
  /** Packs that were in its place and are not here. */
  missingPacks: number;
};

export type StoreToCheck = {
  kind: "store";
  number: number;
} | {
  kind: "directory";
  directory: string;
} | {
  kind: "s3";
  bucket: string;
  prefix?: string;
  /** null: AWS itself. */
  endpoint?: string | null;
  region?: string | null;
  accessKeyId: string;
  /** Kept sealed until the check has run, and never told. */
  secretAccessKey: string;
};

export type Stores = {
  stores: Store[];
};

export type SystemInfo = {
  name: string;
  version: string;
  time: string;
  /** Where S3 clients go. */
  s3: {
    /** On the host that the page is on; null: not known here. */
    port: number | null;
    /** S3 has a name of its own. */
    domain: string | null;
  };
};

export type Tokens = {
  accessToken: string;
  /** Not told where the session is in cookies. */
  refreshToken?: string;
  expiresInSeconds: number;
};

export type TotpSecret = {
  /** Base32, to be typed. */
  secret: string;
  /** otpauth://, to be shown as a picture. */
  uri: string;
};

export type Transfer = {
  from: Place;
  to: Place;
  /** Replaces what is there. Default false. */
  overwrite?: boolean;
  /** Only if the source still has this ETag. */
  ifMatch?: string;
  /** What becomes of it when the client goes away before the answer: it is finished (the default), or called off, and then nothing of it is done. Between buckets of different owners, what was copied stays. */
  onDisconnect?: "finish" | "cancel";
};

export type Transferred = {
  created: boolean;
  /** Files moved or copied. */
  count: number;
  entry: Entry;
};

export type Trash = {
  entries: Trashed[];
  next: string | null;
};

export type Trashed = {
  kind: "file";
  /** A folder ends in `/`; empty is the whole bucket. */
  key: string;
  name: string;
  version: Version;
  deleted: string;
} | {
  kind: "folder";
  /** A folder ends in `/`; empty is the whole bucket. */
  key: string;
  name: string;
  /** When the first of it, in the order of keys, was deleted. */
  deleted: string;
};

export type Unlock = {
  password: string;
};

export type UnlockedLink = {
  ticket: string;
  expires: string;
};

export type UploadList = {
  uploads: UploadState[];
  next: string | null;
};

export type UploadState = {
  id: string;
  bucket: string;
  /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
  key: string;
  /** Bytes that are durable. */
  offset: number;
  /** null: not known yet. */
  length: number | null;
  created: string;
  /** When bytes came last. */
  touched: string;
  /** If no more come. */
  expires: string;
  mtime: string | null;
  contentType: string | null;
  /** What its sender said that the whole adds up to. A file that it made was held against it. */
  digest: {
    algorithm: "sha-256" | "sha-256-8mib";
    /** Base64. */
    value: string;
  } | null;
  /** The file that it made; null before it has ended. */
  entry: File | Folder | null;
};

export type Usage = {
  owners: {
    name: string;
    objects: number;
    bytes: number;
    historyVersions: number;
    historyBytes: number;
    quota: Quota;
    /** What the contents of this owner take after deduplication, compression and encryption, exact at every moment; what nobody refers to any more is in it until it is collected. */
    storedBytes: number;
    /** Of so many pieces. */
    storedChunks: number;
  }[];
  buckets: BucketUsage[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

export type User = {
  id: number;
  name: string;
  role: "admin" | "member" | "guest";
  disabled: boolean;
  secondFactor: boolean;
  quotaBytes: number | null;
  quotaObjects: number | null;
  created: string;
};

export type UserList = {
  users: User[];
  next: string | null;
};

export type UserMade = {
  id: number;
  name: string;
  role: "admin" | "member" | "guest";
  disabled: boolean;
  secondFactor: boolean;
  quotaBytes: number | null;
  quotaObjects: number | null;
  created: string;
  password?: string;
  bucket?: string;
};

export type UserPatch = {
  role?: "admin" | "member" | "guest";
  disabled?: boolean;
  /** null: no limit. */
  quotaBytes?: number | null;
  /** null: no limit. */
  quotaObjects?: number | null;
};

export type Version = {
  versionId: string;
  /** `deletion`: what a delete left in a bucket with versions. */
  kind: "file" | "deletion";
  current: boolean;
  size: number;
  etag: string;
  contentType: string;
  /** When it was committed. */
  modified: string;
  mtime: string;
  /** When another took its place, or the file was deleted; null: it is current. */
  superseded: string | null;
  /** S3 clients see it too; what they do not see goes by the retention of the bucket. */
  shownByS3: boolean;
  lock?: ObjectLock;
  /** Who wrote it, in the list of versions; null: it came along from another bucket, which alone knows it. */
  writer?: {
    /** As the user is called now; null: nobody was signed in, or the user is gone. */
    name: string | null;
    protocol: "s3" | "webdav" | "rest" | "ws" | "cli" | "system";
  } | null;
};

export type Versions = {
  /** The latest first. */
  versions: Version[];
  /** The `cursor` of the next page; null at the end. */
  next: string | null;
};

/** As the browser's parse…OptionsFromJSON takes it. */
export type WebAuthnOptions = Record<string, unknown>;

export type Zip = {
  /** Files and folders; a folder with all below. */
  items: {
    bucket: string;
    /** At most 1,024 UTF-8 bytes. A folder ends in `/`. */
    key: string;
  }[];
  /** Of the archive, without `.zip`. */
  name?: string;
};

export type ZipPrepared = {
  /** GET this, below the API, within ten minutes and as the same user. */
  path: string;
  expiresInSeconds: number;
};

/** What each operation takes and gives. */
export interface Operations {
  /** Adds the passkey that the browser made. From then on no door takes the bare password. */
  AddPasskey: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: NewPasskey;
    answer: PasskeyAdded;
  };
  /** Takes a directory of the gateway's machine, on a disk of its own, for packs. For admins. */
  AddStore: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: StoreDirectory;
    answer: Stores;
  };
  /** Sends bytes from an offset on (tus 1.0); the last ones make the file, under a name that is free then. */
  AppendDrop: {
    path: { token: string; id: string };
    query: Record<never, never>;
    body: UploadBody;
    answer: undefined;
  };
  /** Sends bytes from an offset on (tus 1.0); the last ones make the file. */
  AppendUpload: {
    path: { id: string };
    query: Record<never, never>;
    body: UploadBody;
    answer: undefined;
  };
  /** Moves, copies, deletes and restores many files and folders. Each has its own verdict. */
  Batch: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Batch;
    answer: BatchAnswer;
  };
  /** Begins a resumable upload (tus 1.0) into a drop folder. Room is taken for all of it. */
  BeginDrop: {
    path: { token: string };
    query: Record<never, never>;
    body: UploadBody;
    answer: undefined;
  };
  /** Sends a browser to the identity provider. */
  BeginOidc: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** What the browser needs to make a passkey. */
  BeginPasskey: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: WebAuthnOptions;
  };
  /** What the browser needs to log in with a passkey. Names no user. */
  BeginPasskeyLogin: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: WebAuthnOptions;
  };
  /** Begins a session of the admin by the set-up token, once. */
  BeginSetup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: SetupToken;
    answer: Tokens;
  };
  /** Makes a secret for an authenticator app; it counts once it is confirmed. */
  BeginTotp: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: TotpSecret;
  };
  /** What is in a backup that is open: its buckets, or a page of a folder. For admins. */
  BrowseBackup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: BackupBrowse;
    answer: BackedUpPage;
  };
  /** Ends a task where it is; what it has done stays done. */
  CancelHistoryTask: {
    path: { bucket: string; id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Asks a running job to stop. For admins. */
  CancelJob: {
    path: { name: string };
    query: Record<never, never>;
    body: undefined;
    answer: Job;
  };
  /** Changes the key that all stored keys are wrapped with, at once; asks who has not said lately who it is. For admins. */
  ChangeMasterKey: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: MasterKeyWanted;
    answer: MasterKeyChanged;
  };
  /** Changes the password; every other session ends. */
  ChangePassword: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: NewPassword;
    answer: undefined;
  };
  /** Reads a backup to its last byte and tells whether all of it can be restored, as the job `backup-check`. For admins. */
  CheckBackup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: BackupCheckWanted;
    answer: Backups;
  };
  /** Tries out a store for packs, measures it, and leaves nothing behind, as the job `check-storage`. For admins. */
  CheckStore: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: StoreToCheck;
    answer: Checks;
  };
  /** The SHA-256 of a file, made of what is stored: every byte of it is read. */
  Checksum: {
    path: { bucket: string; key: string };
    query: { key?: string | number };
    body: undefined;
    answer: Checksum;
  };
  /** The first admin's own password in place of the generated one; the other sessions end. */
  ChooseFirstPassword: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: FirstPassword;
    answer: undefined;
  };
  /** Turns one-time codes on. From then on no door takes the bare password. */
  ConfirmTotp: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Code;
    answer: RecoveryCodes;
  };
  /** Copies a file, or (both keys end in `/`) a folder, without moving its bytes. */
  Copy: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Transfer;
    answer: Transferred;
  };
  /** Makes a bucket of the caller, or for an admin of another user. */
  CreateBucket: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: NewBucket;
    answer: Bucket;
  };
  /** Makes a claim: a token that a device exchanges for a credential of its own, once, within ten minutes. */
  CreateClaim: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: NewClaim;
    answer: ClaimMade;
  };
  /** Makes an S3 key, an app password (WebDAV, Basic) or a device (one secret for all doors). */
  CreateCredential: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: NewCredential;
    answer: CredentialMade;
  };
  /** Makes a group. For admins. */
  CreateGroup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: NewGroup;
    answer: Group;
  };
  /** Shares a file or folder with whoever has the link. */
  CreateLink: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: NewLink;
    answer: Link;
  };
  /** Begins a resumable upload (tus 1.0), or joins partial ones. */
  CreateUpload: {
    path: Record<never, never>;
    query: { bucket?: string | number; key?: string | number };
    body: UploadBody;
    answer: undefined;
  };
  /** Makes a user, with a first bucket unless it is a guest. For admins. */
  CreateUser: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: NewUser;
    answer: UserMade;
  };
  /** Moves everything off a store by the job `drain`, or lets it take packs again. For admins. */
  DrainStore: {
    path: { number: string };
    query: Record<never, never>;
    body: StoreDrain;
    answer: Stores;
  };
  /** Lets a removed bucket go for good, with all that was in it. */
  DropBucket: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** How many bytes are there (tus 1.0). */
  DropOffset: {
    path: { token: string; id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Puts a new file into a drop folder. What is there is never replaced: another name is found, and told. */
  DropPublicFile: {
    path: { token: string; key: string };
    query: { mtime?: string | number };
    body: UploadBody;
    answer: Dropped;
  };
  /** Ends one session. */
  EndSession: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Ends every session of the caller but this one. */
  EndSessions: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Ends the set-up, done or left: the token opens nothing more. For admins. */
  EndSetup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Ends one session of a user. For admins. */
  EndUserSession: {
    path: { name: string; id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Ends all sessions of a user. For admins. */
  EndUserSessions: {
    path: { name: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Looks at the installation as `cloudstore doctor` does, and says what to do about each thing. For admins. */
  Examine: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Findings;
  };
  /** Whether somebody may do something somewhere, and which rule says so. */
  ExplainAccess: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: ExplainQuestion;
    answer: Explanation;
  };
  /** The same, oldest first and whole: JSON lines, or CSV that no spreadsheet takes for formulas. */
  ExportAudit: {
    path: Record<never, never>;
    query: { name?: string | number; action?: string | number; protocol?: string | number; outcome?: "ok" | "denied" | "failed"; address?: string | number; resource?: string | number; from?: string | number; to?: string | number; format?: "jsonl" | "csv" };
    body: undefined;
    answer: Blob;
  };
  /** Brings a file, one of its versions, or a folder out of an open backup into a bucket, as the job `backup-extract`; what is there is never lost. For admins. */
  ExtractFromBackup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: ExtractWanted;
    answer: Backups;
  };
  /** Sends a browser to where its session at the provider ends; that of here is ended by a log-out. */
  FarewellOidc: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Makes the file of an upload that has all its bytes, where its end was refused: under another name, or over what is there. */
  FinishUpload: {
    path: { id: string };
    query: Record<never, never>;
    body: FinishUpload;
    answer: Entry;
  };
  /** One file out of an open backup, to save. What is not what was stored breaks off. For admins. */
  GetBackedUpFile: {
    path: Record<never, never>;
    query: { from: string | number; name: string | number; bucket: string | number; key: string | number; versionId?: string | number };
    body: undefined;
    answer: Blob;
  };
  /** One bucket and what is in it. */
  GetBucket: {
    path: { bucket: string };
    query: Record<never, never>;
    body: undefined;
    answer: BucketDetails;
  };
  /** One of a bucket's documents, in JSON with AWS's members. */
  GetBucketDocument: {
    path: { bucket: string; document: string };
    query: Record<never, never>;
    body: undefined;
    answer: ConfigDocument;
  };
  /** Whether a claim still waits for its device. */
  GetClaim: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: Claim;
  };
  /** The state of an upload into a drop folder, and the name of the file that it made. */
  GetDrop: {
    path: { token: string; id: string };
    query: Record<never, never>;
    body: undefined;
    answer: DropState;
  };
  /** Downloads a file; lists a folder (a key that is empty or ends in `/`, or that only a folder has). */
  GetFile: {
    path: { bucket: string; key: string };
    query: { key?: string | number; download?: boolean; recursive?: boolean; cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: Listing | Blob;
  };
  /** One group. For admins. */
  GetGroup: {
    path: { name: string };
    query: Record<never, never>;
    body: undefined;
    answer: Group;
  };
  /** One job. For admins. */
  GetJob: {
    path: { name: string };
    query: Record<never, never>;
    body: undefined;
    answer: Job;
  };
  /** One link; its maker is told its token again. */
  GetLink: {
    path: { link: string };
    query: Record<never, never>;
    body: undefined;
    answer: Link;
  };
  /** The archive that was prepared. */
  GetPreparedZip: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: Blob;
  };
  /** The bytes of a shared file; of a link to a file the path is empty. Counts as a download once for each visitor and version. */
  GetPublicFile: {
    path: { token: string; key: string };
    query: { download?: boolean };
    body: undefined;
    answer: Blob;
  };
  /** What a share link is to. */
  GetPublicLink: {
    path: { token: string };
    query: Record<never, never>;
    body: undefined;
    answer: PublicLink;
  };
  /** A shared folder with all below as one archive. Counts as one download. */
  GetPublicZip: {
    path: { token: string };
    query: Record<never, never>;
    body: undefined;
    answer: Blob;
  };
  /** How much history of a bucket is kept. */
  GetRetention: {
    path: { bucket: string };
    query: Record<never, never>;
    body: undefined;
    answer: RetentionShown;
  };
  /** A small picture of an image, as WebP. */
  GetThumbnail: {
    path: { bucket: string; key: string };
    query: { key?: string | number; size?: "64" | "256" | "1024"; v?: string | number };
    body: undefined;
    answer: Blob;
  };
  /** The state of an upload, and the file that it made. */
  GetUpload: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: UploadState;
  };
  /** What the caller and its buckets use, and may; for an admin, all. */
  GetUsage: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: Usage;
  };
  /** One user. For admins. */
  GetUser: {
    path: { name: string };
    query: Record<never, never>;
    body: undefined;
    answer: User;
  };
  /** Gives a user, group or link a role on a bucket or folder and all below; a second role takes the place of the first. */
  GrantAccess: {
    path: { bucket: string; key: string };
    query: Record<never, never>;
    body: NewGrant;
    answer: AccessGrant;
  };
  /** The head of a GET. */
  HeadFile: {
    path: { bucket: string; key: string };
    query: { key?: string | number; download?: boolean; recursive?: boolean; cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: undefined;
  };
  /** The bytes of a shared file; of a link to a file the path is empty. Counts as a download once for each visitor and version. */
  HeadPublicFile: {
    path: { token: string; key: string };
    query: { download?: boolean };
    body: undefined;
    answer: Blob;
  };
  /** How each part of the gateway is, and what to do where something is wrong. For admins. */
  Health: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Health;
  };
  /** Whether what is stored is good, as far as is known. For admins. */
  Integrity: {
    path: Record<never, never>;
    query: { files?: boolean };
    body: undefined;
    answer: Integrity;
  };
  /** Begins to link an account of the provider: the browser that gets this answer goes to the address in it. */
  LinkOidc: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: LinkAt;
  };
  /** Whether an account of the provider opens this one. */
  LinkedOidc: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: LinkedOidc;
  };
  /** What is granted on a bucket or folder, also on the folders above it. */
  ListAccess: {
    path: { bucket: string; key: string };
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: AccessList;
  };
  /** What was done in a folder and below, by whom and by which door. A page looks through 10,000 changes of the bucket, and may be empty while there is a next one. */
  ListActivity: {
    path: { bucket: string; key: string };
    query: { key?: string | number; cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: Activities;
  };
  /** What the owner should know, and was told by mail or webhook where the settings say so. For admins. */
  ListAlerts: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: AlertList;
  };
  /** What was refused in the last minutes of requests in the name of the caller, and why. */
  ListAttempts: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: AttemptList;
  };
  /** Who did what, from where, by which door, with which verdict; newest first. */
  ListAudit: {
    path: Record<never, never>;
    query: { name?: string | number; action?: string | number; protocol?: string | number; outcome?: "ok" | "denied" | "failed"; address?: string | number; resource?: string | number; from?: string | number; to?: string | number; cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: AuditPage;
  };
  /** The versions of a file that an open backup has, the latest thousand, also of one that was deleted. For admins. */
  ListBackedUpVersions: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: BackupVersionsWanted;
    answer: BackedUpVersions;
  };
  /** Backups that were made and checked, what runs now, and what a restore needs. For admins. */
  ListBackups: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Backups;
  };
  /** Everything that is granted in a bucket, on it and on any folder of it. */
  ListBucketAccess: {
    path: { bucket: string };
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: AccessList;
  };
  /** The buckets that the caller may see. */
  ListBuckets: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: BucketList;
  };
  /** Single files that were read to their last byte, stores that were tried out, and what runs now. For admins. */
  ListChecks: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Checks;
  };
  /** The caller's claims of the last day; never their tokens. */
  ListClaims: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: ClaimList;
  };
  /** The caller's S3 keys, app passwords and devices; never their secrets. */
  ListCredentials: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number; user?: string | number };
    body: undefined;
    answer: CredentialList;
  };
  /** All groups. For admins. */
  ListGroups: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: GroupList;
  };
  /** Restores and purges of a bucket that take more than one step. */
  ListHistoryTasks: {
    path: { bucket: string };
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: HistoryTasks;
  };
  /** All files, every version of them, that one damaged thing hurts, or whatever is damaged does. For admins. */
  ListHurtFiles: {
    path: Record<never, never>;
    query: { kind?: "chunk" | "leaf" | "version" | "part" | "pack" | "keys"; subject?: string | number; cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: HurtFilePage;
  };
  /** What goes on behind the requests: every job, its progress, and how its last run ended. For admins. */
  ListJobs: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: JobList;
  };
  /** The caller's share links; with a place, all at and below it that the caller may manage. */
  ListLinks: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number; bucket?: string | number; key?: string | number };
    body: undefined;
    answer: LinkList;
  };
  /** The caller's passkeys. */
  ListPasskeys: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: PasskeyList;
  };
  /** One level of a shared folder. */
  ListPublicFolder: {
    path: { token: string; key: string };
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: PublicListing;
  };
  /** What is in quarantine, since when and why, the files that it hurts, and whether a second copy could heal it. For admins. */
  ListQuarantine: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: QuarantinePage;
  };
  /** Removed buckets that the caller may have back, with all that was in them, as long as their retention says. */
  ListRemovedBuckets: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: RemovedBucketList;
  };
  /** The caller's sessions. */
  ListSessions: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: SessionList;
  };
  /** Buckets and folders that others have shared with the caller, directly or through a group. */
  ListShared: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: SharedList;
  };
  /** What lies deleted in a folder. */
  ListTrash: {
    path: { bucket: string; key: string };
    query: { key?: string | number; recursive?: boolean; cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: Trash;
  };
  /** The caller's uploads that have not ended, from whichever device, newest first. */
  ListUploads: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: UploadList;
  };
  /** The sessions of a user. For admins. */
  ListUserSessions: {
    path: { name: string };
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: SessionList;
  };
  /** All users. For admins. */
  ListUsers: {
    path: Record<never, never>;
    query: { cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: UserList;
  };
  /** Every version of a file that is kept, the latest first; or one of them, as it was. */
  ListVersions: {
    path: { bucket: string; key: string };
    query: { key?: string | number; version?: string | number; download?: boolean; cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: Versions | Blob;
  };
  /** What went over this gateway in minutes, quarters of hours and days, and how full it was. For admins. */
  LoadHistory: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: LoadHistory;
  };
  /** Begins a session. */
  Login: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Login;
    answer: Tokens;
  };
  /** Says who one is once more: for ten minutes keys, passkeys and one-time codes can be added with this session. */
  LoginAgain: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Confirm;
    answer: undefined;
  };
  /** The same by a passkey, whose challenge `/auth/passkey/options` gives. */
  LoginAgainByPasskey: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: ConfirmByPasskey;
    answer: undefined;
  };
  /** Where the provider sends the browser back to: begins a session in cookies, or links the account. */
  LoginByOidc: {
    path: Record<never, never>;
    query: { code?: string | number; state?: string | number; error?: string | number };
    body: undefined;
    answer: undefined;
  };
  /** Begins a session by a passkey alone: it is both factors. */
  LoginByPasskey: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: PasskeyLogin;
    answer: Tokens;
  };
  /** Ends the session of the access token. */
  Logout: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** The backups in a directory of the gateway's machine, whoever made them. For admins. */
  LookForBackups: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: BackupPlace;
    answer: BackupsThere;
  };
  /** Copies what is new into a directory of backups on the gateway's machine, as the job `backup`. For admins. */
  MakeBackup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: BackupWanted;
    answer: Backups;
  };
  /** Who is logged in. */
  Me: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Me;
  };
  /** Asks that what buckets take after deduplication is measured anew, where something has changed; GetUsage tells of when it is. */
  MeasureUsage: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Job;
  };
  /** Moves or renames a file, or (both keys end in `/`) a folder, in one step. */
  Move: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Transfer;
    answer: Transferred;
  };
  /** Makes a backup ready to be looked through, as the job `backup-open`; it stays so for a day. For admins. */
  OpenBackup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: BackupNamed;
    answer: BackupOpened;
  };
  /** PATCH and DELETE for clients that cannot send them (X-HTTP-Method-Override). */
  OverrideUpload: {
    path: { id: string };
    query: Record<never, never>;
    body: UploadBody;
    answer: undefined;
  };
  /** The same as an address that a browser can open. */
  PrepareZip: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Zip;
    answer: ZipPrepared;
  };
  /** Removes for good: deleted files, old versions, or one version. */
  PurgeTrash: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Purge;
    answer: Purged | HistoryTaskStarted;
  };
  /** Puts one of these documents. */
  PutBucketDocument: {
    path: { bucket: string; document: string };
    query: Record<never, never>;
    body: ConfigDocument;
    answer: undefined;
  };
  /** Uploads a file, or makes a folder (a key that ends in `/`, without a body). All or nothing. */
  PutFile: {
    path: { bucket: string; key: string };
    query: { key?: string | number; mtime?: string | number };
    body: UploadBody;
    answer: Entry;
  };
  /** Says how much history of a bucket is kept. The oldest goes first; what is locked stays. */
  PutRetention: {
    path: { bucket: string };
    query: Record<never, never>;
    body: Retention;
    answer: RetentionShown;
  };
  /** Exchanges the token of a claim for the credential that it promises. Whoever comes first gets it, once. */
  RedeemClaim: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Redemption;
    answer: Redeemed;
  };
  /** Exchanges a refresh token, which works once; a second use ends the session. */
  Refresh: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Refresh;
    answer: Tokens;
  };
  /** Removes an empty bucket; on wish, for admins, one with everything in it. What was in it can come back: ListRemovedBuckets. */
  RemoveBucket: {
    path: { bucket: string };
    query: { force?: boolean };
    body: undefined;
    answer: undefined;
  };
  /** Takes one of these documents away. */
  RemoveBucketDocument: {
    path: { bucket: string; document: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Takes a claim back. A credential that was made of it is removed as every other. */
  RemoveClaim: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Takes a credential back: it works nowhere any more within a second, and what is open by it ends. */
  RemoveCredential: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Gives an upload into a drop folder up, and its room back (tus 1.0). */
  RemoveDrop: {
    path: { token: string; id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Removes a file, or (a key that ends in `/`) a folder. */
  RemoveFile: {
    path: { bucket: string; key: string };
    query: { key?: string | number; recursive?: boolean; onDisconnect?: "finish" | "cancel" };
    body: undefined;
    answer: undefined;
  };
  /** Removes a group; its members stay. For admins. */
  RemoveGroup: {
    path: { name: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Takes a link back; what is being downloaded through it ends. */
  RemoveLink: {
    path: { link: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Removes a passkey. */
  RemovePasskey: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Forgets a store that is empty; its disk can be taken away. For admins. */
  RemoveStore: {
    path: { number: string };
    query: Record<never, never>;
    body: undefined;
    answer: Stores;
  };
  /** Turns one-time codes off. */
  RemoveTotp: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Code;
    answer: undefined;
  };
  /** Gives an upload up (tus 1.0). */
  RemoveUpload: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Removes a user with its credentials and sessions; its buckets pass to somebody else. For admins. */
  RemoveUser: {
    path: { name: string };
    query: { heir?: string | number };
    body: undefined;
    answer: undefined;
  };
  /** Begins new data keys; the job `rekey` writes anew what is stored, and then forgets the older ones. Asks who has not said lately who it is. For admins. */
  RenewDataKeys: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: DataKeysWanted;
    answer: Keys;
  };
  /** New recovery codes, in place of those that are left. */
  RenewRecoveryCodes: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Code;
    answer: RecoveryCodes;
  };
  /** Another directory takes the place of a store: a copy of it, or an empty one where it is lost. For admins. */
  ReplaceStore: {
    path: { number: string };
    query: Record<never, never>;
    body: StoreDirectory;
    answer: StoreReplaced;
  };
  /** A new password and no session; unless it is wished otherwise no second factor, on wish no credential either. For admins. */
  ResetUser: {
    path: { name: string };
    query: Record<never, never>;
    body: Reset;
    answer: ResetDone;
  };
  /** Makes a folder, or a whole bucket, as it was at a time. */
  RestoreAsOf: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: RestoreAsOf;
    answer: Restored | HistoryTaskStarted;
  };
  /** Checks a backup and makes a data directory of its own from it, as the job `restore`; what runs stays as it is. For admins. */
  RestoreBackup: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: RestoreWanted;
    answer: Backups;
  };
  /** Makes a removed bucket be there again: what was in it, its history, settings, rights and links. */
  RestoreBucket: {
    path: { id: string };
    query: Record<never, never>;
    body: RestoreBucket;
    answer: Bucket;
  };
  /** Brings back what was deleted: a file, or all below a folder. */
  RestoreTrash: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: RestoreTrash;
    answer: Restored | HistoryTaskStarted;
  };
  /** Makes a version current again, as a new one. */
  RestoreVersion: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: RestoreVersion;
    answer: Restored | HistoryTaskStarted;
  };
  /** Takes a grant away. */
  RevokeAccess: {
    path: { bucket: string; key: string };
    query: { kind: "user" | "group"; name: string | number };
    body: undefined;
    answer: undefined;
  };
  /** Reads and checks everything that is stored, in the background. For admins. */
  Scrub: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Files and folders by name, in everything that the caller may read. */
  Search: {
    path: Record<never, never>;
    query: { q: string | number; bucket?: string | number; prefix?: string | number; kind?: "file" | "folder"; cursor?: string | number; limit?: string | number };
    body: undefined;
    answer: SearchPage;
  };
  /** Which second factors are on. */
  SecondFactors: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: SecondFactors;
  };
  /** Every setting and where it was set; secrets are hidden. For admins. */
  Settings: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Settings;
  };
  /** Whether the gateway waits for its first admin. */
  SetupState: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: SetupState;
  };
  /** Where the master key comes from, which data key each user has, and whether older ones are still needed. For admins. */
  ShowKeys: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Keys;
  };
  /** Whether one can log in by an identity provider, and where that begins. */
  SingleSignOn: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: SingleSignOnState;
  };
  /** How much is stored, and what it takes. For admins. */
  Space: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Space;
  };
  /** Asks for a run now; one that runs already goes on. For admins. */
  StartJob: {
    path: { name: string };
    query: Record<never, never>;
    body: JobStart;
    answer: Job;
  };
  /** What lies at a key, as JSON. With a trailing slash only a folder counts. */
  Stat: {
    path: { bucket: string; key: string };
    query: { key?: string | number; verified?: boolean };
    body: undefined;
    answer: Entry;
  };
  /** Requests, bytes and latency by door, and what deduplication and compression saved. For admins. */
  Stats: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: Stats;
  };
  /** The last scrub, what is in quarantine and the files that it hurts, and where packs lie. For admins. */
  StorageHealth: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: StorageHealth;
  };
  /** What this gateway is, and where S3 is. */
  SystemInfo: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: SystemInfo;
  };
  /** Tells something harmless by every way that the settings name. For admins. */
  TestAlerts: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: AlertTest;
  };
  /** The account of the provider opens this one no more. */
  UnlinkOidc: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Exchanges the link's password for a ticket, which is also set as a cookie of this link's paths only. */
  UnlockPublicLink: {
    path: { token: string };
    query: Record<never, never>;
    body: Unlock;
    answer: UnlockedLink;
  };
  /** Sets how much a bucket may hold; null: as much as its owner may. */
  UpdateBucket: {
    path: { bucket: string };
    query: Record<never, never>;
    body: BucketPatch;
    answer: BucketUsage;
  };
  /** Renames a group, adds and removes members. For admins. */
  UpdateGroup: {
    path: { name: string };
    query: Record<never, never>;
    body: GroupPatch;
    answer: Group;
  };
  /** Changes the terms of a link, at once for who is in. A password of null takes it away. */
  UpdateLink: {
    path: { link: string };
    query: Record<never, never>;
    body: LinkPatch;
    answer: Link;
  };
  /** Changes role, quota, or whether the user may act at all. For admins. */
  UpdateUser: {
    path: { name: string };
    query: Record<never, never>;
    body: UserPatch;
    answer: User;
  };
  /** How many bytes are there (tus 1.0). */
  UploadOffset: {
    path: { id: string };
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** What of tus this gateway does. */
  UploadOptions: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: undefined;
  };
  /** Goes through the whole chain of records: whether one was changed, removed or slipped in. */
  VerifyAudit: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: undefined;
    answer: AuditVerdict;
  };
  /** Reads one file, or one version of it, to its last byte and checks each, as the job `verify`. For admins. */
  VerifyFile: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: FileToCheck;
    answer: Checks;
  };
  /** Files and folders as one archive, streamed; a folder with all below, at most 100,000 entries. */
  Zip: {
    path: Record<never, never>;
    query: Record<never, never>;
    body: Zip;
    answer: Blob;
  };
}

/** Where each operation lies: method, and path below the root of the API. */
export const OPERATIONS = {
  AddPasskey: ['POST', '/me/passkeys'],
  AddStore: ['POST', '/system/stores'],
  AppendDrop: ['PATCH', '/public/{token}/uploads/{id}'],
  AppendUpload: ['PATCH', '/uploads/{id}'],
  Batch: ['POST', '/batch'],
  BeginDrop: ['POST', '/public/{token}/uploads'],
  BeginOidc: ['GET', '/auth/oidc/begin'],
  BeginPasskey: ['POST', '/me/passkeys/options'],
  BeginPasskeyLogin: ['POST', '/auth/passkey/options'],
  BeginSetup: ['POST', '/auth/setup'],
  BeginTotp: ['POST', '/me/totp'],
  BrowseBackup: ['POST', '/backups/browse'],
  CancelHistoryTask: ['DELETE', '/buckets/{bucket}/history-tasks/{id}'],
  CancelJob: ['POST', '/jobs/{name}/cancel'],
  ChangeMasterKey: ['PUT', '/system/keys/master'],
  ChangePassword: ['POST', '/me/password'],
  CheckBackup: ['POST', '/backups/check'],
  CheckStore: ['PUT', '/system/check-storage'],
  Checksum: ['GET', '/checksum/{bucket}/{key}'],
  ChooseFirstPassword: ['POST', '/setup/password'],
  ConfirmTotp: ['POST', '/me/totp/confirm'],
  Copy: ['POST', '/copy'],
  CreateBucket: ['POST', '/buckets'],
  CreateClaim: ['POST', '/claims'],
  CreateCredential: ['POST', '/credentials'],
  CreateGroup: ['POST', '/groups'],
  CreateLink: ['POST', '/links'],
  CreateUpload: ['POST', '/uploads'],
  CreateUser: ['POST', '/users'],
  DrainStore: ['POST', '/system/stores/{number}/drain'],
  DropBucket: ['DELETE', '/removed-buckets/{id}'],
  DropOffset: ['HEAD', '/public/{token}/uploads/{id}'],
  DropPublicFile: ['PUT', '/public/{token}/files/{key}'],
  EndSession: ['DELETE', '/me/sessions/{id}'],
  EndSessions: ['DELETE', '/me/sessions'],
  EndSetup: ['POST', '/setup/end'],
  EndUserSession: ['DELETE', '/users/{name}/sessions/{id}'],
  EndUserSessions: ['DELETE', '/users/{name}/sessions'],
  Examine: ['GET', '/system/doctor'],
  ExplainAccess: ['POST', '/access/explain'],
  ExportAudit: ['GET', '/audit/export'],
  ExtractFromBackup: ['POST', '/backups/extract'],
  FarewellOidc: ['GET', '/auth/oidc/farewell'],
  FinishUpload: ['POST', '/uploads/{id}/finish'],
  GetBackedUpFile: ['GET', '/backups/file'],
  GetBucket: ['GET', '/buckets/{bucket}'],
  GetBucketDocument: ['GET', '/buckets/{bucket}/config/{document}'],
  GetClaim: ['GET', '/claims/{id}'],
  GetDrop: ['GET', '/public/{token}/uploads/{id}'],
  GetFile: ['GET', '/files/{bucket}/{key}'],
  GetGroup: ['GET', '/groups/{name}'],
  GetJob: ['GET', '/jobs/{name}'],
  GetLink: ['GET', '/links/{link}'],
  GetPreparedZip: ['GET', '/zip/prepared/{id}'],
  GetPublicFile: ['GET', '/public/{token}/files/{key}'],
  GetPublicLink: ['GET', '/public/{token}'],
  GetPublicZip: ['GET', '/public/{token}/zip'],
  GetRetention: ['GET', '/buckets/{bucket}/retention'],
  GetThumbnail: ['GET', '/thumbnails/{bucket}/{key}'],
  GetUpload: ['GET', '/uploads/{id}'],
  GetUsage: ['GET', '/usage'],
  GetUser: ['GET', '/users/{name}'],
  GrantAccess: ['PUT', '/access/{bucket}/{key}'],
  HeadFile: ['HEAD', '/files/{bucket}/{key}'],
  HeadPublicFile: ['HEAD', '/public/{token}/files/{key}'],
  Health: ['GET', '/system/health'],
  Integrity: ['GET', '/system/integrity'],
  LinkOidc: ['POST', '/me/oidc'],
  LinkedOidc: ['GET', '/me/oidc'],
  ListAccess: ['GET', '/access/{bucket}/{key}'],
  ListActivity: ['GET', '/activity/{bucket}/{key}'],
  ListAlerts: ['GET', '/alerts'],
  ListAttempts: ['GET', '/me/attempts'],
  ListAudit: ['GET', '/audit'],
  ListBackedUpVersions: ['POST', '/backups/versions'],
  ListBackups: ['GET', '/backups'],
  ListBucketAccess: ['GET', '/buckets/{bucket}/access'],
  ListBuckets: ['GET', '/buckets'],
  ListChecks: ['GET', '/system/checks'],
  ListClaims: ['GET', '/claims'],
  ListCredentials: ['GET', '/credentials'],
  ListGroups: ['GET', '/groups'],
  ListHistoryTasks: ['GET', '/buckets/{bucket}/history-tasks'],
  ListHurtFiles: ['GET', '/system/quarantine/files'],
  ListJobs: ['GET', '/jobs'],
  ListLinks: ['GET', '/links'],
  ListPasskeys: ['GET', '/me/passkeys'],
  ListPublicFolder: ['GET', '/public/{token}/list/{key}'],
  ListQuarantine: ['GET', '/system/quarantine'],
  ListRemovedBuckets: ['GET', '/removed-buckets'],
  ListSessions: ['GET', '/me/sessions'],
  ListShared: ['GET', '/shared'],
  ListTrash: ['GET', '/trash/{bucket}/{key}'],
  ListUploads: ['GET', '/uploads'],
  ListUserSessions: ['GET', '/users/{name}/sessions'],
  ListUsers: ['GET', '/users'],
  ListVersions: ['GET', '/versions/{bucket}/{key}'],
  LoadHistory: ['GET', '/system/load'],
  Login: ['POST', '/auth/login'],
  LoginAgain: ['POST', '/me/confirm'],
  LoginAgainByPasskey: ['POST', '/me/confirm/passkey'],
  LoginByOidc: ['GET', '/auth/oidc/callback'],
  LoginByPasskey: ['POST', '/auth/passkey/login'],
  Logout: ['POST', '/auth/logout'],
  LookForBackups: ['POST', '/backups/look'],
  MakeBackup: ['POST', '/backups'],
  Me: ['GET', '/me'],
  MeasureUsage: ['POST', '/usage/measure'],
  Move: ['POST', '/move'],
  OpenBackup: ['POST', '/backups/open'],
  OverrideUpload: ['POST', '/uploads/{id}'],
  PrepareZip: ['POST', '/zip/prepare'],
  PurgeTrash: ['POST', '/trash/purge'],
  PutBucketDocument: ['PUT', '/buckets/{bucket}/config/{document}'],
  PutFile: ['PUT', '/files/{bucket}/{key}'],
  PutRetention: ['PUT', '/buckets/{bucket}/retention'],
  RedeemClaim: ['POST', '/claims/redeem'],
  Refresh: ['POST', '/auth/refresh'],
  RemoveBucket: ['DELETE', '/buckets/{bucket}'],
  RemoveBucketDocument: ['DELETE', '/buckets/{bucket}/config/{document}'],
  RemoveClaim: ['DELETE', '/claims/{id}'],
  RemoveCredential: ['DELETE', '/credentials/{id}'],
  RemoveDrop: ['DELETE', '/public/{token}/uploads/{id}'],
  RemoveFile: ['DELETE', '/files/{bucket}/{key}'],
  RemoveGroup: ['DELETE', '/groups/{name}'],
  RemoveLink: ['DELETE', '/links/{link}'],
  RemovePasskey: ['DELETE', '/me/passkeys/{id}'],
  RemoveStore: ['DELETE', '/system/stores/{number}'],
  RemoveTotp: ['DELETE', '/me/totp'],
  RemoveUpload: ['DELETE', '/uploads/{id}'],
  RemoveUser: ['DELETE', '/users/{name}'],
  RenewDataKeys: ['POST', '/system/keys/data'],
  RenewRecoveryCodes: ['POST', '/me/recovery-codes'],
  ReplaceStore: ['POST', '/system/stores/{number}/replace'],
  ResetUser: ['POST', '/users/{name}/reset'],
  RestoreAsOf: ['POST', '/restore-as-of'],
  RestoreBackup: ['POST', '/backups/restore'],
  RestoreBucket: ['POST', '/removed-buckets/{id}/restore'],
  RestoreTrash: ['POST', '/trash/restore'],
  RestoreVersion: ['POST', '/versions/restore'],
  RevokeAccess: ['DELETE', '/access/{bucket}/{key}'],
  Scrub: ['POST', '/system/scrub'],
  Search: ['GET', '/search'],
  SecondFactors: ['GET', '/me/second-factors'],
  Settings: ['GET', '/system/settings'],
  SetupState: ['GET', '/setup'],
  ShowKeys: ['GET', '/system/keys'],
  SingleSignOn: ['GET', '/auth/oidc'],
  Space: ['GET', '/system/space'],
  StartJob: ['POST', '/jobs/{name}/start'],
  Stat: ['GET', '/stat/{bucket}/{key}'],
  Stats: ['GET', '/system/stats'],
  StorageHealth: ['GET', '/system/storage'],
  SystemInfo: ['GET', '/system/info'],
  TestAlerts: ['POST', '/alerts/test'],
  UnlinkOidc: ['DELETE', '/me/oidc'],
  UnlockPublicLink: ['POST', '/public/{token}/unlock'],
  UpdateBucket: ['PATCH', '/buckets/{bucket}'],
  UpdateGroup: ['PATCH', '/groups/{name}'],
  UpdateLink: ['PATCH', '/links/{link}'],
  UpdateUser: ['PATCH', '/users/{name}'],
  UploadOffset: ['HEAD', '/uploads/{id}'],
  UploadOptions: ['OPTIONS', '/uploads'],
  VerifyAudit: ['POST', '/audit/verify'],
  VerifyFile: ['POST', '/system/verify'],
  Zip: ['POST', '/zip'],
} as const satisfies Record<keyof Operations, readonly [string, string]>;
