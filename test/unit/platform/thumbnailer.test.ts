import { expect } from 'chai';
import { createThumbnailer } from '../../../src/thumbnailer.ts';
import { quiet } from '../../support/database.ts';

const program = new URL('../../support/thumbnail-child.ts', import.meta.url);

describe('the process that makes thumbnails', () => {
  const picture = Buffer.from('a picture');

  it('is one, also after one picture took too long and another one had to be begun', async () => {
    const maker = createThumbnailer({ log: quiet, jobMs: 1_500, program });
    const made = [Buffer.from('for ever'), picture, picture, picture].map((image) => maker.make(image, 256));
    const [none, ...others] = (await Promise.all(made)).map((thumbnail) => thumbnail?.toString() ?? null);
    expect(none).to.equal(null);
    expect(others.join(' ')).to.match(/^\d+ \d+ \d+$/);
    expect(new Set(others).size, others.join(' ')).to.equal(1);
    await maker.close();
  });

  it('gets no picture while it ends, for what it does not make would count as none for good', async () => {
    const maker = createThumbnailer({ log: quiet, jobMs: 1_500, idleMs: 10, program });
    const first = String(await maker.make(picture, 256));
    await new Promise((later) => setTimeout(later, 100)); // it has been told to end, and takes its time
    const second = String(await maker.make(picture, 256));
    expect(second).to.match(/^\d+$/);
    expect(second).to.not.equal(first);
    await maker.close();
  });
});
