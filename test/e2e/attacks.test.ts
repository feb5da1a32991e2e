import { describeBrowser } from './attacks/browser-suite.ts';
import { describeProofs } from './attacks/proofs-suite.ts';
import { describeReach } from './attacks/reach-suite.ts';
import { openScene, type Scene } from './attacks/scene.ts';
import { describeTrust } from './attacks/trust-suite.ts';
import { describeWire } from './attacks/wire-suite.ts';

/** Each class of mistake that peers have shipped, tried on every door that it can touch; docs/THREAT-MODEL.md says which test is about which. */
describe('attacks, on every door', function () {
  this.timeout(180_000);
  let scene: Scene;
  before(async () => {
    scene = await openScene();
  });
  after(() => scene?.stop());

  describeProofs(() => scene);
  describeReach(() => scene);
  describeBrowser(() => scene);
  describeWire(() => scene);
  describeTrust(() => scene);
});
