import { type DestinationStream, destination, type Logger as Pino, pino, stdSerializers, stdTimeFunctions } from 'pino';
import type { Logger } from '#contracts/observability';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  level: LogLevel;
  /** Where the lines go; stderr when absent, because stdout carries data and the ready line. */
  stream?: DestinationStream;
}

/** Fields that never reach a line, whoever logs them, at the top and one level down (headers, connection options). */
const SECRETS = [
  'authorization',
  'cookie',
  'password',
  'passwordHash',
  'secret',
  'secretAccessKey',
  'sessionToken',
  'token',
  'accessToken',
  'refreshToken',
  'masterKey',
  'setupToken',
  'connectionString',
];

/**
 * One JSON line an event, to stderr: `level` by name, `time` in ISO 8601, errors under `err` with stack and causes. Lines are written
 * synchronously, so that what was logged before a crash is there after it; the hot path logs at debug, which is off by default.
 */
export function createLogger(options: LoggerOptions): Logger {
  return wrap(
    pino(
      {
        level: options.level,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
        serializers: { err: serializeError, error: serializeError },
        redact: { paths: [...SECRETS, ...SECRETS.map((name) => `*.${name}`)], censor: '(secret)' },
      },
      options.stream ?? destination({ dest: 2, sync: true }),
    ),
  );
}

function wrap(log: Pino): Logger {
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    child: (fields) => wrap(log.child(fields)),
    isLevelEnabled: (level) => log.isLevelEnabled(level),
  };
}

/** Drivers hang whole connections on their errors (with passwords): type, code, text, stack and cause are what a log needs. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = stdSerializers.errWithCause(error);
  const code = 'code' in error ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: serializeError(error.cause) };
  return { type, message: withoutPasswords(message), ...code, stack: withoutPasswords(stack), ...cause };
}

/** `postgres://user:secret@host` in an error's text. */
function withoutPasswords(text: string): string {
  return text.replace(/(\w+:\/\/[^\s:/@]*):[^\s@/]+@/g, '$1:(secret)@');
}
