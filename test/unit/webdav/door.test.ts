import { expect } from 'chai';
import { describeDoor } from './door-suite.ts';
import { serveDoor } from './serve-door.ts';

describeDoor('a namespace in memory', serveDoor);

describe('WebDAV: refusals of the authenticator', () => {
  it('says 429 to a flood of wrong passwords, and when to come back', async () => {
    const server = await serveDoor();
    const { status, headers } = await server.send('GET', '/dav/home/x', {}, '', 'flood');
    await server.close();
    expect([status, headers['retry-after']]).to.deep.equal([429, '30']);
  });
});
