import type { IncomingMessage } from 'node:http';
import type { Audit } from '#contracts/audit';
import type { AuditLevel, AuditOutcome } from '#core/audit';
import type { Clock } from '#core/clock';
import type { Protocol } from '#core/principal';
import type { RequestContext } from '#http/door';
import { type Exchange, loggablePath } from '#http/exchange';
import { auditClass, isRecorded } from '#observability/audit-classes';

type Recorded = Pick<Exchange, 'req' | 'op' | 'principal' | 'user' | 'remoteAddress' | 'requestId'>;

/** Every request of every door, once it has ended, as a record of the audit where it belongs into it. */
export function requestAudit({
  audit,
  level,
  clock,
}: {
  audit: Audit;
  level: AuditLevel;
  clock: Clock;
}): (exchange: Recorded, protocol: Protocol | 'web', status: number) => void {
  if (level === 'off') return () => undefined;
  return (exchange, protocol, status) => {
    const { req, op, principal, user } = exchange;
    const method = req.method ?? '';
    const credentials =
      status !== 401 ||
      principal !== undefined ||
      req.headers.authorization !== undefined ||
      /^(Login|Unlock)|[?&](?:X-Amz-)?Signature=/.test(`${op}${req.url}`);
    if (!isRecorded(level, auditClass({ protocol, op, method, status, credentials }))) return;
    const credential = principal?.credential;
    audit.record({
      at: clock.now(),
      principal: principal?.id ?? null,
      name: user ?? principal?.name ?? null,
      credential: credential === undefined ? null : `${credential.kind}:${credential.id}`,
      protocol,
      action: op === '' ? method : op,
      resource: loggablePath(req.url),
      outcome: outcomeOf(status),
      status,
      address: exchange.remoteAddress,
      requestId: exchange.requestId,
      details: null,
    });
  };
}

/** Of a connection that was taken over, and so is no exchange. */
export function recordedOf(req: IncomingMessage, { op, principal, user, remoteAddress, requestId }: RequestContext): Recorded {
  return { req, op, remoteAddress, requestId, ...(principal && { principal }), ...(user === undefined ? {} : { user }) };
}

function outcomeOf(status: number): AuditOutcome {
  if (status < 400) return 'ok';
  return status === 401 || status === 403 || status === 429 ? 'denied' : 'failed';
}
