import { expect } from 'chai';
import { documentsOf } from './harness/documents.ts';
import { api, guide } from './harness/pages.ts';
import { expectError, expectStatus, type Lab, over, suite } from './harness/suite.ts';

const elements = guide('intro-lifecycle-rules');
const filters = guide('intro-lifecycle-filters');
const lifecycleOf = ({ s3 }: Lab) => documentsOf(s3, 'lifecycle', 'LifecycleConfiguration');
const EXPIRE = '<Expiration><Days>30</Days></Expiration>';
const ALL = '<Filter/>';
/** A rule with a name, all objects and an expiry, unless told otherwise. */
const rule = ({ id = 'r', status = 'Enabled', filter = ALL, actions = EXPIRE } = {}): string =>
  `<Rule>${id === '' ? '' : `<ID>${id}</ID>`}<Status>${status}</Status>${filter}${actions}</Rule>`;
const tag = (key: string, value: string): string => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;
const noncurrent = (inner: string): string => `<NoncurrentVersionExpiration>${inner}</NoncurrentVersionExpiration>`;
const abort = (days: string): string =>
  `<AbortIncompleteMultipartUpload><DaysAfterInitiation>${days}</DaysAfterInitiation></AbortIncompleteMultipartUpload>`;

const takes = (inner: string) => async (lab: Lab) => {
  expectStatus(await lifecycleOf(lab).put(lab.bucket, inner), 200);
};
const refuses =
  (inner: string, code: string, status = 400) =>
  async (lab: Lab) => {
    expectError(await lifecycleOf(lab).put(lab.bucket, inner), status, code);
  };

suite('bucket lifecycle configuration', api('PutBucketLifecycleConfiguration'), {
  'a bucket without rules has NoSuchLifecycleConfiguration': {
    page: api('GetBucketLifecycleConfiguration'),
    run: async (lab) => expectError(await lifecycleOf(lab).get(await lab.newBucket()), 404, 'NoSuchLifecycleConfiguration'),
  },
  'rules come back as they were put': async (lab) => {
    const and = `<Filter><And><Prefix>a/</Prefix>${tag('k', 'v')}<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></Filter>`;
    await takes(
      rule({ id: 'one', filter: and }) +
        rule({
          id: 'two',
          status: 'Disabled',
          actions:
            abort('7') + noncurrent('<NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions>'),
        }),
    )(lab);
    const answer = expectStatus(await lifecycleOf(lab).get(lab.bucket), 200).xml();
    expect(answer.name).to.equal('LifecycleConfiguration');
    const [one, two] = answer.all('Rule');
    expect([one?.value('ID'), one?.value('Status')]).to.deep.equal(['one', 'Enabled']);
    const operator = one?.child('Filter')?.child('And');
    expect(operator?.value('Prefix')).to.equal('a/');
    expect(operator?.child('Tag')?.value('Key')).to.equal('k');
    expect(operator?.value('ObjectSizeGreaterThan')).to.equal('5');
    expect(one?.child('Expiration')?.value('Days')).to.equal('30');
    expect(two?.child('AbortIncompleteMultipartUpload')?.value('DaysAfterInitiation')).to.equal('7');
    expect(two?.child('NoncurrentVersionExpiration')?.value('NewerNoncurrentVersions')).to.equal('2');
  },
  'a date comes back as midnight in UTC': async (lab) => {
    await takes(rule({ actions: '<Expiration><Date>2030-01-02T00:00:00Z</Date></Expiration>' }))(lab);
    const expiration = (await lifecycleOf(lab).get(lab.bucket)).xml().child('Rule')?.child('Expiration');
    expect(expiration?.value('Date')).to.equal('2030-01-02T00:00:00.000Z');
  },
  'a rule without a name gets one': {
    page: elements,
    run: async (lab) => {
      await takes(rule({ id: '' }) + rule({ id: '', filter: '<Filter><Prefix>b</Prefix></Filter>' }))(lab);
      const ids = (await lifecycleOf(lab).get(lab.bucket))
        .xml()
        .all('Rule')
        .map((one) => one.value('ID'));
      expect(new Set(ids).size).to.equal(2);
      expect(ids).to.not.include('');
    },
  },
  'the old form has its Prefix in the rule': {
    page: filters,
    run: async (lab) => {
      await takes(rule({ filter: '<Prefix>logs/</Prefix>' }))(lab);
      const found = (await lifecycleOf(lab).get(lab.bucket)).xml().child('Rule');
      expect(found?.value('Prefix')).to.equal('logs/');
      expect(found?.child('Filter')).to.equal(undefined);
    },
  },
  'an empty prefix means all objects': { page: filters, run: takes(rule({ filter: '<Prefix/>' })) },
  'the smallest size for transitions comes back, all_storage_classes_128K by default': async (lab) => {
    const header = 'x-amz-transition-default-minimum-object-size';
    expectStatus(await lifecycleOf(lab).put(lab.bucket, rule()), 200);
    expect((await lifecycleOf(lab).get(lab.bucket)).headers[header]).to.equal('all_storage_classes_128K');
    const put = await lifecycleOf(lab).put(lab.bucket, rule(), { headers: { [header]: 'varies_by_storage_class' } });
    expect(put.headers[header]).to.equal('varies_by_storage_class');
    expect((await lifecycleOf(lab).get(lab.bucket)).headers[header]).to.equal('varies_by_storage_class');
  },
  'deleting takes the rules away, with 204': {
    page: api('DeleteBucketLifecycle'),
    run: async (lab) => {
      await takes(rule())(lab);
      expectStatus(await lifecycleOf(lab).remove(lab.bucket), 204);
      expectError(await lifecycleOf(lab).get(lab.bucket), 404, 'NoSuchLifecycleConfiguration');
      expectStatus(await lifecycleOf(lab).remove(lab.bucket), 204);
    },
  },
  'no rule at all is MalformedXML': refuses('', 'MalformedXML'),
  'a document that is not one is MalformedXML': over(['!<LifecycleConfiguration', '!<Other/>'], (inner) =>
    refuses(inner, 'MalformedXML'),
  ),
  'there are at most 1,000 rules': async (lab) => {
    const many = (count: number): string => Array.from({ length: count }, (_, i) => rule({ id: `r${i}` })).join('');
    await takes(many(1000))(lab);
    await refuses(many(1001), 'MalformedXML')(lab);
  },
  'the same name twice is InvalidArgument': { page: elements, run: refuses(rule() + rule(), 'InvalidArgument') },
  'a name has at most 255 characters': {
    page: elements,
    run: async (lab) => {
      await takes(rule({ id: 'i'.repeat(255) }))(lab);
      await refuses(rule({ id: 'i'.repeat(256) }), 'InvalidArgument')(lab);
    },
  },
  'a status other than Enabled and Disabled is MalformedXML': {
    page: elements,
    ...over(['enabled', 'On', ''], (status) => refuses(rule({ status }), 'MalformedXML')),
  },
  'a rule without action is InvalidRequest': { page: elements, run: refuses(rule({ actions: '' }), 'InvalidRequest') },
  'a rule without filter and prefix is MalformedXML': { page: filters, run: refuses(rule({ filter: '' }), 'MalformedXML') },
  'a filter and a prefix in one rule is MalformedXML': {
    page: filters,
    run: refuses(rule({ filter: '<Filter/><Prefix>a</Prefix>' }), 'MalformedXML'),
  },
  'rules of the old and the new form do not go together': {
    page: filters,
    run: refuses(rule() + rule({ id: 'old', filter: '<Prefix>a</Prefix>' }), 'InvalidRequest'),
  },
  'each kind of filter is taken alone': {
    page: filters,
    ...over(
      {
        prefix: '<Prefix>a</Prefix>',
        tag: tag('k', 'v'),
        above: '<ObjectSizeGreaterThan>0</ObjectSizeGreaterThan>',
        below: '<ObjectSizeLessThan>1</ObjectSizeLessThan>',
      },
      (inner) => takes(rule({ filter: `<Filter>${inner}</Filter>` })),
    ),
  },
  'two conditions need an And': {
    page: filters,
    run: refuses(rule({ filter: `<Filter><Prefix>a</Prefix>${tag('k', 'v')}</Filter>` }), 'MalformedXML'),
  },
  'an And needs two conditions': {
    page: filters,
    ...over({ none: '', 'a prefix alone': '<Prefix>a</Prefix>', 'a tag alone': tag('k', 'v') }, (inner) =>
      refuses(rule({ filter: `<Filter><And>${inner}</And></Filter>` }), 'MalformedXML'),
    ),
  },
  'an And takes several tags, each key once': {
    page: filters,
    run: async (lab) => {
      const and = (...tags: string[]): string => rule({ filter: `<Filter><And>${tags.join('')}</And></Filter>` });
      await takes(and(tag('a', '1'), tag('b', '2')))(lab);
      await refuses(and(tag('a', '1'), tag('a', '2')), 'InvalidRequest')(lab);
    },
  },
  'a smallest size above the largest is InvalidRequest': {
    page: filters,
    ...over(['5', '6'], (below) =>
      refuses(
        rule({
          filter: `<Filter><And><ObjectSizeGreaterThan>6</ObjectSizeGreaterThan><ObjectSizeLessThan>${below}</ObjectSizeLessThan></And></Filter>`,
        }),
        'InvalidRequest',
      ),
    ),
  },
  'a prefix has at most 1,024 bytes': {
    page: filters,
    run: refuses(rule({ filter: `<Filter><Prefix>${'p'.repeat(1025)}</Prefix></Filter>` }), 'InvalidRequest'),
  },
  'days are a positive whole number': {
    page: elements,
    ...over(
      {
        'expiration 0': '<Expiration><Days>0</Days></Expiration>',
        'expiration -1': '<Expiration><Days>-1</Days></Expiration>',
        'noncurrent 0': noncurrent('<NoncurrentDays>0</NoncurrentDays>'),
        'uploads 0': abort('0'),
      },
      (actions) => refuses(rule({ actions }), 'InvalidArgument'),
    ),
  },
  'days may be more than a calendar has': {
    page: elements,
    run: async (lab) => {
      const [key, days] = [lab.key(), '2147483647'];
      await takes(
        rule({ actions: `<Expiration><Days>${days}</Days></Expiration>` }) + rule({ id: 'uploads', actions: abort(days) }),
      )(lab);
      await lab.put(key, 'x');
      expect((await lab.head(key)).headers['x-amz-expiration']).to.match(/^expiry-date="\w{3}, \d+ \w{3} \d+ 00:00:00 GMT"/);
      const begun = expectStatus(await lab.send('POST', key, { query: 'uploads' }), 200);
      expect(begun.headers['x-amz-abort-date']).to.match(/^\w{3}, \d+ \w{3} \d+ 00:00:00 GMT$/);
      const uploadId = begun.xml().value('UploadId');
      expectStatus(await lab.send('GET', key, { query: { uploadId } }), 200);
    },
  },
  'days that are no number are MalformedXML': {
    page: elements,
    ...over(['x', '1.5', ''], (days) =>
      refuses(rule({ actions: `<Expiration><Days>${days}</Days></Expiration>` }), 'MalformedXML'),
    ),
  },
  'a date must be midnight': {
    page: elements,
    run: refuses(rule({ actions: '<Expiration><Date>2030-01-02T03:00:00Z</Date></Expiration>' }), 'InvalidArgument'),
  },
  'an expiration has one of days, date and delete marker': {
    page: elements,
    ...over(
      {
        none: '',
        two: '<Days>1</Days><Date>2030-01-02T00:00:00Z</Date>',
        'days and marker': '<Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>',
      },
      (inner) => refuses(rule({ actions: `<Expiration>${inner}</Expiration>` }), 'MalformedXML'),
    ),
  },
  'expired delete markers go with no tags': {
    page: elements,
    run: refuses(
      rule({
        filter: `<Filter>${tag('k', 'v')}</Filter>`,
        actions: '<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>',
      }),
      'InvalidRequest',
    ),
  },
  'unfinished uploads have no tags and no size': {
    page: elements,
    ...over({ tags: tag('k', 'v'), size: '<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan>' }, (inner) =>
      refuses(rule({ filter: `<Filter>${inner}</Filter>`, actions: abort('1') }), 'InvalidRequest'),
    ),
  },
  'noncurrent versions to keep are 1 to 100, and need their days': {
    page: elements,
    run: async (lab) => {
      const keep = (count: number): string =>
        noncurrent(`<NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>${count}</NewerNoncurrentVersions>`);
      await takes(rule({ actions: keep(100) }))(lab);
      await refuses(rule({ actions: keep(0) }), 'InvalidArgument')(lab);
      await refuses(rule({ actions: keep(101) }), 'InvalidArgument')(lab);
      await refuses(rule({ actions: noncurrent('<NewerNoncurrentVersions>1</NewerNoncurrentVersions>') }), 'MalformedXML')(lab);
    },
  },
  'what refuses leaves the rules as they were': async (lab) => {
    await takes(rule({ id: 'stays' }))(lab);
    await refuses(rule({ status: 'x' }), 'MalformedXML')(lab);
    expect((await lifecycleOf(lab).get(lab.bucket)).text).to.contain('stays');
  },
  'another account reads and changes none': async (lab) => {
    const theirs = documentsOf(lab.otherAccount(), 'lifecycle', 'LifecycleConfiguration');
    for (const answer of [await theirs.get(lab.bucket), await theirs.put(lab.bucket, rule()), await theirs.remove(lab.bucket)])
      expect(answer.status).to.be.oneOf([403, 404]);
  },
});

suite('x-amz-expiration', guide('lifecycle-expire-general-considerations'), {
  'PUT, GET and HEAD say when an object expires, and by which rule': async (lab) => {
    await takes(
      rule({
        id: 'by name',
        filter: '<Filter><Prefix>old/</Prefix></Filter>',
        actions: '<Expiration><Days>2</Days></Expiration>',
      }),
    )(lab);
    const key = `old/${lab.key()}`;
    const put = await lab.put(key, 'x');
    const day = 24 * 3600 * 1000;
    // Of the day in which it was written, which may be over when it is answered.
    const written = Date.parse((await lab.head(key)).headers['last-modified'] ?? '');
    const midnight = new Date((Math.floor(written / day) + 3) * day).toUTCString();
    const expected = `expiry-date="${midnight}", rule-id="by%20name"`;
    expect(put.headers['x-amz-expiration']).to.equal(expected);
    expect((await lab.get(key)).headers['x-amz-expiration']).to.equal(expected);
    expect((await lab.head(key)).headers['x-amz-expiration']).to.equal(expected);
    const other = lab.key();
    expect((await lab.put(other, 'x')).headers['x-amz-expiration']).to.equal(undefined);
    expect((await lab.get(other)).headers['x-amz-expiration']).to.equal(undefined);
  },
  'the earliest of several rules counts': async (lab) => {
    const days = (count: number): string => `<Expiration><Days>${count}</Days></Expiration>`;
    await takes(
      rule({ id: 'late', actions: days(9) }) +
        rule({ id: 'soon', actions: days(3) }) +
        rule({ id: 'off', status: 'Disabled', actions: days(1) }),
    )(lab);
    expect((await lab.put(lab.key(), 'x')).headers['x-amz-expiration']).to.match(/rule-id="soon"$/);
  },
  'sizes count': async (lab) => {
    await takes(rule({ filter: '<Filter><ObjectSizeGreaterThan>3</ObjectSizeGreaterThan></Filter>' }))(lab);
    expect((await lab.put(lab.key(), 'four')).headers['x-amz-expiration']).to.not.equal(undefined);
    expect((await lab.put(lab.key(), 'one')).headers['x-amz-expiration']).to.equal(undefined);
  },
  'a rule that is taken back says nothing any more': async (lab) => {
    await takes(rule())(lab);
    const key = lab.key();
    await lab.put(key, 'x');
    expectStatus(await lifecycleOf(lab).remove(lab.bucket), 204);
    expect((await lab.get(key)).headers['x-amz-expiration']).to.equal(undefined);
  },
});
