import { expect } from 'chai';
import { parseIsoTime } from '#core/iso-time';

describe('times of ISO 8601', () => {
  const zone = process.env.TZ;
  after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  for (const machine of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
    it(`without a zone are in UTC on a machine in ${machine}`, () => {
      process.env.TZ = machine;
      const at = Date.UTC(2030, 0, 2, 3, 4, 5);
      expect(parseIsoTime('2030-01-02T03:04:05')).to.equal(at);
      expect(parseIsoTime('2030-01-02T03:04:05.000')).to.equal(at);
      expect(parseIsoTime('2030-01-02T03:04')).to.equal(at - 5000);
      expect(parseIsoTime('2030-01-02T03:04:05Z')).to.equal(at);
      expect(parseIsoTime('2030-01-02T04:04:05+01:00')).to.equal(at);
      expect(parseIsoTime('2030-01-02')).to.equal(Date.UTC(2030, 0, 2));
      expect(parseIsoTime('Wed, 02 Jan 2030 03:04:05 GMT')).to.equal(at);
      expect(parseIsoTime('tomorrow')).to.be.NaN;
    });
  }
});
