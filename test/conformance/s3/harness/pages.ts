const API = 'https://docs.aws.amazon.com/AmazonS3/latest/API/';
const GUIDE = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/';

/** The page of an operation, by AWS's name. */
export function api(operation: string): string {
  return `${API}API_${operation}.html`;
}

/** A page of the user guide. */
export function guide(page: string): string {
  return `${GUIDE}${page}.html`;
}

/** Pages that stand for no operation. */
export const PAGES = {
  errors: `${API}ErrorResponses.html`,
  commonHeaders: `${API}RESTCommonResponseHeaders.html`,
  commonRequestHeaders: `${API}RESTCommonRequestHeaders.html`,
  sigv2: `${API}RESTAuthentication.html`,
  sigv4Header: `${API}sig-v4-header-based-auth.html`,
  sigv4Query: `${API}sigv4-query-string-auth.html`,
  sigv4Streaming: `${API}sigv4-streaming.html`,
  sigv4Trailers: `${API}sigv4-streaming-trailers.html`,
  sigv4Post: `${API}sigv4-authentication-HTTPPOST.html`,
  postObject: `${API}RESTObjectPOST.html`,
  postPolicy: `${API}sigv4-HTTPPOSTConstructPolicy.html`,
  sigv4: `${API}sig-v4-authenticating-requests.html`,
  checksums: guide('checking-object-integrity'),
  checksumsUpload: guide('checking-object-integrity-upload'),
  conditionalWrites: guide('conditional-writes'),
  conditionalDeletes: guide('conditional-deletes'),
  conditionalReads: guide('conditional-reads'),
  keys: guide('object-keys'),
  metadata: guide('UsingMetadata'),
  tags: guide('object-tagging'),
  sseC: guide('ServerSideEncryptionCustomerKeys'),
  ssePolicy: guide('serv-side-encryption'),
  multipart: guide('mpuoverview'),
  multipartLimits: guide('qfacts'),
  prefixes: guide('using-prefixes'),
  delimiters: guide('ListingKeysUsingAPIs'),
  ranges: guide('range-get-olap'),
  storageClasses: guide('storage-class-intro'),
  copy: guide('copy-object'),
  versioning: guide('Versioning'),
  uploadObjects: guide('upload-objects'),
} as const;
