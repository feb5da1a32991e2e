import { expect } from 'chai';
import { WebSocket } from 'ws';
import { CHANNEL_ACTIONS } from '#protocols/ws/actions';
import { CHANNELS } from '#protocols/ws/messages';
import { ASKED, type Asked, type Caller, type Callers, EVERYWHERE, EXPECTED, expectOk } from './callers.ts';

type Verdict = 'yes' | 'no';
type Doors = Record<'S3' | 'WebDAV' | 'REST', (caller: Caller, asked: Asked, folder: string) => Promise<Verdict>>;

/** What everybody may in one folder and beside it, asked by every door in its own way. */
export function describePlaces(scene: () => Callers): void {
  const doors = doorsOf(scene);

  for (const [kind, expected] of Object.entries(EXPECTED)) {
    it(`${kind}: the same verdicts by S3, WebDAV and REST`, async () => {
      const caller = scene().of(kind);
      for (const folder of ['place/', 'beside/']) {
        for (const asked of ASKED) {
          const wanted: Verdict = (folder === 'place/' || EVERYWHERE.has(kind)) && expected.includes(asked) ? 'yes' : 'no';
          for (const [name, ask] of Object.entries(doors)) {
            // A folder is looked at before it is listed, and a file before it is copied: what WebDAV and REST say of one needs `read` as well.
            expect(await ask(caller, asked, folder), `${name}: ${asked} in ${folder}`).to.equal(wanted);
          }
        }
      }
    });
  }

  it('WebDAV tells of rights what every door then does, and lets nobody set lists, tags or rights', async () => {
    const ask = '<propfind xmlns="DAV:"><prop><current-user-privilege-set/></prop></propfind>';
    const set = (property: string) =>
      `<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop>${property}</d:prop></d:set></d:propertyupdate>`;
    const send = (caller: Caller, method: string, body: string) =>
      fetch(`${scene().gateway.webdavUrl}matrix-b/place/a`, {
        method,
        headers: { ...(caller.basic && { authorization: caller.basic }), depth: '0' },
        body,
      });
    for (const [kind, expected] of Object.entries(EXPECTED)) {
      const caller = scene().of(kind);
      const told = await send(caller, 'PROPFIND', ask);
      const text = await told.text();
      expect(told.status, kind).to.equal(expected.includes('read') ? 207 : told.status === 207 ? 0 : told.status);
      expect(text.includes('write-content'), kind).to.equal(expected.includes('read') && expected.includes('overwrite'));
      for (const property of ['<d:acl/>', '<d:current-user-privilege-set/>', '<d:owner><d:href>/x</d:href></d:owner>'])
        expect(await (await send(caller, 'PROPPATCH', set(property))).text(), `${kind} ${property}`).to.not.contain('200 OK');
      expect((await send(caller, 'ACL', '<d:acl xmlns:d="DAV:"/>')).status, kind).to.be.within(400, 501);
    }
    const before = await (await scene().rest('GET', '/access/matrix-b/place/', scene().of('owner').basic)).text();
    expect(before).to.contain('viewer').and.to.not.contain('surprise');
  });

  it('the stream of events is for who may list', async () => {
    for (const [kind, expected] of Object.entries(EXPECTED)) {
      const { token } = scene().of(kind);
      if (token === null) continue;
      const follow = (prefix: string) => say(token, { type: 'subscribe', bucket: 'matrix-b', prefix, id: 's' });
      expect(await follow('place/'), kind).to.equal(expected.includes('list') ? 'yes' : 'no');
      if (!EVERYWHERE.has(kind)) expect(await follow('beside/'), kind).to.equal('no');
      for (const channel of CHANNELS) {
        const asks = CHANNEL_ACTIONS[channel];
        // Who has no session is told nothing at all.
        const wanted = 'none' in asks ? await admitted(token) : kind === 'admin' ? 'yes' : 'no';
        expect(await say(token, { type: 'watch', channel }), `${kind}: ${channel}`).to.equal(wanted);
      }
    }
  });

  const admitted = (token: string): Promise<Verdict> => say(token, { type: 'ping' });

  function say(token: string, message: object): Promise<Verdict> {
    const socket = new WebSocket(`${scene().gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`);
    return new Promise<Verdict>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => socket.send(JSON.stringify({ type: 'auth', token })));
      socket.on('message', (data) => {
        const { type } = JSON.parse(String(data)) as { type: string };
        if (type === 'ready') socket.send(JSON.stringify(message));
        else resolve(type === 'error' ? 'no' : 'yes');
      });
    }).finally(() => socket.close());
  }
}

/** Each door's way to ask; what is overwritten, deleted or copied is there, what is added is new. */
export function doorsOf(scene: () => Callers): Doors {
  const verdictOf = (status: number): Verdict => {
    expect(status, 'an answer, not a fault').to.be.below(500);
    // Who guesses too often has to wait, and has not got in either.
    return [401, 403, 404, 429].includes(status) ? 'no' : 'yes';
  };
  let serial = 0;

  const doors: Doors = {
    async S3(caller, asked, folder) {
      const { s3 } = caller;
      const auth = caller.basic === null ? { auth: 'none' as const } : {};
      const at = (key: string) => `/matrix-b/${folder}${key}`;
      const own = await fresh(asked, folder);
      // AWS tells of what has expired by 400.
      const told = ({ status, text }: { status: number; text: string }): Verdict =>
        text.includes('<Code>ExpiredToken</Code>') ? 'no' : verdictOf(status);
      switch (asked) {
        case 'read':
          return told(await s3.send('GET', at('a'), auth));
        case 'list':
          return told(await s3.send('GET', '/matrix-b', { ...auth, query: { prefix: folder } }));
        case 'delete':
          return told(await s3.send('DELETE', at(own), auth));
        case 'copy':
          return told(await s3.send('PUT', at(`${own}-copy`), { ...auth, headers: { 'x-amz-copy-source': at('a') } }));
        default:
          return told(await s3.send('PUT', at(own), { ...auth, body: 'y' }));
      }
    },
    async WebDAV(caller, asked, folder) {
      const own = await fresh(asked, folder);
      const send = async (method: string, key: string, headers: Record<string, string> = {}, body?: string) => {
        const answer = await fetch(`${scene().gateway.webdavUrl}matrix-b/${folder}${key}`, {
          method,
          headers: { ...(caller.basic && { authorization: caller.basic }), ...headers },
          ...(body === undefined ? {} : { body }),
        });
        await answer.arrayBuffer();
        return verdictOf(answer.status);
      };
      if (asked === 'read') return send('GET', 'a');
      if (asked === 'list') return send('PROPFIND', '', { depth: '1' });
      if (asked === 'delete') return send('DELETE', own);
      if (asked === 'copy')
        return send('COPY', 'a', { destination: `${scene().gateway.webdavUrl}matrix-b/${folder}${own}-copy` });
      return send('PUT', own, {}, 'y');
    },
    async REST(caller, asked, folder) {
      const own = await fresh(asked, folder);
      const send = async (method: string, path: string, body?: string | object) => {
        const answer = await fetch(`${scene().gateway.restUrl.replace(/\/$/, '')}${path}`, {
          method,
          headers: {
            ...(caller.basic && { authorization: caller.basic }),
            'content-type': typeof body === 'object' ? 'application/json' : 'application/octet-stream',
          },
          ...(body === undefined ? {} : { body: typeof body === 'object' ? JSON.stringify(body) : body }),
        });
        await answer.arrayBuffer();
        return verdictOf(answer.status);
      };
      const file = (key: string) => `/files/matrix-b/${folder}${key}`;
      if (asked === 'read') return send('GET', file('a'));
      if (asked === 'list') return send('GET', file(''));
      if (asked === 'delete') return send('DELETE', file(own));
      if (asked === 'copy') {
        const place = (key: string) => ({ bucket: 'matrix-b', key: `${folder}${key}` });
        return send('POST', '/copy', { from: place('a'), to: place(`${own}-copy`) });
      }
      return send('PUT', file(own), 'y');
    },
  };

  async function fresh(asked: Asked, folder: string): Promise<string> {
    const key = `n${++serial}`;
    if (asked === 'overwrite' || asked === 'delete')
      await expectOk(scene().of('owner').s3.send('PUT', `/matrix-b/${folder}${key}`, { body: 'x' }));
    return key;
  }

  return doors;
}
