import { expect } from 'chai';
import type { Scene } from './scene.ts';

/** What the gateway believes, and does, because a request says so: nothing that is the gateway's own to say. */
export function describeTrust(scene: () => Scene): void {
  const talk: Scene['talk'] = (door, bytes) => scene().talk(door, bytes);

  it('names that mean something to the language are names: as header, parameter, field, metadata, property, user and key', async () => {
    const { gateway, raw, api, victim, mallory, admin } = scene();
    const own = mallory.bucket;
    const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
    const keyId = mallory.s3.keys.accessKeyId;
    const credential = `Credential=${keyId}/20260101/us-east-1/s3/aws4_request`;
    const signed = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=__proto__;host;x-amz-__proto__, Signature=${'0'.repeat(64)}`;
    for (const authorization of ['', `AWS ${keyId}:AAAA`, signed, mallory.basic, 'Bearer __proto__']) {
      for (const [door, path] of [
        ['s3', `/${own}/own.txt`],
        ['main', `/dav/${own}/own.txt`],
        ['main', '/remote.php/webdav/own.txt'],
        ['main', `/api/v1/files/${own}/own.txt`],
        ['main', '/ocs/v2.php/cloud/user'],
        ['main', '/'],
      ] as const) {
        // Twice each, as what is said twice is gathered by its name.
        const lines = [...names, ...names, 'x-amz-__proto__', 'x-amz-meta-__proto__', 'x-amz-meta-__proto__'].map(
          (name) => `${name}: a, b\r\n`,
        );
        const head = authorization === '' ? '' : `Authorization: ${authorization}\r\n`;
        const target = `${path}?__proto__=x&constructor=y&__proto__%5Badmin%5D=1`;
        const said = await talk(
          door,
          `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Date: 20260101T000000Z\r\n${head}${lines.join('')}Connection: close\r\n\r\n`,
        );
        expect(Number(said.slice(9, 12)), `${path} with ${authorization}: ${said.slice(0, 200)}`).to.be.within(200, 499);
      }
    }
    for (const name of names) {
      const body = `{"${name}":{"admin":true,"role":"admin"},"constructor":{"prototype":{"admin":true}}}`;
      for (const [method, path] of [
        ['POST', '/batch'],
        ['POST', '/auth/login'],
        ['POST', '/credentials'],
        ['POST', '/links'],
        ['PATCH', `/buckets/${own}`],
      ] as const) {
        const headers = { authorization: mallory.basic, 'content-type': 'application/json' };
        expect((await raw(method, `/api/v1${path}`, { headers, body })).status, `${path} ${name}`).to.be.within(400, 499);
      }
      const put = await mallory.s3.send('PUT', `/${own}/${name}`, { body: name, headers: { [`x-amz-meta-x${name}`]: name } });
      expect(put.status, put.text).to.equal(200);
      const answer = await raw('GET', `/dav/${own}/${name}`, { headers: { authorization: mallory.basic } });
      expect(answer.text).to.equal(name);
      const set = `<propertyupdate xmlns="DAV:"><set><prop><${name} xmlns="urn:x">1</${name}></prop></set></propertyupdate>`;
      const patched = await raw('PROPPATCH', `/dav/${own}/${name}`, { headers: { authorization: mallory.basic }, body: set });
      expect(patched.status, patched.text).to.equal(207);
      const made = await api('POST', '/users', admin, { name });
      expect(made.status, name).to.be.oneOf([201, 400]);
      expect((await api('GET', `/users/${name}x`, admin)).status).to.equal(404);
    }
    // Nothing that came in became a property of everything.
    expect((await api('GET', '/users', mallory)).status).to.equal(403);
    expect((await api('GET', '/me', mallory)).json).to.include({ role: 'member' });
    // She hears that there is such a bucket once a policy of it names her, as the attack by forwarded headers has it.
    const refused = await raw('GET', `/dav/${victim.bucket}/kept/plan.txt`, { headers: { authorization: mallory.basic } });
    expect(refused.status).to.be.oneOf([403, 404]);
    expect(gateway.process.exitCode).to.equal(null);
  });

  it('who is not known, or may not, is never told to send a body, on any door', async () => {
    const { victim, mallory, link, gateway } = scene();
    const places: [door: 'main' | 's3', method: string, path: string, more?: string][] = [
      ['main', 'PUT', `/api/v1/files/${victim.bucket}/sent`],
      ['main', 'POST', '/api/v1/batch', 'Content-Type: application/json\r\n'],
      ['main', 'POST', '/api/v1/uploads', 'Tus-Resumable: 1.0.0\r\nUpload-Length: 3\r\n'],
      ['main', 'PUT', `/api/v1/public/${link.token}x/files/sent`],
      ['main', 'PUT', `/dav/${victim.bucket}/sent`],
      ['main', 'PROPFIND', `/dav/${victim.bucket}/`],
      ['main', 'PUT', `/remote.php/dav/files/victim/sent`],
      ['s3', 'PUT', `/${victim.bucket}/sent`],
      ['s3', 'POST', `/${victim.bucket}?delete`],
    ];
    const wrong = `Basic ${Buffer.from(`nobody-${gateway.pid}:x`).toString('base64')}`;
    const ask = (place: (typeof places)[number], authorization: string | null): Promise<string> => {
      const [door, method, path, more = ''] = place;
      const head = authorization === null ? '' : `Authorization: ${authorization}\r\n`;
      return talk(
        door,
        `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${head}${more}Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n`,
      );
    };
    for (const place of places) {
      for (const authorization of [null, wrong, 'Bearer x.y.z']) {
        // Somebody without a name may be allowed some of the keys, which only the (bounded) body tells.
        if (authorization === null && place[2].endsWith('?delete')) continue;
        const said = await ask(place, authorization);
        expect(said, `${place.join(' ')} ${authorization}`).to.match(/^HTTP\/1\.1 4\d\d/);
      }
    }
    // Known, and not allowed there.
    for (const [door, method, path] of [places[0]!, places[4]!, places[6]!])
      expect(await ask([door, method, path], mallory.basic), path).to.match(/^HTTP\/1\.1 40[34]/);
    // And the net catches: who may is told so.
    const { bucket, basic } = mallory;
    const head = `Host: 127.0.0.1\r\nAuthorization: ${basic}\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n`;
    for (const path of [`/dav/${bucket}/sent`, `/api/v1/files/${bucket}/sent-too`])
      expect(await talk('main', `PUT ${path} HTTP/1.1\r\n${head}abc`), path).to.match(
        /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 20/,
      );
  });

  it('what only the gateway may say of a file is taken from nobody: by headers, metadata, properties, forms and uploads', async () => {
    const { raw, mallory, api } = scene();
    const { bucket, basic, s3 } = mallory;
    const FORGED = 'forged-by-mallory';
    const claims = {
      'x-amz-version-id': FORGED,
      'x-amz-replication-status': FORGED,
      'x-amz-expiration': FORGED,
      'x-amz-restore': FORGED,
      'x-amz-delete-marker': 'true',
      'x-cloudstore-owner': FORGED,
      'x-cloudstore-user': 'victim',
      'oc-etag': FORGED,
      'oc-fileid': FORGED,
      etag: FORGED,
    };
    const metadata = Object.fromEntries(
      ['x-amz-server-side-encryption-customer-key-md5', 'x-amz-version-id', 'etag', 'owner'].map((name) => [
        `x-amz-meta-${name}`,
        'theirs',
      ]),
    );
    expect((await s3.send('PUT', `/${bucket}/claims/s3`, { body: 'x', headers: { ...claims, ...metadata } })).status).to.equal(
      200,
    );
    const copied = await s3.send('PUT', `/${bucket}/claims/copied`, {
      headers: { ...claims, 'x-amz-copy-source': `/${bucket}/claims/s3` },
    });
    expect(copied.status, copied.text).to.equal(200);
    // An archive that asks to be unpacked is a file.
    const tar = Buffer.alloc(10_240);
    tar.write('../../planted');
    const archive = { 'x-amz-meta-snowball-auto-extract': 'true', 'x-minio-extract': 'true' };
    expect((await s3.send('PUT', `/${bucket}/claims/archive.tar`, { body: tar, headers: archive })).status).to.equal(200);
    const headers = { authorization: basic, ...claims };
    expect((await raw('PUT', `/dav/${bucket}/claims/dav`, { headers, body: 'x' })).status).to.equal(201);
    expect((await raw('PUT', `/api/v1/files/${bucket}/claims/rest`, { headers, body: 'x' })).status).to.be.oneOf([200, 201]);
    const encoded = (text: string): string => Buffer.from(text).toString('base64');
    const upload = await raw('POST', '/api/v1/uploads', {
      headers: {
        ...headers,
        'tus-resumable': '1.0.0',
        'upload-length': '0',
        'upload-metadata': Object.entries({ bucket, key: 'claims/tus', owner: 'victim', etag: FORGED, versionId: FORGED })
          .map(([name, value]) => `${name} ${encoded(value)}`)
          .join(','),
      },
    });
    expect(upload.status, upload.text).to.be.oneOf([201, 400]);

    const protectedNames = [
      ...['getetag', 'getcontentlength', 'resourcetype', 'lockdiscovery', 'quota-used-bytes', 'owner', 'acl'].map(
        (name) => `<${name} xmlns="DAV:">${FORGED}</${name}>`,
      ),
      ...['id', 'fileid', 'permissions', 'owner-id', 'size', 'checksums'].map(
        (name) => `<${name} xmlns="http://owncloud.org/ns">${FORGED}</${name}>`,
      ),
    ];
    for (const path of [`/dav/${bucket}/claims/dav`, '/remote.php/dav/files/mallory/claims/dav']) {
      for (const one of protectedNames) {
        const body = `<propertyupdate xmlns="DAV:"><set><prop>${one}</prop></set></propertyupdate>`;
        await raw('PROPPATCH', path, { headers: { authorization: basic }, body });
      }
    }
    const ask = `<propfind xmlns="DAV:"><prop>${protectedNames.map((one) => one.replace(FORGED, '')).join('')}</prop></propfind>`;
    const seen: Record<string, string> = {};
    for (const name of ['s3', 'copied', 'archive.tar', 'dav', 'rest']) {
      const head = await s3.send('HEAD', `/${bucket}/claims/${name}`);
      expect(head.headers, name).to.not.have.any.keys('x-amz-replication-status', 'x-amz-restore', 'x-amz-delete-marker');
      seen[`S3 ${name}`] = JSON.stringify(head.headers);
      for (const path of [`/dav/${bucket}/claims/${name}`, `/remote.php/dav/files/mallory/claims/${name}`]) {
        for (const body of [ask, '<propfind xmlns="DAV:"><allprop/></propfind>'])
          seen[`${path} ${body.length}`] = (
            await raw('PROPFIND', path, { headers: { authorization: basic, depth: '0' }, body })
          ).text;
      }
      seen[`REST ${name}`] = JSON.stringify((await api('GET', `/versions/${bucket}/claims/${name}`, mallory)).json);
    }
    for (const [where, text] of Object.entries(seen)) expect(text, where).to.not.contain(FORGED);
    const { text } = await s3.send('GET', `/${bucket}`, { query: { 'list-type': '2', prefix: 'claims/' } });
    expect([...text.matchAll(/<Key>claims\/([^<]+)/g)].map(([, name]) => name))
      .to.include('archive.tar')
      .and.not.include('planted');
    expect(text).to.not.contain('victim');
  });
}
