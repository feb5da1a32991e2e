import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import type { TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { type Behind, HIDDEN, type ProxyKind, type ReverseProxy } from '../support/proxies.ts';
import { send } from '../support/requests.ts';

export interface SmugglingScene {
  kind: ProxyKind;
  proxy: ReverseProxy;
  gateway: TestGateway;
  /** The ports behind it. */
  behind: Behind;
  /** Of the gateway's admin. */
  basic: string;
}

/** Of a connection on which nothing more comes. */
const SILENT_MS = 400;
/** Of one that is closed once it is answered: whoever waits for the answer waits for a slow machine too. */
const ANSWER_MS = 20_000;

/** A head that says twice, or in a strange way, where its body ends. `hidden` stands in the body, or behind it. */
function bodies(hidden: string): Record<string, string> {
  const chunk = `${hidden.length.toString(16)}\r\n`;
  const cases: Record<string, string> = {};
  const encodings: Record<string, string> = {
    chunked: 'Transfer-Encoding: chunked',
    'in capitals': 'TRANSFER-ENCODING: CHUNKED',
    'none that there is': 'Transfer-Encoding: xchunked',
    'a space before the colon': 'Transfer-Encoding : chunked',
    'a tab': 'Transfer-Encoding:\tchunked',
    'a vertical tab': 'Transfer-Encoding:\x0bchunked',
    'a zero byte': 'Transfer-Encoding: chunked\0',
    folded: 'Transfer-Encoding:\r\n chunked',
    'folded to the line before': 'X: y\r\n Transfer-Encoding: chunked',
    'behind a bare line feed': 'X: y\nTransfer-Encoding: chunked',
    'behind a bare carriage return': 'X: y\rTransfer-Encoding: chunked',
    'and another': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'another before': 'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
    'in a list': 'Transfer-Encoding: chunked, identity',
    'last in a list': 'Transfer-Encoding: gzip, chunked',
    quoted: 'Transfer-Encoding: "chunked"',
    'with an underscore': 'Transfer_Encoding: chunked',
    'named by the connection': 'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked',
  };
  for (const [what, head] of Object.entries(encodings)) {
    cases[`length before encoding, ${what}`] = `Content-Length: ${hidden.length + 5}\r\n${head}\r\n\r\n0\r\n\r\n${hidden}`;
    cases[`encoding before length, ${what}`] = `${head}\r\nContent-Length: ${chunk.length}\r\n\r\n${chunk}${hidden}\r\n0\r\n\r\n`;
  }
  const lengths: Record<string, string> = {
    'no length': 'X: y',
    nothing: 'Content-Length: 0',
    'nothing, then all': `Content-Length: 0\r\nContent-Length: ${hidden.length}`,
    'all, then nothing': `Content-Length: ${hidden.length}\r\nContent-Length: 0`,
    'a list': `Content-Length: 0, ${hidden.length}`,
    'a sign': `Content-Length: +${hidden.length}`,
    negative: `Content-Length: -1`,
    hexadecimal: `Content-Length: 0x${hidden.length.toString(16)}`,
    'a space in it': `Content-Length: 0 ${hidden.length}`,
    'a space before the colon': `Content-Length : ${hidden.length}`,
    folded: `Content-Length: 0\r\n ${hidden.length}`,
    'with an underscore': `Content_Length: ${hidden.length}`,
    'named by the connection': `Connection: Content-Length\r\nContent-Length: ${hidden.length}`,
    'to be continued': `Expect: 100-continue\r\nContent-Length: ${hidden.length}`,
    'to be continued, in a strange way': `Expect: y 100-continue\r\nContent-Length: ${hidden.length}`,
    'an upgrade of HTTP': `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__`,
    'an upgrade that is none': `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 7\r\nSec-WebSocket-Key: eA==`,
  };
  for (const [what, head] of Object.entries(lengths)) cases[`length, ${what}`] = `${head}\r\n\r\n${hidden}`;
  for (const size of ['0x0', '-0', '+0', '0 ', ' 0', '00000000000000000', '10000000000000000', '0;a="\r\n"', '0;\n', '', 'G']) {
    cases[`chunk of ${JSON.stringify(size)}`] = `Transfer-Encoding: chunked\r\n\r\n${size}\r\n\r\n${hidden}`;
  }
  for (const end of ['\n', '\r', '', 'xx']) {
    cases[`chunk that ends with ${JSON.stringify(end)}`] = `Transfer-Encoding: chunked\r\n\r\n1\r\nx${end}0\r\n\r\n${hidden}`;
  }
  return cases;
}

/** Requests that are one to the proxy and would be two to the gateway. The proxy answers whatever asks for the hidden path itself: what of that arrives was smuggled past it. */
export function describeSmuggling(scene: () => SmugglingScene): void {
  it('smuggling: no body carries a request past the proxy, and nobody gets the answer to another’s', async () => {
    const { kind, proxy, gateway, behind, basic } = scene();
    const [web, s3] = [behind.webPort, behind.s3Port].map((port) => `http://127.0.0.1:${port}`);
    const authorization = `Authorization: ${basic}`;
    let count = 0;
    const doors = {
      web: {
        hidden: (): [string, string] => [`/dav/home/${kind}-${HIDDEN}-${++count}`, authorization],
        fronts: [
          `PUT /dav/home/${kind}-front HTTP/1.1\r\n${authorization}`,
          `GET /dav/home/${kind}-own-0 HTTP/1.1\r\n${authorization}`,
          'POST /api/v1/auth/login HTTP/1.1',
          'GET /ws HTTP/1.1',
        ],
      },
      s3: {
        hidden: (): [string, string] => {
          const url = new URL(presign('PUT', `${proxy.s3}/${gateway.bucket}/${kind}-${HIDDEN}-${++count}`, gateway, new Date()));
          return [url.pathname + url.search, 'X: y'];
        },
        fronts: [`PUT /${gateway.bucket}/${kind}-front HTTP/1.1`, `GET /${gateway.bucket}/${kind}-own-0 HTTP/1.1`],
      },
    };
    const put = async (key: string): Promise<void> => {
      const url = `${web}/dav/home/${key}`;
      expect((await send('PUT', url, { headers: { authorization: basic }, body: key })).status).to.be.oneOf([201, 204]);
    };
    for (let n = 0; n < 8; n++) await put(`${kind}-own-${n}`);
    const hiddenKeys = async (): Promise<string[]> => {
      const url = `${web}/api/v1/files/home/`;
      const { entries } = JSON.parse((await send('GET', url, { headers: { authorization: basic } })).body.toString());
      return (entries as { key: string }[]).map(({ key }) => key).filter((key) => key.startsWith(`${kind}-${HIDDEN}`));
    };

    const tried = new Map<string, string>();
    for (const [door, { hidden, fronts }] of Object.entries(doors)) {
      const origin = new URL(door === 's3' ? proxy.s3 : proxy.web);
      const request = (path: string, head: string): string =>
        `PUT ${path} HTTP/1.1\r\nHost: ${origin.host}\r\n${head}\r\nContent-Length: 1\r\n\r\nx`;
      // The proxy keeps it to itself, and the gateway would take it.
      const [path, head] = hidden();
      expect(statusesIn(await talk(origin, request(path, `${head}\r\nConnection: close`), ANSWER_MS))).to.deep.equal([403]);
      expect(await hiddenKeys()).to.deep.equal([]);
      const direct = `${door === 's3' ? s3 : web}/`;
      const headers = { host: origin.host, ...(door === 's3' ? {} : { authorization: basic }) };
      expect((await send('PUT', direct, { path, headers, body: 'x' })).status).to.be.within(200, 201);
      expect(await hiddenKeys()).to.have.length(1);
      await send('DELETE', `${web}/dav/home/${(await hiddenKeys())[0]}`, { headers: { authorization: basic } });

      const all = fronts.flatMap((front) =>
        Object.keys(bodies('')).map((what) => {
          const [path, head] = hidden();
          tried.set(`${kind}-${HIDDEN}-${count}`, `${door}: ${front.slice(0, 40)}: ${what}`);
          const body = bodies(request(path, head))[what];
          return `${front}\r\nHost: ${origin.host}\r\n${body}`;
        }),
      );
      for (let at = 0; at < all.length; at += 100) await Promise.all(all.slice(at, at + 100).map((bytes) => talk(origin, bytes)));
      expect((await hiddenKeys()).map((key) => tried.get(key))).to.deep.equal([]);
    }
    const own = Array.from({ length: 32 }, (_, n) => `${kind}-own-${n % 8}`);
    const answers: string[] = [];
    for (const key of own) {
      const asked = `GET /dav/home/${key} HTTP/1.1\r\nHost: ${new URL(proxy.web).host}\r\n${authorization}\r\nConnection: close\r\n\r\n`;
      answers.push((await talk(new URL(proxy.web), asked, ANSWER_MS)).split('\r\n\r\n')[1] ?? '');
    }
    for (const [n, key] of own.entries()) expect(answers[n], `answer ${n}`).to.include(key);
  });
}

/** What is said on a connection of its own until the proxy ends it, or has said nothing for long. */
function talk({ hostname, port }: URL, bytes: string, silentMs = SILENT_MS): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: hostname, port: Number(port), servername: 'localhost', rejectUnauthorized: false });
    let said = '';
    socket.on('data', (data) => (said += data.toString('latin1')));
    socket.on('error', () => undefined);
    socket.setTimeout(silentMs, () => socket.destroy());
    socket.once('close', () => resolve(said));
    socket.once('secureConnect', () => socket.write(Buffer.from(bytes, 'latin1')));
  });
}

function statusesIn(said: string): number[] {
  return [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
}
