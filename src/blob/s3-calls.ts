import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { Random } from '#core/clock';
import { describeS3Location, type S3Location } from '#core/s3-location';
import { createRetry } from './retry.ts';
import { mayPass } from './s3-error.ts';

export interface S3Options {
  location: S3Location;
  random: Random;
  /** How long a call without bytes may take; a slow line has a second more for each 128 KiB. 15 s by default. */
  callMs?: number;
  /** 7 by default: with the pauses between them about 12 s of a store that refuses. Of one that does not answer it is three at most, 45 s: clients wait a minute for us. */
  attemptsMax?: number;
  pauseMs?: number;
}

/** The client's calls, each with its time and its further attempts. */
export interface S3Calls {
  bucket: string;
  prefix: string;
  /** The store, as error sentences name it. */
  where: string;
  /** @param bytes that go either way, for the time that it may take */
  send<T>(bytes: number, call: (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T>;
  close(): void;
}

const CALL_MS = 15_000;
const SILENCES_MAX = 3;
const CONNECT_MS = 5_000;
const SLOW_BYTES_A_MS = 128;
const SOCKETS_MAX = 64;

export function createS3Calls({ location, random, callMs = CALL_MS, attemptsMax = 7, pauseMs = 200 }: S3Options): S3Calls {
  const { bucket, prefix, endpoint, region, credentials } = location;
  const agent = { keepAlive: true, maxSockets: SOCKETS_MAX };
  const config: S3ClientConfig = {
    forcePathStyle: true,
    // The pauses, their chance and the time of an attempt are ours, for all calls and bodies alike.
    maxAttempts: 1,
    // Content-MD5 is what every store knows; newer checksums in trailers are refused by many.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: Math.min(CONNECT_MS, callMs), httpAgent: agent, httpsAgent: agent },
  };
  if (endpoint !== null) config.endpoint = endpoint;
  if (region !== null || endpoint !== null) config.region = region ?? 'us-east-1';
  if (credentials !== null) config.credentials = credentials;
  const client = new S3Client(config);
  const retry = createRetry({ random, attemptsMax, silencesMax: SILENCES_MAX, pauseMs, pauseMsMax: 5_000, mayPass });
  return {
    bucket,
    prefix,
    where: describeS3Location(location),
    send: (bytes, call) => retry(callMs + Math.ceil(bytes / SLOW_BYTES_A_MS), (abortSignal) => call(client, { abortSignal })),
    close() {
      retry.stop();
      client.destroy();
    },
  };
}
