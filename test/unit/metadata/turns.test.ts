import { expect } from 'chai';
import { type MetadataRig, openMetadataRig } from '../../support/metadata-rig.ts';

describe('turns', () => {
  let rig: MetadataRig;
  before(async function () {
    this.timeout(120_000);
    rig = await openMetadataRig('two gateways');
  });
  after(() => rig.close());

  it('are taken one after the other over all gateways, by name, and go on after one that failed', async () => {
    const under = new Map<string, number>();
    const most = new Map<string, number>();
    const failed: string[] = [];
    const work = (name: string, fails: boolean) => async () => {
      under.set(name, (under.get(name) ?? 0) + 1);
      most.set(name, Math.max(most.get(name) ?? 0, under.get(name) ?? 0));
      await new Promise((resolve) => setTimeout(resolve, 2));
      under.set(name, (under.get(name) ?? 0) - 1);
      if (fails) throw Object.assign(new Error('as it happens'), { details: { retry: true } });
    };
    await Promise.all(
      Array.from({ length: 24 }, (_, n) => {
        const name = `place ${(n >> 1) % 2}`;
        return rig.gateways[n % 2]!.turns.take(name, work(name, n % 5 === 0)).catch((error: Error) => failed.push(error.message));
      }),
    );
    expect([...most]).to.have.deep.members([
      ['place 0', 1],
      ['place 1', 1],
    ]);
    expect(failed).to.deep.equal(Array(5).fill('as it happens'));
  });
});
