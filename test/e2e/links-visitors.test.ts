import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';

/** What came of a request; `json` is of any shape. */
interface Reply {
  status: number;
  cookies: string[];
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  json: any;
}

describe('share links of others’ places, and many downloads by one', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let owner: string;

  before(async () => {
    gateway = await startGateway();
    owner = basic(gateway.user, gateway.password);
  });
  after(async () => {
    await gateway?.stop();
  });

  it('count each version once for a visitor who looks through hundreds, whose cookies stay as few as browsers and proxies take', async () => {
    const names = Array.from({ length: 150 }, (_, n) => `${n}.txt`);
    for (const name of names) await call('PUT', `/files/home/many/${name}`, { text: name });
    const { id, token } = (await call('POST', '/links', { json: { bucket: 'home', key: 'many/', downloadsMax: 160 } })).json;
    const jar = new Map<string, string>();
    let most = 0;
    const look = async (name: string, headers: Record<string, string> = {}): Promise<number> => {
      const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
      most = Math.max(most, cookie.length);
      const { status, cookies } = await call('GET', `/public/${token}/files/${name}`, {
        by: null,
        headers: { ...headers, cookie },
      });
      for (const one of cookies) {
        const [key = '', value = ''] = one.split(';', 1)[0]!.split('=');
        jar.set(key, value);
      }
      return status;
    };
    for (const name of names) expect(await look(name), name).to.equal(200);
    for (const name of names.slice(-6)) expect(await look(name, { range: 'bytes=1-' }), name).to.equal(206);
    expect((await call('GET', `/links/${id}`)).json.downloads).to.equal(names.length);
    expect(jar.size).to.be.at.most(20);
    expect(most).to.be.at.most(7_000);
    // What is no ticket is not given back in a cookie.
    for (const key of jar.keys()) jar.set(key, 'no ticket; Domain=example.org~"');
    await call('PUT', '/files/home/many/0.txt', { text: 'another' });
    expect(await look('0.txt')).to.equal(200);
    expect([...jar.values()].filter((value) => /^[0-9a-z]+\.[\w-]{43}$/.test(value))).to.have.length(1);
  });

  it('are to a folder of a bucket that is called as one of their maker’s own, also as an archive, and tell it by a name that leads there', async () => {
    const ann = await user('ann');
    await call('PUT', '/files/home/shared/a.jpg', { text: 'of the owner' });
    await call('PUT', '/files/home/shared/b.jpg', { text: 'of ann', by: ann });
    const grant = { kind: 'user', name: 'ann', role: 'manager' };
    expect((await call('PUT', '/access/home/shared/', { json: grant })).status).to.be.oneOf([200, 201, 204]);
    await until(async () => (await call('GET', '/files/~home/shared/a.jpg', { by: ann })).status === 200);
    const made = await call('POST', '/links', { json: { bucket: '~home', key: 'shared/' }, by: ann });
    expect(made.status, made.text).to.equal(201);
    const zip = await call('GET', `/public/${made.json.token}/zip`, { by: null });
    expect(zip.status, zip.text).to.equal(200);
    expect(zip.text).to.contain('of the owner').and.not.contain('of ann');
    const [listed] = (await call('GET', '/links', { by: ann })).json.items;
    expect(listed.bucket).to.equal('~home');
    expect((await call('GET', `/files/${listed.bucket}/${listed.key}a.jpg`, { by: ann })).text).to.equal('of the owner');

    // The maker may not even see the bucket any more: its links are shown, and can be taken away.
    expect((await call('DELETE', '/access/home/shared/?kind=user&name=ann')).status).to.equal(204);
    await until(async () => (await call('GET', '/files/~home/shared/a.jpg', { by: ann })).status !== 200);
    const after = await call('GET', '/links', { by: ann });
    expect(after.status, after.text).to.equal(200);
    expect(after.json.items[0]).to.include({ id: made.json.id, key: 'shared/' });
    expect(after.json.items[0].bucket).to.match(/^#\d+$/);
    const one = await call('GET', `/links/${made.json.id}`, { by: ann });
    expect(one.status).to.equal(200);
    expect((await call('PATCH', `/links/${made.json.id}`, { by: ann, json: { disabled: true } })).status).to.equal(200);
    expect((await call('DELETE', `/links/${made.json.id}`, { by: ann })).status).to.equal(204);
  });

  async function user(name: string): Promise<string> {
    const { status, json } = await call('POST', '/users', { json: { name, role: 'member' } });
    expect(status).to.equal(201);
    return basic(name, json.password);
  }

  function basic(name: string, password: string): string {
    return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  }

  /** @param by null: without an account; else whose credentials, the owner's if nothing is said */
  async function call(
    method: string,
    path: string,
    {
      by = owner,
      json,
      text,
      headers = {},
    }: { by?: string | null; json?: object; text?: string; headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const body = json === undefined ? text : JSON.stringify(json);
    const answer = await fetch(`${gateway.restUrl}${path}`, {
      method,
      headers: {
        ...(by === null ? {} : { authorization: by }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const said = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '') && said !== '';
    return {
      status: answer.status,
      cookies: answer.headers.getSetCookie(),
      text: said,
      json: isJson ? JSON.parse(said) : undefined,
    };
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
