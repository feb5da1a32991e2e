import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { CANARY, type Person, type Scene, type Sent } from './scene.ts';

/** One who has an account, or a link, and wants what is another's: by every way that names a second place, and by names made to lead astray. */
export function describeReach(scene: () => Scene): void {
  /** By each door, as somebody. Keys are written into paths as they are. */
  const doorsOf = (who: Person) => {
    const { raw, gateway } = scene();
    const authorization = who.basic;
    const json = { authorization, 'content-type': 'application/json' };
    return {
      s3: (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
        who.s3.send(method, path, { headers, ...(body === undefined ? {} : { body }) }),
      dav: (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
        raw(method, `/dav/${path}`, { headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) }),
      cloud: (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
        raw(method, `/remote.php/dav/${path}`, {
          headers: { authorization, ...headers },
          ...(body === undefined ? {} : { body }),
        }),
      rest: (method: string, path: string, body?: object) =>
        raw(method, `/api/v1${path}`, { headers: json, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
      url: (bucket: string, key: string) => `${gateway.webdavUrl}${bucket}/${key}`,
    };
  };
  const refused = (what: string, { status, text }: { status: number; text: string }, statuses = [403, 404]): void => {
    expect(status, `${what}: ${text.slice(0, 300)}`).to.be.oneOf(statuses);
    expect(text, what).to.not.contain(CANARY);
  };
  const everythingOf = async (who: Person): Promise<string> => {
    const { text } = await who.s3.send('GET', `/${who.bucket}`, { query: { 'list-type': '2' } });
    return text;
  };

  it('the source of a copy, part, move, batch, archive, restore or picture is asked for, on every door', async () => {
    const { victim, mallory, api } = scene();
    const { s3, dav, cloud, rest, url } = doorsOf(mallory);
    const [theirs, own] = [victim.bucket, mallory.bucket];
    const before = [await everythingOf(victim), await everythingOf(mallory)];
    const versions = await api('GET', `/versions/${theirs}/kept/plan.txt`, victim);
    const old = versions.json.versions.at(-1).versionId as string;
    expect(old).to.be.a('string');

    for (const source of [`${theirs}/kept/plan.txt`, `/${theirs}/kept/plan.txt`, `${theirs}/kept/plan.txt?versionId=${old}`]) {
      refused(`CopyObject of ${source}`, await s3('PUT', `/${own}/stolen`, { 'x-amz-copy-source': source }));
      const begun = await mallory.s3.send('POST', `/${own}/stolen`, { query: { uploads: '' } });
      const uploadId = /<UploadId>([^<]+)/.exec(begun.text)?.[1] ?? '';
      const part = await mallory.s3.send('PUT', `/${own}/stolen`, {
        query: { partNumber: 1, uploadId },
        headers: { 'x-amz-copy-source': source },
      });
      refused(`UploadPartCopy of ${source}`, part);
      await mallory.s3.send('DELETE', `/${own}/stolen`, { query: { uploadId } });
    }
    refused('S3 by version', await mallory.s3.send('GET', `/${theirs}/kept/plan.txt`, { query: { versionId: old } }));
    for (const query of ['versions', 'uploads', 'acl', 'policy', 'tagging'])
      refused(`S3 ?${query}`, await mallory.s3.send('GET', `/${theirs}`, { query: { [query]: '' } }));
    const many = '<Delete><Object><Key>kept/plan.txt</Key></Object></Delete>';
    const deleted = await mallory.s3.send('POST', `/${theirs}`, { query: { delete: '' }, body: many });
    expect(deleted.text, 'DeleteObjects').to.not.contain('<Deleted>');

    for (const method of ['COPY', 'MOVE']) {
      refused(`${method} of another's`, await dav(method, `${theirs}/kept/plan.txt`, { destination: url(own, 'stolen') }));
      refused(`${method} of a folder`, await dav(method, `${theirs}/kept/`, { destination: url(own, 'stolen/') }));
      refused(`${method} to another's`, await dav(method, `${own}/own.txt`, { destination: url(theirs, 'planted') }));
      refused(
        `${method} by dots`,
        await dav(method, `${own}/own.txt`, { destination: url(own, `../${theirs}/planted`) }),
        [400, 403, 404, 409, 502],
      );
      refused(
        `${method} in the trash`,
        await dav(method, `.trash/${theirs}/gone/`, { destination: url(own, 'stolen/') }),
        [403, 404, 405],
      );
      const to = `/remote.php/dav/files/mallory/stolen`;
      refused(`${method} between homes`, await cloud(method, 'files/victim/kept/plan.txt', { destination: to }));
    }
    for (const path of ['files/victim/', 'trashbin/victim/trash/', 'versions/victim/versions/1/', 'uploads/victim/1/'])
      refused(`Nextcloud ${path}`, await cloud('PROPFIND', path, { depth: '1' }));

    const place = (bucket: string, key: string) => ({ bucket, key });
    const restCalls: [string, string, object?][] = [
      ['POST', '/copy', { from: place(theirs, 'kept/plan.txt'), to: place(own, 'stolen') }],
      ['POST', '/copy', { from: place(theirs, 'kept/'), to: place(own, 'stolen/') }],
      ['POST', '/move', { from: place(theirs, 'kept/plan.txt'), to: place(own, 'stolen') }],
      ['POST', '/move', { from: place(own, 'own.txt'), to: place(theirs, 'planted') }],
      ['GET', `/thumbnails/${theirs}/kept/pixel.png`],
      ['GET', `/versions/${theirs}/kept/plan.txt`],
      ['GET', `/files/${theirs}/kept/plan.txt`],
      ['GET', `/versions/${theirs}/kept/plan.txt?version=${old}`],
      ['GET', `/trash/${theirs}/`],
      ['POST', '/versions/restore', { bucket: theirs, key: 'kept/plan.txt', versionId: old }],
      ['POST', '/trash/restore', { bucket: theirs, key: 'gone/' }],
      ['POST', '/trash/purge', { bucket: theirs, key: 'gone/' }],
      ['POST', '/restore-as-of', { bucket: theirs, at: new Date().toISOString() }],
      ['POST', '/zip', { items: [place(theirs, 'kept/')] }],
      ['POST', '/zip', { items: [place(own, 'own.txt'), place(theirs, 'kept/plan.txt')] }],
      ['POST', '/zip/prepare', { items: [place(theirs, 'kept/plan.txt')] }],
      ['POST', '/links', { bucket: theirs, key: 'kept/' }],
      ['GET', `/access/${theirs}/`],
      ['PUT', `/access/${theirs}/`, { kind: 'user', name: 'mallory', role: 'owner' }],
      ['PATCH', `/buckets/${theirs}`, { quota: { bytes: null, objects: null } }],
      ['DELETE', `/buckets/${theirs}`],
      ['GET', `/search?q=plan&bucket=${theirs}`],
    ];
    for (const [method, path, body] of restCalls)
      refused(`REST ${method} ${path} ${JSON.stringify(body)}`, await rest(method, path, body));
    const [from, to] = [place(theirs, 'kept/plan.txt'), place(own, 'stolen')];
    const items = [
      { op: 'copy', from, to },
      { op: 'move', from, to },
      { op: 'move', from: place(own, 'own.txt'), to: place(theirs, 'planted') },
      { op: 'delete', at: from },
      { op: 'restore', at: from, versionId: old },
      { op: 'restore', at: place(theirs, `gone/${CANARY}.txt`) },
    ];
    const batch = await rest('POST', '/batch', { items });
    expect(
      JSON.parse(batch.text).results.map(({ status }: { status: number }) => status),
      batch.text,
    ).to.deep.equal(items.map(() => 404));
    const found = await rest('GET', '/search?q=plan');
    expect(found.text).to.not.contain('kept');
    expect([await everythingOf(victim), await everythingOf(mallory)]).to.deep.equal(before);
  });

  it('ids of what is another’s lead nowhere: keys, sessions, links, uploads, archives, passkeys', async () => {
    const { victim, mallory, api, link, raw, admin } = scene();
    const upload = await raw('POST', '/api/v1/uploads', {
      headers: {
        authorization: victim.basic,
        'tus-resumable': '1.0.0',
        'upload-length': '10',
        'upload-metadata': `bucket ${Buffer.from(victim.bucket).toString('base64')},key ${Buffer.from('up').toString('base64')}`,
      },
    });
    expect(upload.status, upload.text).to.equal(201);
    const uploadPath = new URL(upload.headers.location ?? '', 'http://x').pathname.replace('/api/v1', '');
    const zip = await api('POST', '/zip/prepare', victim, {
      items: [{ bucket: victim.bucket, key: 'kept/plan.txt' }],
    });
    const credential = (await api('GET', '/credentials', victim)).json.credentials[0].id;
    const session = (await api('GET', '/me/sessions', victim)).json.sessions[0].id;
    const paths = [
      ...['GET', 'PATCH', 'DELETE'].map((method) => [method, `/links/${link.id}`]),
      ...['HEAD', 'GET', 'PATCH', 'DELETE'].map((method) => [method, uploadPath]),
      ['POST', `${uploadPath}/finish`],
      ['GET', zip.json.path],
      ['DELETE', `/credentials/${credential}`],
      ['DELETE', `/me/sessions/${session}`],
    ] as [string, string][];
    for (const [method, path] of paths) {
      const tus = path.startsWith('/uploads') && method === 'PATCH';
      const type = tus ? 'application/offset+octet-stream' : 'application/json';
      const answer = await raw(method, `/api/v1${path}`, {
        headers: { authorization: mallory.basic, 'content-type': type, 'tus-resumable': '1.0.0', 'upload-offset': '0' },
        ...(method === 'PATCH' || method === 'POST' ? { body: tus ? 'xxxxxxxxxx' : '{}' } : {}),
      });
      refused(`${method} ${path}`, answer, [403, 404]);
    }
    expect((await api('GET', `/links/${link.id}`, victim)).status).to.equal(200);
    expect((await api('GET', '/me', victim)).status).to.equal(200);
    expect((await api('GET', uploadPath, victim)).json.offset).to.equal(0);
    expect((await api('GET', '/users/victim', admin)).status).to.equal(200);
  });

  it('a link shows its folder and nothing else: siblings, pictures, search, versions, trash; and is a credential nowhere', async () => {
    const { link, raw, victim, gateway } = scene();
    const at = `/api/v1/public/${link.token}`;
    expect((await raw('GET', `${at}/files/plan.txt`)).text).to.contain('second');
    const outside = [
      '../kept-back/plan.txt',
      '..%2fkept-back%2fplan.txt',
      '%2e%2e/kept-back/plan.txt',
      '-back/plan.txt',
      '/kept-back/plan.txt',
    ];
    for (const path of outside) {
      refused(`file ${path}`, await raw('GET', `${at}/files/${path}`), [400, 403, 404]);
      refused(`head ${path}`, await raw('HEAD', `${at}/files/${path}`), [400, 403, 404]);
      const listed = await raw('GET', `${at}/list/${path.replace('plan.txt', '')}`);
      expect(listed.text, `list ${path}`).to.not.match(/plan\.txt|pixel/);
    }
    refused('an old version', await raw('GET', `${at}/files/plan.txt?version=1`), [400, 403, 404]);
    refused('a picture of it', await raw('GET', `${at}/thumbnails/pixel.png`));
    refused('a search', await raw('GET', `${at}/search?q=plan`));
    const zip = await raw('GET', `${at}/zip`);
    expect(zip.text).to.contain('plan.txt').and.not.contain('kept-back');
    for (const authorization of [
      `Bearer ${link.token}`,
      `Basic ${Buffer.from(`link ${link.id}:${link.token}`).toString('base64')}`,
      `Basic ${Buffer.from(`:${link.token}`).toString('base64')}`,
    ]) {
      for (const path of [
        `/api/v1/files/${victim.bucket}/kept/plan.txt`,
        `/api/v1/thumbnails/${victim.bucket}/kept/pixel.png`,
        '/api/v1/search?q=plan',
        `/api/v1/versions/${victim.bucket}/kept/plan.txt`,
        `/dav/${victim.bucket}/kept/plan.txt`,
        '/remote.php/webdav/kept/plan.txt',
      ])
        refused(`${path} by ${authorization}`, await raw('GET', path, { headers: { authorization } }), [401, 429]);
    }
    const keys = { accessKeyId: link.token.slice(0, 20), secretAccessKey: link.token };
    refused('S3', await victim.s3.as(keys).send('GET', `/${victim.bucket}/kept/plan.txt`), [403]);
    expect(gateway.output().stderr).to.not.contain(link.token);
  });

  /** Ways to write ".." and what else file systems take for something. */
  const DOTS = [
    '..',
    '%2e%2e',
    '%2E.',
    '.%2e',
    '%252e%252e',
    '..%00',
    '..;',
    '%c0%ae%c0%ae',
    '%e0%80%ae',
    '..%5c',
    '...',
    '%uff0e',
    '..%e2%80%8b',
  ];
  const SLASHES = ['/', '%2f', '%5c', '\\', '%252f', '//', '/./', '%c0%af'];

  const READS = [
    ...['/dav/OWN/', '/dav/', '/dav/Shared/', '/dav/.trash/'],
    ...['/remote.php/webdav/', '/remote.php/dav/files/mallory/', '/remote.php/dav/trashbin/mallory/trash/'],
    ...['/api/v1/files/OWN/', '/api/v1/files/', '/api/v1/thumbnails/OWN/', '/api/v1/trash/', '/api/v1/versions/OWN/'],
  ];

  it('no way to write a path leads out of a bucket, a folder, a share or the data directory, on any door', async () => {
    const { gateway, mallory, victim, raw, link } = scene();
    const { rest } = doorsOf(mallory);
    const folders = (): string[] => readdirSync(gateway.dataDir).sort();
    const before = [folders(), await everythingOf(victim)];
    const authorization = mallory.basic;
    const own = mallory.bucket;
    const targets = [`${victim.bucket}/kept/plan.txt`, 'etc/passwd', 'master.key'];
    const paths = DOTS.flatMap((dots) => SLASHES.flatMap((slash) => [1, 6].map((times) => `${dots}${slash}`.repeat(times))));
    const calls: (() => Promise<Sent>)[] = [];
    for (const [index, path] of paths.entries()) {
      const target = targets[index % targets.length];
      // Each way by a third of the doors: with the others of its kind, it comes to all.
      const inside = READS.map((door) => door.replace('OWN', own)).filter((_, number) => (number + index) % 3 === 0);
      for (const door of inside) calls.push(() => raw('GET', `${door}${path}${target}`, { headers: { authorization } }));
      const open = [`/api/v1/public/${link.token}/files/`, '/', '/assets/'][index % 3];
      calls.push(() => raw('GET', `${open}${path}${target}`));
      calls.push(() => raw('PUT', `/dav/${own}/${path}planted`, { headers: { authorization }, body: 'x' }));
      calls.push(() => raw('PUT', `/api/v1/files/${own}/${path}planted`, { headers: { authorization }, body: 'x' }));
      calls.push(() => raw('MKCOL', `/dav/${own}/${path}planted/`, { headers: { authorization } }));
    }
    for (let at = 0; at < calls.length; at += 8) {
      for (const { status, text } of await Promise.all(calls.slice(at, at + 8).map((call) => call()))) {
        expect(status).to.be.below(500);
        expect(text).to.not.match(/root:|the-canary-of-the-victim(?! first| second)/);
      }
    }
    for (const path of paths.filter((_, index) => index % 5 === 0)) {
      const answer = await mallory.s3.send('PUT', { raw: `/${own}/${path}planted` }, { body: 'x' });
      expect(answer.status, path).to.be.oneOf([200, 400, 403, 404]);
    }
    for (const key of ['../x', 'a/../../x', '..\\x', 'a\0b', '.', '..'])
      expect(
        (await rest('POST', '/copy', { from: { bucket: own, key: 'own.txt' }, to: { bucket: own, key } })).status,
        key,
      ).to.be.below(500);
    expect([folders(), await everythingOf(victim)]).to.deep.equal(before);
  });

  it('names that look alike are names apart: composed, decomposed, of other case, with marks that show nothing, of Windows', async () => {
    const { mallory } = scene();
    const { dav, rest } = doorsOf(mallory);
    const own = mallory.bucket;
    await dav('MKCOL', `${own}/alike/`);
    const names = [
      'é',
      'e\u0301',
      'A.txt',
      'a.txt',
      'a\u200b.txt',
      'a\u202egpj.exe',
      'CON',
      'nul.txt',
      'x.',
      'x ',
      'x',
      'a:b',
      'ﬁ',
      'fi',
      'K',
      '\u212a',
    ];
    for (const [index, name] of names.entries()) {
      const key = encodeURIComponent(name);
      const body = String(index);
      const made =
        index % 2 === 0 ? dav('PUT', `${own}/alike/${key}`, {}, body) : mallory.s3.send('PUT', `/${own}/alike/${name}`, { body });
      expect((await made).status, name).to.be.oneOf([200, 201]);
    }
    for (const [index, name] of names.entries()) {
      const key = encodeURIComponent(name);
      expect((await dav('GET', `${own}/alike/${key}`)).text, `WebDAV ${name}`).to.equal(String(index));
      expect((await rest('GET', `/files/${own}/alike/${key}`)).text, `REST ${name}`).to.equal(String(index));
      expect((await mallory.s3.send('GET', `/${own}/alike/${name}`)).text, `S3 ${name}`).to.equal(String(index));
    }
  });
}
