import { expect } from 'chai';
import { dates, numbers } from '../../../web/src/i18n/formatters.ts';

describe('the formatters of the page', () => {
  const zone = process.env.TZ;
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it('are made once for each language and way of writing', () => {
    const digits = { maximumFractionDigits: 1 };
    expect(numbers('en', digits)).to.equal(numbers('en', { ...digits }));
    expect(numbers('en', digits).format(1.25)).to.equal('1.3');
    expect(numbers('de', digits).format(1.25)).to.equal('1,3');
    expect(numbers('en', {}).format(1.25)).to.equal('1.25');
  });

  it('follow a computer that travels', () => {
    const noon = Date.UTC(2026, 0, 1, 12);
    const written = (): string => dates('en-GB', { hour: 'numeric', minute: '2-digit' }).format(noon);
    process.env.TZ = 'Europe/Berlin';
    expect(written()).to.equal('13:00');
    process.env.TZ = 'Asia/Tokyo';
    expect(written()).to.equal('21:00');
  });
});
