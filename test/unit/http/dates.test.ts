import { expect } from 'chai';
import { createDateWriter } from '#http/dates';

describe('the date writer', () => {
  it('writes what Date does, across days, before the epoch and after the year 9999', () => {
    const dates = createDateWriter();
    const days = [0, -1, 1, 86_399_999, 86_400_000, -86_400_001, 1_795_622_008_022, 951_782_400_000, 253_402_300_800_005];
    for (const ms of [...days, ...days.toReversed()]) {
      const date = new Date(ms);
      expect(dates.iso(ms)).to.equal(date.toISOString());
      expect(dates.isoSeconds(ms)).to.equal(date.toISOString().replace(/\.\d{3}Z$/, 'Z'));
      expect(dates.imf(ms)).to.equal(date.toUTCString());
    }
  });
});
