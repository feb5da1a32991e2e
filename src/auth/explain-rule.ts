import type { Rule } from '#contracts/authorizer';

/** A rule as a sentence for people. `name` is the subject's of a grant. */
export function explainRule(rule: Rule, name: (kind: string, id: number) => string): string {
  switch (rule.kind) {
    case 'admin':
      return 'An admin may everything that no policy denies.';
    case 'owner':
      return 'The bucket is its own.';
    case 'account':
      return 'Every user may do this for itself.';
    case 'grant': {
      const { subject, role, prefix } = rule.grant;
      const place = prefix === '' ? 'the whole bucket' : `the folder ${JSON.stringify(prefix)}`;
      return `The ${subject.kind} ${name(subject.kind, subject.id)} is ${role} of ${place}.`;
    }
    case 'policy': {
      if (rule.statement < 0) return 'The bucket policy cannot be read by this version, so it is taken to deny everything.';
      const sid = rule.sid === null || rule.sid === '' ? '' : ` (${rule.sid})`;
      return `Statement ${rule.statement + 1}${sid} of the bucket policy ${rule.effect === 'Allow' ? 'allows' : 'denies'} it.`;
    }
    case 'acl':
      return `The access control list of the ${rule.on} gives ${rule.permission} to ${rule.grantee}.`;
    case 'public-access-block':
      return 'The bucket policy is public, and the public access block restricts it to the owner.';
    case 'scope':
      return `The credential is limited: its ${rule.part} do not hold this.`;
    default:
      return 'Nothing allows it: no role, grant, policy or list.';
  }
}
