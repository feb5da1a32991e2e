import type { CORSRule, PutBucketCorsCommandInput } from '@aws-sdk/client-s3';
import { CORS_METHODS, type CorsRule } from '../cors.ts';
import { readDocument, writeDocument } from '../documents.ts';
import { S3Error } from '../errors.ts';
import type { Handler } from '../exchange.ts';

const RULES_MAX = 100;
const ID_CHARS_MAX = 255;

export const getBucketCors: Handler = async (x) => readDocument(x, 'cors', 'NoSuchCORSConfiguration');

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html */
export const putBucketCors: Handler<PutBucketCorsCommandInput> = async (x, input) => {
  const rules = input.CORSConfiguration?.CORSRules ?? [];
  if (rules.length === 0) throw new S3Error('MalformedXML');
  if (rules.length > RULES_MAX)
    throw new S3Error('InvalidRequest', `The number of CORS rules should not exceed allowed limit of ${RULES_MAX} rules.`);
  await writeDocument(x, 'cors', { CORSRules: rules.map(checked) });
  return {};
};

export const deleteBucketCors: Handler = async (x) => {
  await writeDocument(x, 'cors', null);
  return {};
};

function checked(rule: CORSRule): CorsRule {
  const { AllowedMethods = [], AllowedOrigins = [], AllowedHeaders = [], ExposeHeaders = [], MaxAgeSeconds = 0, ID = '' } = rule;
  if (AllowedMethods.length === 0 || AllowedOrigins.length === 0) throw new S3Error('MalformedXML');
  if (ID.length > ID_CHARS_MAX)
    throw new S3Error('InvalidRequest', `The ID of a CORS rule has at most ${ID_CHARS_MAX} characters.`);
  const method = AllowedMethods.find((one) => !CORS_METHODS.includes(one));
  if (method !== undefined)
    throw new S3Error('InvalidRequest', `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`);
  for (const [name, patterns] of [
    ['AllowedOrigin', AllowedOrigins],
    ['AllowedHeader', AllowedHeaders],
  ] as const) {
    const many = patterns.find((pattern) => pattern.indexOf('*') !== pattern.lastIndexOf('*'));
    if (many !== undefined) throw new S3Error('InvalidRequest', `${name} "${many}" can not have more than one wildcard.`);
  }
  for (const header of ExposeHeaders) {
    if (header.includes('*'))
      throw new S3Error(
        'InvalidRequest',
        `ExposeHeader "${header}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
      );
    // It becomes part of a header of ours.
    if (!/^[!#$%&'+\-.^_`|~0-9A-Za-z]+$/.test(header))
      throw new S3Error('InvalidRequest', `ExposeHeader "${header}" is not the name of a header.`);
  }
  if (MaxAgeSeconds < 0 || MaxAgeSeconds > 2_147_483_647) throw new S3Error('MalformedXML');
  return rule as CorsRule; // its lists are there
}
