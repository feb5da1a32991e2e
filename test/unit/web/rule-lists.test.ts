import { expect } from 'chai';
import { covers, expiryOf, type LifecycleRule, noncurrentExpiryOf, uploadExpiryOf } from '#core/lifecycle';
import { isObject, type Json } from '../../../web/src/admin/json.ts';
import {
  CORS,
  documentOf,
  LIFECYCLE,
  NOTIFICATION,
  type Rule,
  type RuleKind,
  ruleFrom,
  rulesOf,
} from '../../../web/src/admin/rule-lists.ts';
import { type Dice, diceOf, SEED } from '../../support/random.ts';

const ROUNDS = 120;
const KINDS: Readonly<Record<string, { kind: RuleKind; make: (dice: Dice) => Json }>> = {
  lifecycle: { kind: LIFECYCLE, make: lifecycleDocument },
  cors: { kind: CORS, make: (dice) => ({ CORSRules: several(dice, corsRule) }) },
  notification: {
    kind: NOTIFICATION,
    make: (dice) => ({
      QueueConfigurations: several(dice, () => notificationRule(dice, 'QueueArn')),
      TopicConfigurations: several(dice, () => notificationRule(dice, 'TopicArn')),
    }),
  },
};

describe('rules of a bucket in the browser', () => {
  before(() => console.log(`    CLOUDSTORE_TEST_SEED=${SEED}`));

  for (const [name, { kind, make }] of Object.entries(KINDS)) {
    it(`${name}: a form says all that a rule says, and saves it as it was`, () => {
      const dice = diceOf(`${SEED} ${name}`);
      for (let round = 0; round < ROUNDS; round++) {
        const document = make(dice);
        const rules = rulesOf(kind, document);
        expect(documentOf(kind, document, rules)).to.deep.equal(document);
        for (const rule of rules) {
          expect(rule.values, JSON.stringify(rule.raw)).not.to.equal(null);
          const again = ruleFrom(kind, rule.values ?? {}, rule);
          expect(rulesOf(kind, { [rule.list]: [again.raw] })[0]?.values).to.deep.equal(rule.values);
          expect(kind.meaning(again.raw)).to.deep.equal(kind.meaning(rule.raw));
        }
      }
    });

    it(`${name}: what the form does not know is seen wherever it stands, and stays when others change`, () => {
      const dice = diceOf(`${SEED} ${name} strange`);
      for (let round = 0; round < ROUNDS; round++) {
        const document = { ...make(dice), Beside: { a: [round] } };
        const plain = rulesOf(kind, document);
        const strange = dice.below(plain.length);
        const place = dice.pick(objectsIn(plain[strange]?.raw ?? {}));
        place.Unheard = dice.pick([1, 'x', { of: [] }]);
        const rules = rulesOf(kind, document);
        expect(rules[strange]?.values, JSON.stringify(rules[strange]?.raw)).to.equal(null);
        const kept = structuredClone(rules.map(({ raw }) => raw));
        // One is written anew, one comes, and one goes.
        const written = rules.map((rule) => (rule.values === null ? rule : ruleFrom(kind, rule.values, rule)));
        const added: Rule = ruleFrom(kind, plain[0]?.values ?? {}, null);
        const next = documentOf(kind, document, [...written, added].toSpliced(strange === 0 ? 1 : 0, plain.length > 1 ? 1 : 0));
        expect(next).to.deep.include({ Beside: { a: [round] } });
        expect(rulesOf(kind, next).map(({ raw }) => kind.meaning(raw))).to.deep.include(kind.meaning(kept[strange] ?? {}));
      }
    });
  }

  it('lifecycle: a rule that was written anew does the same to every file', () => {
    const dice = diceOf(`${SEED} does`);
    for (let round = 0; round < ROUNDS; round++) {
      const raw = lifecycleRule(dice, dice.chance(0.2));
      const [rule] = rulesOf(LIFECYCLE, { Rules: [raw] });
      const again = ruleFrom(LIFECYCLE, rule?.values ?? {}, rule ?? null).raw;
      for (let n = 0; n < 20; n++) {
        const subject = {
          key: dice.pick(['a', 'logs/', 'logs/b', 'Ünicode "x" y']),
          size: dice.below(3000),
          tags: dice.pick([null, {}, { a: 'b' }, { a: 'b', 'c d': '' }]),
        };
        const does = (of: Json): unknown[] => {
          const one = of as unknown as LifecycleRule;
          return [
            covers(one, subject),
            expiryOf([one], subject, 0),
            noncurrentExpiryOf([one], subject, 0, n % 4),
            uploadExpiryOf([one], subject.key, 0),
          ];
        };
        expect(does(again), JSON.stringify(raw)).to.deep.equal(does(raw));
      }
    }
  });

  it('lifecycle: prefixes of before there were filters go into filters beside one, and stay without', () => {
    const old = { ID: 'a', Status: 'Disabled', Prefix: 'x/', Expiration: { Days: 3 } };
    const rules = rulesOf(LIFECYCLE, { Rules: [old] });
    expect(rules[0]?.values).to.include({ prefix: 'x/', days: '3', ends: 'days' });
    expect(documentOf(LIFECYCLE, null, rules)).to.deep.equal({ Rules: [old] });
    const fresh = ruleFrom(LIFECYCLE, { ends: 'date', date: '2031-02-03', prefix: '' }, null);
    expect(documentOf(LIFECYCLE, { Rules: [old] }, [...rules, fresh])).to.deep.equal({
      Rules: [
        { ID: 'a', Status: 'Disabled', Filter: { Prefix: 'x/' }, Expiration: { Days: 3 } },
        { Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Date: '2031-02-03T00:00:00.000Z' } },
      ],
    });
  });

  it('knows what a form would tear: signs that divide, line ends, fractions', () => {
    const life = (rule: Json): unknown =>
      rulesOf(LIFECYCLE, { Rules: [{ Status: 'Enabled', Expiration: { Days: 1 }, ...rule }] })[0]?.values;
    expect(life({ Filter: { Tag: { Key: 'a=b', Value: 'c' } } })).to.equal(null);
    expect(life({ Filter: { Tag: { Key: 'a', Value: 'b=c' } } })).to.include({ tags: 'a=b=c' });
    expect(life({ Filter: { Tag: { Key: 'a', Value: ' b' } } })).to.include({ tags: 'a= b' });
    expect(life({ Filter: { Tag: { Key: 'a', Value: 'b ' } } })).to.equal(null);
    expect(life({ Filter: { Prefix: 'a\nb' } })).to.equal(null);
    expect(life({ Filter: {}, Expiration: { Days: 1.5 } })).to.equal(null);
    expect(life({ Filter: {}, Expiration: { ExpiredObjectDeleteMarker: false } })).to.equal(null);
    expect(life({ Filter: {}, Expiration: { Date: '2031-02-03T10:00:00.000Z' } })).to.equal(null);
    expect(life({ Filter: {}, Transitions: [{ Days: 1, StorageClass: 'GLACIER' }] })).to.equal(null);
    const cors = (origin: string): unknown =>
      rulesOf(CORS, { CORSRules: [{ AllowedOrigins: [origin], AllowedMethods: ['GET'] }] })[0]?.values;
    expect(cors('http://a,b')).to.equal(null);
    expect(cors('http://a')).to.include({ origins: 'http://a' });
    for (const odd of [null, 'text', []]) expect(rulesOf(CORS, { CORSRules: [odd] })[0]?.values).to.equal(null);
    expect(rulesOf(CORS, { CORSRules: 'none' })).to.deep.equal([]);
  });

  it('notifications: keeps the kind of target, and its way of being named', () => {
    const renamed = (list: string, member: string, arn: string): unknown => {
      const [rule] = rulesOf(NOTIFICATION, { [list]: [{ [member]: arn, Events: ['s3:ObjectCreated:*'] }] });
      expect(rule?.values).to.include({ target: 'hook' });
      return ruleFrom(NOTIFICATION, { ...rule?.values, target: 'other' }, rule ?? null).raw[member];
    };
    expect(renamed('TopicConfigurations', 'TopicArn', 'arn:aws:sns:eu-1:12:hook')).to.equal('arn:aws:sns:eu-1:12:other');
    expect(renamed('QueueConfigurations', 'QueueArn', 'arn:minio:sqs::hook:webhook')).to.equal('arn:minio:sqs::other:webhook');
    expect(ruleFrom(NOTIFICATION, { target: 'new', events: 's3:ObjectCreated:Put' }, null)).to.deep.include({
      list: 'QueueConfigurations',
      raw: { QueueArn: 'arn:aws:sqs:us-east-1:000000000000:new', Events: ['s3:ObjectCreated:Put'] },
    });
  });

  it('lifecycle: further conditions that were closed again do not count', () => {
    const values = { ends: 'days', days: '1', prefix: 'a', tags: 'b=c', above: '5' };
    expect(ruleFrom(LIFECYCLE, { ...values, more: '' }, null).raw.Filter).to.deep.equal({ Prefix: 'a' });
    expect(ruleFrom(LIFECYCLE, { ...values, more: 'yes' }, null).raw.Filter).to.deep.equal({
      And: { Prefix: 'a', Tags: [{ Key: 'b', Value: 'c' }], ObjectSizeGreaterThan: 5 },
    });
  });
});

function several(dice: Dice, make: (dice: Dice) => Json): Json[] {
  return Array.from({ length: 1 + dice.below(4) }, () => make(dice));
}

/** It or nothing. */
function maybe(dice: Dice, of: Json): Json {
  return dice.chance(0.5) ? of : {};
}

/** Prefixes of before there were filters stand beside no filters. */
function lifecycleDocument(dice: Dice): Json {
  const older = dice.chance(0.2);
  return { Rules: several(dice, () => lifecycleRule(dice, older)) };
}

function lifecycleRule(dice: Dice, older: boolean): Json {
  const tags = [
    { Key: 'a', Value: 'b' },
    { Key: 'c d', Value: '' },
  ].slice(0, dice.below(3));
  const size = { ...maybe(dice, { ObjectSizeGreaterThan: dice.below(900) }), ...maybe(dice, { ObjectSizeLessThan: 1000 }) };
  const Prefix = dice.pick(['', 'logs/', 'Ünicode "x"']);
  const filters: Json[] = [
    { Filter: {} },
    { Filter: { Prefix } },
    { Filter: { Tag: tags[0] ?? { Key: 'a', Value: 'b' } } },
    { Filter: { ObjectSizeLessThan: 1 + dice.below(3000) } },
    { Filter: { And: { Prefix, ...(tags.length === 0 ? {} : { Tags: tags }), ...size } } },
  ];
  const Expiration = dice.pick<Json>([
    { Days: 1 + dice.below(4000) },
    { Date: '2031-02-03T00:00:00.000Z' },
    { Date: '2031-02-03T00:00:00Z' },
    { ExpiredObjectDeleteMarker: true },
  ]);
  return {
    ...maybe(dice, { ID: `rule ${dice.below(99)}` }),
    Status: dice.pick(['Enabled', 'Disabled']),
    ...(older ? { Prefix } : dice.pick(filters)),
    ...maybe(dice, { Expiration }),
    ...maybe(dice, {
      NoncurrentVersionExpiration: { NoncurrentDays: 1 + dice.below(99), ...maybe(dice, { NewerNoncurrentVersions: 3 }) },
    }),
    ...maybe(dice, { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 + dice.below(9) } }),
  };
}

function corsRule(dice: Dice): Json {
  return {
    ...maybe(dice, { ID: 'a rule' }),
    AllowedOrigins: dice.pick([['*'], ['https://a.example', 'http://*.b.example:8080']]),
    AllowedMethods: dice.pick([['GET'], ['PUT', 'HEAD', 'DELETE']]),
    ...maybe(dice, { AllowedHeaders: dice.pick([['*'], ['x-amz-*', 'Content-Type'], []]) }),
    ...maybe(dice, { ExposeHeaders: dice.pick([['ETag'], []]) }),
    ...maybe(dice, { MaxAgeSeconds: dice.below(5000) }),
  };
}

function notificationRule(dice: Dice, arn: string): Json {
  const rules = [
    { Name: dice.pick(['prefix', 'Prefix']), Value: dice.pick(['in/', '']) },
    { Name: dice.pick(['suffix', 'SUFFIX']), Value: '.jpg' },
  ];
  const chosen = dice.pick([rules, [...rules].reverse(), rules.slice(1), []]);
  return {
    ...maybe(dice, { Id: 'n' }),
    [arn]: dice.pick(['arn:aws:sqs:us-east-1:000000000000:hook', 'arn:minio:sqs::hook:webhook', 'arn:cloudstore:webhook:::hook']),
    Events: dice.pick([['s3:ObjectCreated:*'], ['s3:ObjectRemoved:Delete', 's3:ObjectAcl:Put']]),
    ...maybe(dice, { Filter: { Key: { FilterRules: chosen } } }),
  };
}

/** Every object in it, itself too. */
function objectsIn(value: unknown): Json[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn);
  return isObject(value) ? [value, ...Object.values(value).flatMap(objectsIn)] : [];
}
