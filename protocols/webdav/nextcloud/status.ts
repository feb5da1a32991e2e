import { isDesktop } from '../times.ts';

/**
 * The version of the protocol that is spoken here, as its clients know it: they refuse servers that are too old, and ask newer ones for what came
 * with them. What we are is in the product's name.
 */
export const DIALECT_VERSION = { major: 31, minor: 0, micro: 0, string: '31.0.0', edition: '', extendedSupport: false } as const;
export const PRODUCT = 'CloudStore';

/** `/status.php`: whether a server is here, before anybody logs in. */
export function statusDocument(): Record<string, unknown> {
  return {
    installed: true,
    maintenance: false,
    needsDbUpgrade: false,
    version: `${DIALECT_VERSION.string}.0`,
    versionstring: DIALECT_VERSION.string,
    edition: '',
    productname: PRODUCT,
    extendedSupport: false,
  };
}

/** What clients may use of it; anything that is not named is not there. */
export function capabilitiesOf(origin: string, agent: string): Record<string, unknown> {
  return {
    core: { pollinterval: 60, 'webdav-root': 'remote.php/webdav' },
    // The desktop's client (3.7.3 at least) cannot send an empty file among many: it breaks its own request off, and fails all that were in it.
    dav: { chunking: '1.0', trashbin: '1.0', ...(isDesktop(agent) ? {} : { bulkupload: '1.0' }) },
    files: {
      bigfilechunking: true,
      chunked_upload: { max_size: 1_073_741_824, max_parallel_count: 4 },
      blacklisted_files: [],
      forbidden_filenames: [],
      forbidden_filename_basenames: [],
      forbidden_filename_characters: [],
      forbidden_filename_extensions: [],
      undelete: true,
      versioning: true,
      version_labeling: false,
      version_deletion: true,
      comments: false,
    },
    checksums: { supportedTypes: ['SHA1', 'SHA256', 'MD5'], preferredUploadType: 'SHA1' },
    files_sharing: {
      api_enabled: false,
      public: { enabled: false },
      resharing: false,
      federation: { outgoing: false, incoming: false },
    },
    notify_push: {
      type: ['files'],
      endpoints: {
        websocket: `${origin.replace(/^http/, 'ws')}/push/ws`,
        pre_auth: `${origin}/index.php/apps/notify_push/pre_auth`,
      },
    },
    theming: {
      name: PRODUCT,
      productName: PRODUCT,
      url: origin,
      slogan: '',
      color: '#1f5fbf',
      'color-text': '#ffffff',
      'color-element': '#1f5fbf',
      'background-plain': true,
      'background-default': true,
    },
  };
}
