import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AccessKey } from '#contracts/authenticator';
import { assertKey } from '#core/address';
import type { DigestName, Digests } from '#core/digest';
import type { RequestFacts } from '#core/principal';
import type { Bytes } from '#core/stream';
import { allowBody, requestBytes } from '#http/body';
import type { RequestContext } from '#http/door';
import { escapeXml, parseXml } from '#http/xml';
import { contentMd5, declaredChecksum, storedChecksum } from './checksums.ts';
import { readScope } from './credentials.ts';
import { S3Error } from './errors.ts';
import { addressOf, type Exchange, type S3Deps } from './exchange.ts';
import { isHeader } from './moved-headers.ts';
import { type Form, formBoundary, openForm } from './multipart-form.ts';
import { lockOption } from './object-lock.ts';
import { allowTags, store } from './operations/put-object.ts';
import { PUT_BYTES_MAX, type Upload } from './payload.ts';
import { checkPolicy, type PostPolicy, parsePolicy } from './post-policy.ts';
import { readAttributes } from './representation.ts';
import { type Output, XML_DECLARATION } from './response-writer.ts';
import { checkToken } from './session-token.ts';
import { signV2 } from './sigv2.ts';
import { createSigners, sameText } from './sigv4.ts';
import { checkTags, TAGS_MAX, tagsOf } from './tag-set.ts';
import { locationOf, type Target } from './target.ts';

/** A form that was read up to its file, its policy verified where it has one. */
export interface PostedForm {
  form: Form;
  /** With `bucket`, and the file's name in place of its variable. */
  fields: ReadonlyMap<string, string>;
  /** null: nobody has signed anything, and whoever has the form asks for himself. */
  policy: PostPolicy | null;
  key: AccessKey | null;
  /** Signed by version 2. */
  old: boolean;
  target: Target;
}

/** What a form says of its signature, which is one of a policy. */
const SIGNED = ['x-amz-signature', 'x-amz-credential', 'x-amz-algorithm', 'x-amz-date', 'signature', 'awsaccesskeyid'];

/** The variable that stands for the name of the file. */
const FILE_NAME = ['$', '{filename}'].join('');

export interface PostObject {
  /** Whether the request is a form's upload. */
  takes(req: IncomingMessage, target: Target): boolean;
  /** Reads the form up to its file, and says whose it is. @throws S3Error */
  open(req: IncomingMessage, res: ServerResponse, target: Target): Promise<PostedForm>;
  /** Stores the file and answers. */
  store(x: Exchange, posted: PostedForm): Promise<void>;
}

/**
 * The upload of a browser's form (AWS: "POST Object"): who signed the policy has said beforehand what anybody who holds the form may store. A form
 * without one stores what everybody may.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
export function createPostObject(deps: S3Deps, region: string): PostObject {
  const signerOf = createSigners();
  const { signatureV2: allowed = 'urls' } = deps;

  async function keyOf(fields: ReadonlyMap<string, string>): Promise<AccessKey | null> {
    const policy = fields.get('policy');
    if (policy === undefined) {
      if (SIGNED.some((name) => fields.has(name))) throw missing('policy');
      return null;
    }
    if (fields.get('x-amz-algorithm') !== 'AWS4-HMAC-SHA256') {
      if (fields.has('awsaccesskeyid') && allowed !== 'off') return keyV2(fields, policy);
      if (fields.has('awsaccesskeyid'))
        throw new S3Error(
          'InvalidRequest',
          'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
        );
      throw missing('X-Amz-Algorithm');
    }
    const [credential, date, signature] = ['X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Signature'].map((name) => {
      const value = fields.get(name.toLowerCase());
      if (value === undefined || value === '') throw missing(name);
      return value;
    }) as [string, string, string];
    const { accessKeyId, scope } = readScope(credential, 'AuthorizationQueryParametersError');
    if (scope.region !== region || !/^\d{8}T\d{6}Z$/.test(date) || !date.startsWith(scope.date)) {
      throw new S3Error(
        'AuthorizationQueryParametersError',
        `The credential is not of this region, or not of X-Amz-Date; expecting '${region}'`,
        {
          Region: region,
        },
      );
    }
    const key = await deps.authenticator.accessKey(accessKeyId);
    if (key === null) throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: accessKeyId });
    if (!sameText(signerOf(key.secret, scope).sign(policy), signature.toLowerCase())) {
      throw new S3Error('SignatureDoesNotMatch', undefined, { AWSAccessKeyId: accessKeyId, StringToSign: policy.slice(0, 4096) });
    }
    checkToken(fields.get('x-amz-security-token'), key);
    return key;
  }

  async function keyV2(fields: ReadonlyMap<string, string>, policy: string): Promise<AccessKey> {
    const accessKeyId = fields.get('awsaccesskeyid') ?? '';
    const signature = fields.get('signature');
    if (signature === undefined || signature === '') throw missing('signature');
    const key = await deps.authenticator.accessKey(accessKeyId);
    if (key === null) throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: accessKeyId });
    if (!sameText(signV2(key.secret, policy), signature))
      throw new S3Error('SignatureDoesNotMatch', undefined, { AWSAccessKeyId: accessKeyId, StringToSign: policy.slice(0, 4096) });
    checkToken(fields.get('x-amz-security-token'), key);
    return key;
  }

  return {
    takes: (req, target) => req.method === 'POST' && target.key === null && target.bucket !== null && target.query.raw === '',
    async open(req, res, target) {
      const boundary = formBoundary(req.headers['content-type']);
      if (boundary === null)
        throw new S3Error('PreconditionFailed', 'Bucket POST must be of the enclosure-type multipart/form-data', {
          Condition: 'Bucket POST must be of the enclosure-type multipart/form-data',
        });
      allowBody(req, res);
      const form = await openForm(requestBytes(req), boundary);
      const fields = new Map(form.fields);
      fields.set('bucket', target.bucket ?? '');
      const name = fields.get('key');
      if (name === undefined) throw missing('key');
      const full = name.replaceAll(FILE_NAME, () => form.file.name);
      if (full === '')
        throw new S3Error('InvalidArgument', 'User key must have a length greater than 0.', {
          ArgumentName: 'key',
          ArgumentValue: '',
        });
      assertKey(full);
      fields.set('key', full);
      const key = await keyOf(fields);
      const policy = key === null ? null : parsePolicy(fields.get('policy') ?? '');
      if (policy !== null) checkPolicy(policy, fields, deps.clock.now());
      const old = key !== null && fields.get('x-amz-algorithm') !== 'AWS4-HMAC-SHA256';
      return { form, fields, policy, key, old, target: { ...target, key: full } };
    },
    async store(x, { form, fields, policy }) {
      const headers = headersOf(fields);
      const { attributes, mtime } = readAttributes(headers);
      const tags = fields.get('tagging');
      if (tags !== undefined) attributes.tags = readTags(tags);
      const { bucket, at } = await addressOf(x);
      await allowTags(x, bucket, at, attributes);
      const upload = uploadOf(form.file.body, headers, policy);
      const output = await store(
        x,
        bucket,
        at,
        upload,
        { attributes, conditions: {}, ...lockOption(x, bucket, headers), ...(mtime === undefined ? {} : { mtime }) },
        headers,
      );
      answer(x, fields, bucket.name, at.key, output);
    },
  };
}

/** What policies may ask of a form: its fields say what headers say elsewhere, and no header of the request stands for one, as none does anything. */
export function factsOfForm(cx: RequestContext, fields: PostedForm['fields']): RequestFacts {
  const headers = headersOf(fields);
  const { remoteAddress, secure, tlsVersion, op, signatureV2 } = cx;
  return {
    remoteAddress,
    secure,
    tlsVersion,
    op,
    ...(signatureV2 === undefined ? {} : { signatureV2 }),
    header: (name) => (/^(?:x-amz|if)-/.test(name) ? (headers[name] as string | undefined) : cx.header(name)),
  };
}

/** How long the file is shows only at its end. */
function uploadOf(file: Bytes, headers: IncomingHttpHeaders, policy: PostPolicy | null): Upload {
  const length = policy?.length ?? null;
  const max = Math.min(length?.max ?? PUT_BYTES_MAX, PUT_BYTES_MAX);
  const expect: Digests = {};
  const md5 = contentMd5(headers);
  if (md5 !== null) expect.md5 = md5;
  const declared = declaredChecksum(headers);
  if (declared !== null) expect[declared.name] = declared.value;
  const digests: DigestName[] = declared === null ? [] : [declared.name];
  async function* body(): AsyncGenerator<Uint8Array> {
    let size = 0;
    for await (const piece of file) {
      size += piece.length;
      if (size > max) throw new S3Error('EntityTooLarge', undefined, { ProposedSize: size, MaxSizeAllowed: max });
      yield piece;
    }
    if (length !== null && size < length.min)
      throw new S3Error('EntityTooSmall', undefined, { ProposedSize: size, MinSizeAllowed: length.min });
  }
  return {
    body: { [Symbol.asyncIterator]: body },
    size: undefined,
    digests,
    expect: () => expect,
    checksumOf: (found) => (declared === null ? undefined : storedChecksum(declared.name, found)),
  };
}

/** These are no headers anywhere. */
const NO_HEADERS = new Set(['bucket', 'key', 'policy', 'success_action_redirect', 'redirect', 'tagging']);

/**
 * Fields say what headers say elsewhere; `acl` is x-amz-acl. As node:http gives headers: bytes as latin1 characters.
 * @throws InvalidArgument for what no answer could say again
 */
function headersOf(fields: ReadonlyMap<string, string>): IncomingHttpHeaders {
  const headers: Record<string, string> = {};
  for (const [name, value] of fields) {
    if (NO_HEADERS.has(name) || name.startsWith('x-ignore-')) continue;
    const text = Buffer.from(value).toString('latin1');
    if (!isHeader(name.startsWith('x-amz-') ? name : 'field', text)) {
      throw new S3Error('InvalidArgument', 'The name of the field, or its value, can be no header.', {
        ArgumentName: name.slice(0, 256),
      });
    }
    headers[name === 'acl' ? 'x-amz-acl' : name] = text;
  }
  return headers;
}

function readTags(xml: string): Record<string, string> {
  const root = parseXml(xml);
  const set = root.children.find(({ name }) => name === 'TagSet');
  if (root.name !== 'Tagging' || set === undefined) throw new S3Error('MalformedXML');
  const tags = set.children.map(({ children }) => {
    const text = (name: string): string | undefined => children.find((child) => child.name === name)?.text;
    const [Key, Value] = [text('Key'), text('Value')];
    return { Key, Value };
  });
  return tagsOf(checkTags(tags, TAGS_MAX));
}

function answer(x: Exchange, fields: ReadonlyMap<string, string>, bucket: string, key: string, output: Output): void {
  const { res } = x;
  const etag = String(output.ETag);
  const location = locationOf(x, bucket, key);
  const headers: Record<string, string> = { ...x.writer.headers(output), etag };
  const redirect = redirectOf(fields.get('success_action_redirect') ?? fields.get('redirect'));
  if (redirect !== null) {
    for (const [name, value] of Object.entries({ bucket, key, etag })) redirect.searchParams.append(name, value);
    res.writeHead(303, { ...headers, location: redirect.href, 'content-length': '0' }).end();
    return;
  }
  const wanted = fields.get('success_action_status');
  const status = wanted === '200' || wanted === '201' ? Number(wanted) : 204;
  if (status !== 201) {
    res.writeHead(status, { ...headers, location, ...(status === 200 ? { 'content-length': '0' } : {}) }).end();
    return;
  }
  const document = `${XML_DECLARATION}<PostResponse><Location>${escapeXml(location)}</Location><Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key><ETag>${escapeXml(etag)}</ETag></PostResponse>`;
  res.writeHead(201, { ...headers, location, 'content-type': 'application/xml', 'content-length': Buffer.byteLength(document) });
  res.end(document);
}

/** The policy's signer has allowed it; what is no address on the web is as if it were not there. */
function redirectOf(text: string | undefined): URL | null {
  if (text === undefined || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
}

function missing(name: string): S3Error {
  return new S3Error(
    'InvalidArgument',
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
    {
      ArgumentName: name,
      ArgumentValue: '',
    },
  );
}
