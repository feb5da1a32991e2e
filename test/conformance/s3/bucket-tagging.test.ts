import { expect } from 'chai';
import type { S3Answer } from './harness/client.ts';
import { documentsOf } from './harness/documents.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const page = api('PutBucketTagging');
const tagsOf = ({ s3 }: Lab) => documentsOf(s3, 'tagging', 'Tagging');
const set = (...pairs: [string, string][]): string =>
  `<TagSet>${pairs.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`).join('')}</TagSet>`;

/** The table of the operation says 200, its example 204, and clients take both. */
function expectTaken(answer: S3Answer): void {
  expect([200, 204], answer.text.slice(0, 500)).to.include(answer.status);
}

suite('bucket tagging', page, {
  'a bucket without tags has NoSuchTagSet': {
    page: api('GetBucketTagging'),
    run: async (lab) => expectError(await tagsOf(lab).get(await lab.newBucket()), 404, 'NoSuchTagSet'),
  },
  'tags come back as they were put': async (lab) => {
    expectTaken(await tagsOf(lab).put(lab.bucket, set(['project', 'a b'], ['ünï', '+-=._:/@'])));
    const answer = expectStatus(await tagsOf(lab).get(lab.bucket), 200).xml();
    expect(answer.name).to.equal('Tagging');
    const pairs = answer
      .child('TagSet')
      ?.all('Tag')
      .map((tag) => [tag.value('Key'), tag.value('Value')]);
    expect(pairs).to.deep.equal([
      ['project', 'a b'],
      ['ünï', '+-=._:/@'],
    ]);
  },
  'a new set takes the place of the old one': async (lab) => {
    await tagsOf(lab).put(lab.bucket, set(['old', '1']));
    expectTaken(await tagsOf(lab).put(lab.bucket, set(['new', '2'])));
    expect((await tagsOf(lab).get(lab.bucket)).text)
      .to.contain('new')
      .and.not.contain('old');
  },
  'a value may be empty': async (lab) => {
    expectTaken(await tagsOf(lab).put(lab.bucket, set(['empty', ''])));
    const tag = (await tagsOf(lab).get(lab.bucket)).xml().child('TagSet')?.child('Tag');
    expect([tag?.value('Key'), tag?.value('Value')]).to.deep.equal(['empty', '']);
  },
  'keys differ by case': async (lab) => {
    expectTaken(await tagsOf(lab).put(lab.bucket, set(['k', '1'], ['K', '2'])));
  },
  'deleting takes all away, with 204, also when there are none': {
    page: api('DeleteBucketTagging'),
    run: async (lab) => {
      await tagsOf(lab).put(lab.bucket, set(['a', '1']));
      expectStatus(await tagsOf(lab).remove(lab.bucket), 204);
      expectError(await tagsOf(lab).get(lab.bucket), 404, 'NoSuchTagSet');
      expectStatus(await tagsOf(lab).remove(lab.bucket), 204);
    },
  },
  'a bucket has at most 50 tags': {
    page: guide('CostAllocTagging'),
    run: async (lab) => {
      const many = (count: number): string => set(...Array.from({ length: count }, (_, i): [string, string] => [`k${i}`, 'v']));
      expectTaken(await tagsOf(lab).put(lab.bucket, many(50)));
      expectError(await tagsOf(lab).put(lab.bucket, many(51)), 400, 'BadRequest');
    },
  },
  'the same key twice is InvalidTag': async (lab) => {
    expectError(await tagsOf(lab).put(lab.bucket, set(['a', '1'], ['a', '2'])), 400, 'InvalidTag');
  },
  'a tag outside the limits is InvalidTag': {
    page: guide('tagging-managing'),
    ...over(
      {
        'a key of 129': set(['k'.repeat(129), 'v']),
        'a value of 257': set(['k', 'v'.repeat(257)]),
        'an empty key': set(['', 'v']),
        'a key of the system': set(['aws:own', 'v']),
        'a character that is not allowed': set(['a{b}', 'v']),
      },
      (inner) => async (lab) => expectError(await tagsOf(lab).put(lab.bucket, inner), 400, 'InvalidTag'),
    ),
  },
  'a key of 128 and a value of 256 are taken': {
    page: guide('tagging-managing'),
    run: async (lab) => expectTaken(await tagsOf(lab).put(lab.bucket, set(['é'.repeat(128), 'v'.repeat(256)]))),
  },
  'what refuses leaves the tags as they were': async (lab) => {
    await tagsOf(lab).put(lab.bucket, set(['stays', '1']));
    await tagsOf(lab).put(lab.bucket, set(['a', '1'], ['a', '2']));
    expect((await tagsOf(lab).get(lab.bucket)).text).to.contain('stays');
  },
  'a document that is not one is MalformedXML': over(
    {
      'no TagSet': '',
      'a tag without a value': '<TagSet><Tag><Key>a</Key></Tag></TagSet>',
      'no XML': '!<Tagging',
      'another root': '!<Other/>',
    },
    (inner) => async (lab) => expectError(await tagsOf(lab).put(lab.bucket, inner), 400, 'MalformedXML'),
  ),
  'an empty body is MissingRequestBodyError': async (lab) => {
    const answer = await lab.send('PUT', '', { query: { tagging: '' } });
    expect(answer.status).to.equal(400);
    expectError(answer, 400, 'MissingRequestBodyError');
  },
  'a wrong Content-MD5 is refused': async (lab) => {
    const headers = { 'Content-MD5': 'AAAAAAAAAAAAAAAAAAAAAA==' };
    expectError(await tagsOf(lab).put(lab.bucket, set(['a', '1']), { headers }), 400, 'BadDigest');
  },
  'tags of no bucket are NoSuchBucket': async (lab) => {
    expectError(await tagsOf(lab).get('conf-no-such-bucket'), 404, 'NoSuchBucket');
    expectError(await tagsOf(lab).put('conf-no-such-bucket', set(['a', '1'])), 404, 'NoSuchBucket');
  },
  'another account reads and changes none': async (lab) => {
    const theirs = documentsOf(lab.otherAccount(), 'tagging', 'Tagging');
    for (const answer of [
      await theirs.get(lab.bucket),
      await theirs.put(lab.bucket, set(['a', '1'])),
      await theirs.remove(lab.bucket),
    ])
      expect(answer.status).to.be.oneOf([403, 404]);
  },
});
