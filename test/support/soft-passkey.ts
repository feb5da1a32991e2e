import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A passkey in software: what a browser and its authenticator do together (WebAuthn level 2, §6 and §7), for ES256 and no attestation. */
export function softPasskey(origin: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(32);
  const jwk = publicKey.export({ format: 'jwk' });
  let counter = 0;

  const clientData = (type: string, challenge: string, from: string): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin: from, crossOrigin: false }));
  function authenticatorData(rpId: string, flags: number, attested = Buffer.alloc(0)): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(++counter);
    return Buffer.concat([createHash('sha256').update(rpId).digest(), Buffer.of(flags), count, attested]);
  }

  return {
    id: id.toString('base64url'),
    // biome-ignore lint/suspicious/noExplicitAny: options as they come over the wire
    register(options: any, from = origin): object {
      const cose = cborMap([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(jwk.x ?? '', 'base64url')],
        [-3, Buffer.from(jwk.y ?? '', 'base64url')],
      ]);
      const attested = Buffer.concat([Buffer.alloc(16), Buffer.of(0, id.length), id, cose]);
      // Present, verified, with a new credential.
      const authData = authenticatorData(options.rp.id, 0x45, attested);
      const attestationObject = cborMap([
        ['fmt', 'none'],
        ['attStmt', cborMap([])],
        ['authData', authData],
      ]);
      return wrap({
        clientDataJSON: clientData('webauthn.create', options.challenge, from).toString('base64url'),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal'],
      });
    },
    // biome-ignore lint/suspicious/noExplicitAny: options as they come over the wire
    login(options: any, { from = origin, flags = 0x05 }: { from?: string; flags?: number } = {}): object {
      const json = clientData('webauthn.get', options.challenge, from);
      const authData = authenticatorData(options.rpId, flags);
      const signature = sign('sha256', Buffer.concat([authData, createHash('sha256').update(json).digest()]), privateKey);
      return wrap({
        clientDataJSON: json.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: signature.toString('base64url'),
      });
    },
  };

  function wrap(response: object): object {
    const name = id.toString('base64url');
    return { id: name, rawId: name, type: 'public-key', response, clientExtensionResults: {} };
  }
}

/** RFC 8949: just maps of small integers, short texts and byte strings. A Buffer that is a map already goes in as it is when it says so. */
const MAPS = new WeakSet<Buffer>();
function cborMap(entries: [string | number, string | number | Buffer][]): Buffer {
  const map = Buffer.concat([head(5, entries.length), ...entries.flatMap(([key, value]) => [cbor(key), cbor(value)])]);
  MAPS.add(map);
  return map;
}

function cbor(value: string | number | Buffer): Buffer {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  return MAPS.has(value) ? value : Buffer.concat([head(2, value.length), value]);
}

function head(major: number, n: number): Buffer {
  if (n < 24) return Buffer.of((major << 5) | n);
  return n < 256 ? Buffer.of((major << 5) | 24, n) : Buffer.of((major << 5) | 25, n >> 8, n & 255);
}
