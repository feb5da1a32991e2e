import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

/** An IPv4 address, or the /64 that one customer of an IPv6 provider has; IPv4 in IPv6 is the former. What is no address stays as it is. */
export function networkOf(remoteAddress: string): string {
  const address = plainAddress(remoteAddress);
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address).slice(0, 4);
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`;
}

/** `10.0.0.0/8`, `2001:db8::/32`, or a single address. */
export function isCidr(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined || address.includes('%')) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** A test of addresses against networks (each `isCidr`). What is no address is in none. */
export function compileNetworks(networks: readonly string[]): (remoteAddress: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return (remoteAddress) => {
    const address = plainAddress(remoteAddress);
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
}

/** Without a zone, and IPv4 in IPv6 as the former, however it is written. */
function plainAddress(remoteAddress: string): string {
  const address = remoteAddress.replace(/%.*$/, '').toLowerCase();
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(6);
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  return mapped ? [high >> 8, high & 255, low >> 8, low & 255].join('.') : address;
}

/** The eight numbers of an IPv6 address; its end may be written as IPv4. */
function groupsOf(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [front = [], back = []] = hex.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const missing = Math.max(0, 8 - front.length - back.length);
  return [...front, ...Array<string>(missing).fill('0'), ...back].map((group) => Number.parseInt(group, 16));
}
