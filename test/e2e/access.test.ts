import { describeAccounts } from './access/account-suite.ts';
import { type Callers, openCallers } from './access/callers.ts';
import { describeMethods } from './access/methods-suite.ts';
import { describeOperations } from './access/operations-suite.ts';
import { describePlaces } from './access/places-suite.ts';
import { describeRoutes } from './access/routes-suite.ts';
import { describeRules } from './access/rules-suite.ts';

/** Every kind of caller, every action and every door: one verdict. */
describe('who may what, on every door', function () {
  this.timeout(240_000);
  let callers: Callers;
  before(async () => {
    callers = await openCallers();
  });
  after(() => callers?.stop());

  describePlaces(() => callers);
  describeOperations(() => callers);
  describeRoutes(() => callers);
  describeMethods(() => callers);
  describeRules(() => callers);
  // Last: it ends sessions.
  describeAccounts(() => callers);
});
