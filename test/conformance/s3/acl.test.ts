import { expect } from 'chai';
import {
  ACL,
  ALL_USERS,
  AUTHENTICATED,
  deep,
  grantsOf,
  idOf,
  listedBucket,
  nobody,
  OWNERSHIP,
  ownershipOf,
  putPolicy,
  statement,
} from './harness/access.ts';
import { guide } from './harness/pages.ts';
import { expectError, expectStatus, over, suite } from './harness/suite.ts';

suite('ownership and lists together', OWNERSHIP, {
  'lists that were there count for nothing once the owner is enforced, and count again after': async (lab) => {
    const bucket = await listedBucket(lab);
    const public_ = { 'x-amz-acl': 'public-read' };
    expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x', headers: public_ }), 200);
    expectStatus(await lab.s3.send('GET', `/${bucket}/a`, nobody), 200);
    const own = (name: string) => ownershipOf(lab.s3).put(bucket, `<Rule><ObjectOwnership>${name}</ObjectOwnership></Rule>`);
    expectStatus(await own('BucketOwnerEnforced'), 200);
    expectError(await lab.s3.send('GET', `/${bucket}/a`, nobody), 403, 'AccessDenied');
    const acl = expectStatus(await lab.s3.send('GET', `/${bucket}/a`, { query: 'acl=' }), 200).xml();
    expect(grantsOf(acl).map((grant) => grant.value('Permission'))).to.deep.equal(['FULL_CONTROL']);
    expectStatus(await own('ObjectWriter'), 200);
    expectStatus(await lab.s3.send('GET', `/${bucket}/a`, nobody), 200);
  },
  'a bucket whose list names others cannot be enforced': {
    page: guide('object-ownership-error-responses'),
    run: async (lab) => {
      const bucket = await listedBucket(lab);
      const set = (acl: string) => lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', headers: { 'x-amz-acl': acl } });
      expectStatus(await set('public-read'), 200);
      const rule = '<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>';
      expectError(await ownershipOf(lab.s3).put(bucket, rule), 400, 'InvalidBucketAclWithObjectOwnership');
      expectStatus(await set('private'), 200);
      expectStatus(await ownershipOf(lab.s3).put(bucket, rule), 200);
    },
  },
  'where the owner is enforced a list that gives it everything may be named, and no other': over(
    {
      'bucket-owner-full-control': 200,
      private: 200,
      'public-read': 400,
      'authenticated-read': 400,
    } as Record<string, number>,
    (status, acl) => async (lab) => {
      const answer = await lab.send('PUT', lab.key(), { body: 'x', headers: { 'x-amz-acl': acl } });
      if (status === 200) expectStatus(answer, 200);
      else expectError(answer, 400, 'AccessControlListNotSupported');
    },
  ),
  'where the owner is enforced no object’s list is put': async (lab) => {
    const key = lab.key();
    await lab.put(key, 'x');
    const answer = await lab.send('PUT', key, { query: 'acl=', headers: { 'x-amz-acl': 'public-read' } });
    expectError(answer, 400, 'AccessControlListNotSupported');
  },
  'another writer’s object is the bucket owner’s where the owner is enforced, and its own where the writer owns': over(
    ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'],
    (ownership) => async (lab) => {
      const other = lab.otherAccount();
      const bucket = await listedBucket(lab, ownership);
      const id = await idOf(other);
      const Principal = { CanonicalUser: id };
      expectStatus(
        await putPolicy(lab.s3, bucket, statement(bucket, { Principal, Action: ['s3:PutObject', 's3:PutObjectAcl'] })),
        204,
      );
      expectStatus(await other.send('PUT', `/${bucket}/theirs`, { body: 'x' }), 200);
      const mine = await lab.s3.send('GET', `/${bucket}/theirs`, { query: 'acl=' });
      if (ownership === 'BucketOwnerEnforced') expect(deep(expectStatus(mine, 200).xml(), 'ID')).to.equal(await idOf(lab.s3));
      else
        expect(deep(expectStatus(await other.send('GET', `/${bucket}/theirs`, { query: 'acl=' }), 200).xml(), 'ID')).to.equal(id);
    },
  ),
});

suite('ready lists', `${ACL}`, {
  'each gives what its name says': over(
    {
      private: [],
      'public-read': [`${ALL_USERS} READ`],
      'public-read-write': [`${ALL_USERS} READ`, `${ALL_USERS} WRITE`],
      'authenticated-read': [`${AUTHENTICATED} READ`],
      'bucket-owner-read': [],
      'bucket-owner-full-control': [],
    } as Record<string, string[]>,
    (wanted, acl) => async (lab) => {
      const bucket = await listedBucket(lab);
      expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x', headers: { 'x-amz-acl': acl } }), 200);
      const list = expectStatus(await lab.s3.send('GET', `/${bucket}/a`, { query: 'acl=' }), 200).xml();
      const said = grantsOf(list).map((grant) => `${deep(grant, 'URI') || deep(grant, 'ID')} ${grant.value('Permission')}`);
      // To its own bucket's owner it gives everything already.
      expect(new Set(said)).to.deep.equal(new Set([`${await idOf(lab.s3)} FULL_CONTROL`, ...wanted]));
    },
  ),
  'whoever is signed in reads what is authenticated-read, and nobody else does': async (lab) => {
    const other = lab.otherAccount();
    const bucket = await listedBucket(lab);
    expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { body: 'x', headers: { 'x-amz-acl': 'authenticated-read' } }), 200);
    expectStatus(await other.send('GET', `/${bucket}/a`), 200);
    expectError(await lab.s3.send('GET', `/${bucket}/a`, nobody), 403, 'AccessDenied');
  },
  'the owner of the bucket reads another’s object that says bucket-owner-read': async (lab) => {
    const other = lab.otherAccount();
    const bucket = await listedBucket(lab);
    const Principal = { CanonicalUser: await idOf(other) };
    expectStatus(
      await putPolicy(lab.s3, bucket, statement(bucket, { Principal, Action: ['s3:PutObject', 's3:PutObjectAcl'] })),
      204,
    );
    expectStatus(await other.send('PUT', `/${bucket}/a`, { body: 'x', headers: { 'x-amz-acl': 'bucket-owner-read' } }), 200);
    const list = expectStatus(await other.send('GET', `/${bucket}/a`, { query: 'acl=' }), 200).xml();
    const said = grantsOf(list).map((grant) => `${deep(grant, 'ID')} ${grant.value('Permission')}`);
    expect(said).to.have.members([`${Principal.CanonicalUser} FULL_CONTROL`, `${await idOf(lab.s3)} READ`]);
    expectStatus(await lab.s3.send('GET', `/${bucket}/a`), 200);
  },
  'log-delivery-write lets the deliverers of logs write into a bucket': async (lab) => {
    const bucket = await listedBucket(lab);
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', headers: { 'x-amz-acl': 'log-delivery-write' } }), 200);
    const list = (await lab.s3.send('GET', `/${bucket}`, { query: 'acl=' })).xml();
    const said = grantsOf(list).flatMap((grant) =>
      deep(grant, 'URI').endsWith('/s3/LogDelivery') ? [grant.value('Permission')] : [],
    );
    expect(said.sort()).to.deep.equal(['READ_ACP', 'WRITE']);
  },
});

suite('access control lists', ACL, {
  'a body and a ready list do not go together': async (lab) => {
    const bucket = await listedBucket(lab);
    const acl = (await lab.s3.send('GET', `/${bucket}`, { query: 'acl=' })).text;
    const both = await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', body: acl, headers: { 'x-amz-acl': 'private' } });
    expectError(both, 400, 'UnexpectedContent');
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', body: acl }), 200);
  },
  'a bucket and an object are their owner’s': over(['', 'a'], (key) => async (lab) => {
    if (key !== '') await lab.put(key);
    const acl = expectStatus(await lab.s3.send('GET', lab.path(key), { query: 'acl=' }), 200).xml();
    expect(acl.name).to.equal('AccessControlPolicy');
    expect(grantsOf(acl).length).to.equal(1);
    expect(deep(acl, 'Permission')).to.equal('FULL_CONTROL');
    expect(deep(acl, 'ID')).to.equal(await idOf(lab.s3));
  }),
  'an object is read by everybody when its list says so': over(
    ['public-read', 'grant header', 'body', 'copy', 'parts'],
    (how) => async (lab) => {
      const bucket = await listedBucket(lab);
      const at = `/${bucket}/a`;
      const canned = { 'x-amz-acl': 'public-read' };
      if (how === 'public-read') expectStatus(await lab.s3.send('PUT', at, { body: 'x', headers: canned }), 200);
      else if (how === 'grant header')
        expectStatus(await lab.s3.send('PUT', at, { body: 'x', headers: { 'x-amz-grant-read': `uri="${ALL_USERS}"` } }), 200);
      else if (how === 'body') {
        expectStatus(await lab.s3.send('PUT', at, { body: 'x' }), 200);
        const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>${ALL_USERS}</URI></Grantee>`;
        const body = `<AccessControlPolicy><Owner><ID>${await idOf(lab.s3)}</ID></Owner><AccessControlList><Grant>${grantee}<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`;
        expectStatus(await lab.s3.send('PUT', at, { query: 'acl=', body }), 200);
      } else if (how === 'copy') {
        expectStatus(await lab.s3.send('PUT', `/${bucket}/source`, { body: 'x', headers: canned }), 200);
        const from = { 'x-amz-copy-source': `/${bucket}/source` };
        // A list is not copied.
        expectStatus(await lab.s3.send('PUT', at, { headers: from }), 200);
        expectError(await lab.s3.send('GET', at, nobody), 403, 'AccessDenied');
        expectStatus(await lab.s3.send('PUT', at, { headers: { ...from, ...canned } }), 200);
      } else {
        const uploadId = (await lab.s3.send('POST', at, { query: 'uploads=', headers: canned })).xml().value('UploadId');
        const part = await lab.s3.send('PUT', at, { query: { partNumber: '1', uploadId }, body: 'x' });
        const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
        expectStatus(await lab.s3.send('POST', at, { query: { uploadId }, body }), 200);
      }
      expect(expectStatus(await lab.s3.send('GET', at, nobody), 200).text).to.equal('x');
      expectError(await lab.s3.send('GET', at, { ...nobody, query: 'acl=' }), 403, 'AccessDenied');
      expectError(await lab.s3.send('GET', `/${bucket}`, nobody), 403, 'AccessDenied');
      // What is written anew is private.
      expectStatus(await lab.s3.send('PUT', at, { body: 'y' }), 200);
      expectError(await lab.s3.send('GET', at, nobody), 403, 'AccessDenied');
    },
  ),
  'a bucket’s list opens its listing and its uploads': async (lab) => {
    const bucket = await listedBucket(lab);
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', headers: { 'x-amz-acl': 'public-read-write' } }), 200);
    expectStatus(await lab.s3.send('PUT', `/${bucket}/a`, { ...nobody, body: 'x' }), 200);
    expectStatus(await lab.s3.send('GET', `/${bucket}`, nobody), 200);
    const acl = (await lab.s3.send('GET', `/${bucket}`, { query: 'acl=' })).xml();
    expect(grantsOf(acl).length).to.equal(3);
    expectError(await lab.s3.send('GET', `/${bucket}`, { ...nobody, query: 'acl=' }), 403, 'AccessDenied');
    expectStatus(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', headers: { 'x-amz-acl': 'private' } }), 200);
    expectError(await lab.s3.send('GET', `/${bucket}`, nobody), 403, 'AccessDenied');
  },
  'an object of another writer is the writer’s, unless the owner is preferred and it says so': {
    page: OWNERSHIP,
    run: async (lab) => {
      const other = lab.otherAccount();
      const bucket = await listedBucket(lab, 'BucketOwnerPreferred');
      const grant = {
        query: 'acl=',
        headers: { 'x-amz-grant-write': `id="${await idOf(other)}"`, 'x-amz-grant-full-control': `id="${await idOf(lab.s3)}"` },
      };
      expectStatus(await lab.s3.send('PUT', `/${bucket}`, grant), 200);
      expectStatus(await other.send('PUT', `/${bucket}/theirs`, { body: 'x' }), 200);
      expectStatus(
        await other.send('PUT', `/${bucket}/given`, { body: 'x', headers: { 'x-amz-acl': 'bucket-owner-full-control' } }),
        200,
      );
      expectStatus(await other.send('GET', `/${bucket}/theirs`), 200);
      expectError(await other.send('GET', `/${bucket}/given`), 403, 'AccessDenied');
      expect(deep((await other.send('GET', `/${bucket}/theirs`, { query: 'acl=' })).xml(), 'ID')).to.equal(await idOf(other));
      expect(deep((await lab.s3.send('GET', `/${bucket}/given`, { query: 'acl=' })).xml(), 'ID')).to.equal(await idOf(lab.s3));
    },
  },
  'the writer that owns an object reads and sets its list, also where that gives it nothing': {
    page: OWNERSHIP,
    run: async (lab) => {
      const other = lab.otherAccount();
      const bucket = await listedBucket(lab);
      const Principal = { CanonicalUser: await idOf(other) };
      expectStatus(await putPolicy(lab.s3, bucket, statement(bucket, { Principal, Action: 's3:PutObject' })), 204);
      expectStatus(await other.send('PUT', `/${bucket}/theirs`, { body: 'x' }), 200);
      const at = { query: 'acl=' };
      const none = { ...at, headers: { 'x-amz-grant-read-acp': `id="${await idOf(lab.s3)}"` } };
      expectStatus(await other.send('PUT', `/${bucket}/theirs`, none), 200);
      expectError(await other.send('GET', `/${bucket}/theirs`), 403, 'AccessDenied');
      const acl = expectStatus(await other.send('GET', `/${bucket}/theirs`, at), 200).xml();
      expect(grantsOf(acl).map((grant) => [deep(grant, 'ID'), deep(grant, 'Permission')])).to.deep.equal([
        [await idOf(lab.s3), 'READ_ACP'],
      ]);
      expectStatus(await other.send('PUT', `/${bucket}/theirs`, { ...at, headers: { 'x-amz-acl': 'private' } }), 200);
      expectStatus(await other.send('GET', `/${bucket}/theirs`), 200);
    },
  },
  'a list that is none is refused': over(
    {
      'an unknown ready list': [{ 'x-amz-acl': 'public' }, 'InvalidArgument'],
      'a ready list and grants': [{ 'x-amz-acl': 'private', 'x-amz-grant-read': `uri="${ALL_USERS}"` }, 'InvalidRequest'],
      'nobody’s id': [{ 'x-amz-grant-read': 'id="0123"' }, 'InvalidArgument'],
      'the id of no account': [{ 'x-amz-grant-read': `id="${'ffffffffff'.padStart(64, '0')}"` }, 'InvalidArgument'],
      'an unknown group': [{ 'x-amz-grant-read': 'uri="http://acs.amazonaws.com/groups/global/Some"' }, 'InvalidArgument'],
      'a mail address': [{ 'x-amz-grant-read': 'emailAddress="a@example.com"' }, 'UnresolvableGrantByEmailAddress'],
    } as Record<string, [Record<string, string>, string]>,
    ([headers, code]) =>
      async (lab) => {
        const bucket = await listedBucket(lab);
        expectError(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', headers }), 400, code);
      },
  ),
  'a body that is none is MalformedACLError': async (lab) => {
    const bucket = await listedBucket(lab);
    const body = '<AccessControlPolicy><AccessControlList/></AccessControlPolicy>';
    expectError(await lab.s3.send('PUT', `/${bucket}`, { query: 'acl=', body }), 400, 'MalformedACLError');
  },
});
