import { BlockList, isIP } from 'node:net';

/** What is not the public internet: private, local, reserved, for documentation, multicast (IANA's special-purpose registries). */
const IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;
/** Only 2000::/3 is given out; of it, what is special, or carries an IPv4 address that could be any. */
const IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

/** Tells addresses of the public internet from all others, in whichever way they are written. */
export function createPublicAddressTest(): (address: string) => boolean {
  const special = new BlockList();
  for (const [network, bits] of IPV4) special.addSubnet(network, bits, 'ipv4');
  for (const [network, bits] of IPV6) special.addSubnet(network, bits, 'ipv6');
  const global = new BlockList();
  global.addSubnet('2000::', 3, 'ipv6');
  return (address) => {
    const family = isIP(address);
    if (family === 4) return !special.check(address, 'ipv4');
    // An IPv4 address in IPv6 clothes (::ffff:10.0.0.1, 64:ff9b::) is outside 2000::/3.
    return family === 6 && !address.includes('%') && global.check(address, 'ipv6') && !special.check(address, 'ipv6');
  };
}
