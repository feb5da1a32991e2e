import { expect } from 'chai';
import { compileNetworks, isCidr, networkOf } from '#core/network';

describe('networks of a credential', () => {
  it('are addresses and CIDR, and nothing else', () => {
    for (const good of ['10.0.0.0/8', '192.0.2.1', '0.0.0.0/0', '2001:db8::/32', '::1', '::/0'])
      expect(isCidr(good), good).to.equal(true);
    for (const bad of [
      '',
      '10.0.0.0/33',
      '10.0.0/8',
      '2001:db8::/129',
      'fe80::1%eth0',
      '10.0.0.0/8/8',
      '10.0.0.0/',
      'host',
      '10.0.0.0/-1',
    ]) {
      expect(isCidr(bad), bad).to.equal(false);
    }
  });

  it('hold addresses as node and proxies write them', () => {
    const within = compileNetworks(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);
    for (const inside of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', '2001:db8:ffff::1', '2001:DB8::1'])
      expect(within(inside), inside).to.equal(true);
    for (const outside of ['11.0.0.1', '192.0.2.8', '::ffff:11.0.0.1', '2001:db9::1', '::1', '', 'unknown', '10.1.2.3.evil']) {
      expect(within(outside), outside).to.equal(false);
    }
  });
});

describe('the network of an address', () => {
  it('is an IPv4 address, however it is written, or the /64 of an IPv6 one', () => {
    const networks = {
      '192.0.2.1': '192.0.2.1',
      '::ffff:192.0.2.1': '192.0.2.1',
      '::ffff:c000:201': '192.0.2.1',
      '::FFFF:C000:0201': '192.0.2.1',
      '0:0:0:0:0:ffff:c000:201': '192.0.2.1',
      '0000:0000:0000:0000:0000:ffff:192.0.2.1': '192.0.2.1',
      '2001:db8:1:2::1': '2001:db8:1:2::/64',
      '2001:0DB8:0001:0002:ffff::9': '2001:db8:1:2::/64',
      '2001:db8::1': '2001:db8:0:0::/64',
      '64:ff9b::192.0.2.1': '64:ff9b:0:0::/64',
      'fe80::1%eth0': 'fe80:0:0:0::/64',
      '::1': '0:0:0:0::/64',
      unknown: 'unknown',
    };
    for (const [address, network] of Object.entries(networks)) expect(networkOf(address), address).to.equal(network);
  });
});
