import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Where a request came from, and how it was addressed, seen through the proxies we trust. */
export interface Origin {
  remoteAddress: string;
  secure: boolean;
  /** The connection by which the client itself speaks TLS to us; null: it does not, or there is a proxy in between that does it. */
  tls: TLSSocket | null;
  /** `Host`, or what a trusted proxy says it was. */
  host: string | undefined;
}

export interface TrustedProxies {
  origin(req: IncomingMessage): Origin;
}

/**
 * X-Forwarded-For is believed from its right end, as long as each hop is trusted: what stands left of the first
 * stranger is the stranger's invention. X-Forwarded-Proto and -Host count when the peer itself is trusted.
 * @param networks addresses or CIDR networks
 */
export function createTrustedProxies(networks: readonly string[]): TrustedProxies {
  const trusted = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (address: string): boolean => address !== '' && trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

  return {
    origin(req) {
      // A request that was destroyed has no socket any more.
      const socket = req.socket as IncomingMessage['socket'] | null;
      const peer = plainAddress(socket?.remoteAddress ?? '');
      const tls = socket !== null && 'encrypted' in socket ? (socket as TLSSocket) : null;
      const direct = { remoteAddress: peer, secure: tls !== null, tls, host: req.headers.host };
      if (networks.length === 0 || peer === '' || !isTrusted(peer)) return direct;
      const hops = listed(req.headers['x-forwarded-for']).map(plainAddress);
      let client = peer;
      for (let hop = hops.pop(); hop !== undefined && hop !== ''; hop = hops.pop()) {
        client = hop;
        if (!isTrusted(hop)) break;
      }
      const proto = listed(req.headers['x-forwarded-proto']).pop();
      return {
        remoteAddress: client,
        tls: client === peer && proto === undefined ? tls : null,
        secure: proto === undefined ? direct.secure : proto.toLowerCase() === 'https',
        host: listed(req.headers['x-forwarded-host']).pop() ?? direct.host,
      };
    },
  };
}

function listed(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(',') : header;
  return text === undefined ? [] : text.split(',').map((part) => part.trim());
}

/** Without the IPv6 dress of an IPv4 address, brackets and port. */
function plainAddress(text: string): string {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  return bare.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
