import type { PutBucketWebsiteCommandInput, RoutingRule, WebsiteConfiguration } from '@aws-sdk/client-s3';
import { readDocument, writeDocument } from '../documents.ts';
import { S3Error } from '../errors.ts';
import type { Handler } from '../exchange.ts';

const RULES_MAX = 50;

export const getBucketWebsite: Handler = async (x) => readDocument(x, 'website', 'NoSuchWebsiteConfiguration');

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html */
export const putBucketWebsite: Handler<PutBucketWebsiteCommandInput> = async (x, input) => {
  const site = input.WebsiteConfiguration ?? {};
  check(site);
  await writeDocument(x, 'website', site);
  return {};
};

export const deleteBucketWebsite: Handler = async (x) => {
  await writeDocument(x, 'website', null);
  return {};
};

function check(site: WebsiteConfiguration): void {
  const { RedirectAllRequestsTo: all, IndexDocument, ErrorDocument, RoutingRules } = site;
  if (all !== undefined) {
    if (IndexDocument !== undefined || ErrorDocument !== undefined || RoutingRules !== undefined)
      throw new S3Error('InvalidRequest', 'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.');
    if (all.HostName === undefined || all.HostName === '') throw new S3Error('MalformedXML');
    checkHost(all.HostName);
    checkProtocol(all.Protocol);
    return;
  }
  if (IndexDocument === undefined)
    throw new S3Error('InvalidArgument', 'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty', {
      ArgumentName: 'IndexDocument',
      ArgumentValue: 'null',
    });
  const { Suffix = '' } = IndexDocument;
  if (Suffix === '' || Suffix.includes('/'))
    throw new S3Error('InvalidArgument', 'The IndexDocument Suffix is not well formed', {
      ArgumentName: 'IndexDocument',
      ArgumentValue: Suffix,
    });
  if (ErrorDocument !== undefined && (ErrorDocument.Key ?? '') === '') throw new S3Error('MalformedXML');
  if (RoutingRules === undefined) return;
  if (RoutingRules.length === 0) throw new S3Error('MalformedXML');
  if (RoutingRules.length > RULES_MAX)
    throw new S3Error(
      'InvalidRequest',
      `${RoutingRules.length} routing rules provided, the number of routing rules in a website configuration is limited to ${RULES_MAX}.`,
    );
  for (const rule of RoutingRules) checkRule(rule);
}

function checkRule({ Condition, Redirect = {} }: RoutingRule): void {
  if (Condition !== undefined) {
    const { HttpErrorCodeReturnedEquals: code, KeyPrefixEquals: prefix } = Condition;
    if (code === undefined && prefix === undefined)
      throw new S3Error(
        'InvalidRequest',
        'Condition cannot be empty. To redirect all requests without a condition, the condition element should not be present.',
      );
    if (code !== undefined && !/^[45]\d\d$/.test(code))
      throw new S3Error(
        'InvalidRequest',
        `The provided HTTP error code (${code.slice(0, 20)}) is not valid. Valid codes are 4XX or 5XX.`,
      );
  }
  const { HostName, HttpRedirectCode, Protocol, ReplaceKeyPrefixWith, ReplaceKeyWith } = Redirect;
  if ([HostName, HttpRedirectCode, Protocol, ReplaceKeyPrefixWith, ReplaceKeyWith].every((one) => one === undefined))
    throw new S3Error('MalformedXML');
  if (ReplaceKeyPrefixWith !== undefined && ReplaceKeyWith !== undefined)
    throw new S3Error('InvalidRequest', 'You can only define ReplaceKeyPrefix or ReplaceKey but not both.');
  if (HttpRedirectCode !== undefined && !/^3(0[1-35-8])$/.test(HttpRedirectCode))
    throw new S3Error(
      'InvalidRequest',
      `The provided HTTP redirect code (${HttpRedirectCode.slice(0, 20)}) is not valid. Valid codes are 3XX except 300.`,
    );
  if (HostName !== undefined) checkHost(HostName);
  checkProtocol(Protocol);
}

/** It becomes part of a Location. */
function checkHost(host: string): void {
  if (!/^[A-Za-z0-9._[\]:/~-]{1,255}$/.test(host))
    throw new S3Error('InvalidRequest', 'The HostName of a redirect is not valid.');
}

function checkProtocol(protocol: string | undefined): void {
  if (protocol !== undefined && protocol !== 'http' && protocol !== 'https')
    throw new S3Error(
      'InvalidRequest',
      'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.',
    );
}
