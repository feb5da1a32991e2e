import type { Audit } from '#contracts/audit';
import type { AuditLevel, AuditOutcome } from '#core/audit';
import type { Clock } from '#core/clock';
import { loggablePath } from '#http/exchange';
import type { ListenersOptions } from '#http/server';
import { auditClass, isRecorded } from '#observability/audit-classes';

/** Every request of every door, once it has ended, as a record of the audit where it belongs into it. */
export function requestAudit({
  audit,
  level,
  clock,
}: {
  audit: Audit;
  level: AuditLevel;
  clock: Clock;
}): NonNullable<ListenersOptions['ended']> {
  if (level === 'off') return () => undefined;
  return (exchange, protocol, status) => {
    const { req, op, principal, user } = exchange;
    const method = req.method ?? '';
    const credentials =
      status !== 401 ||
      principal !== undefined ||
      req.headers.authorization !== undefined ||
      /^(Login|Unlock)|[?&]X-Amz-Signature=/.test(`${op}${req.url}`);
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

function outcomeOf(status: number): AuditOutcome {
  if (status < 400) return 'ok';
  return status === 401 || status === 403 || status === 429 ? 'denied' : 'failed';
}
