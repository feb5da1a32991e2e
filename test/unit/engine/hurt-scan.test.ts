import { expect } from 'chai';
import type { HurtFile } from '#contracts/integrity-store';
import { createHurtScan } from '#engine/hurt-scan';

describe('the look for files that damage hurts', () => {
  function rig(tookMs: number) {
    const state = { now: 1_000, damaged: 1, looks: 0, by: ['chunk:1:aa'], gate: null as Promise<void> | null };
    const file = (): HurtFile => ({
      ...{ bucket: 1, bucketName: 'home', key: 'a', version: String(state.looks), current: true, deleted: false, size: 1 },
      by: state.by,
    });
    const scan = createHurtScan({
      clock: { now: () => state.now },
      rows: {
        damageCount: async () => state.damaged,
        async *hurt() {
          state.looks += 1;
          await state.gate;
          yield Array.from({ length: 7 }, file);
          state.now += tookMs;
        },
      },
    });
    return { state, scan };
  }

  it('counts all files of each thing, and keeps the first few', async () => {
    const { scan } = rig(0);
    const { by, files } = await scan();
    expect(by.get('chunk:1:aa')).to.deep.include({ count: 7 });
    expect(by.get('chunk:1:aa')?.files).to.have.length(5);
    expect(files).to.have.length(7);
  });

  it('tells its answer again for twenty times as long as it took', async () => {
    const { state, scan } = rig(50);
    await scan();
    state.now += 20 * 50 - 1;
    await scan();
    expect(state.looks).to.equal(1);
    state.now += 1;
    await scan();
    expect(state.looks).to.equal(2);
  });

  it('looks anew when something was healed, or is asked about that it has not seen', async () => {
    const { state, scan } = rig(1_000);
    await scan();
    state.damaged = 2;
    await scan();
    expect(state.looks).to.equal(2);
    await scan(state.now + 1);
    expect(state.looks).to.equal(3);
  });

  it('is one look for all who ask meanwhile', async () => {
    const { state, scan } = rig(1);
    const gate = Promise.withResolvers<void>();
    state.gate = gate.promise;
    const asked = [scan(), scan(), scan()];
    gate.resolve();
    await Promise.all(asked);
    expect(state.looks).to.equal(1);
  });
});
