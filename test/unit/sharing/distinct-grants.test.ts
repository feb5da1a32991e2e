import { expect } from 'chai';
import { GRANT_ROLES, type Grant } from '#core/grant';
import { distinctGrants } from '#sharing/distinct-grants';
import { quickDice, SEED } from '../../support/random.ts';

describe('grants of which none says what another says', () => {
  /** As it is told: each asked beside every other. */
  function asTold(grants: Grant[]): Grant[] {
    const rank = ({ role }: Grant): number => GRANT_ROLES.indexOf(role);
    const drops = ({ role }: Grant): boolean => role === 'uploader';
    return grants.filter(
      (inner, i) =>
        !grants.some(
          (outer, o) =>
            o !== i &&
            outer.bucket === inner.bucket &&
            inner.prefix.startsWith(outer.prefix) &&
            drops(outer) === drops(inner) &&
            rank(outer) >= rank(inner) &&
            (outer.prefix !== inner.prefix || rank(outer) > rank(inner) || o < i),
        ),
    );
  }

  it('are the same as when each is asked beside every other', () => {
    const { below, pick } = quickDice(SEED);
    for (let round = 0; round < 3000; round++) {
      const grants = Array.from(
        { length: below(12) },
        (_, i): Grant => ({
          subject: { kind: 'user', id: i },
          bucket: pick([1, 2]),
          prefix: Array.from({ length: below(4) }, () => pick(['a/', 'b/', 'a b/', 'a!/'])).join(''),
          role: pick(GRANT_ROLES),
        }),
      );
      expect(distinctGrants(grants)).to.deep.equal(asTold(grants), `seed ${SEED}, round ${round}`);
    }
  });
  it('are found among 200,000 in one go', () => {
    const grants = Array.from(
      { length: 200_000 },
      (_, i): Grant => ({
        subject: { kind: 'user', id: 1 },
        bucket: 1,
        prefix: `${i}/`,
        role: 'viewer',
      }),
    );
    expect(distinctGrants(grants)).to.have.length(200_000);
  });
});
