import { expect } from 'chai';
import { z } from 'zod';
import { type Route, takesKey } from '#protocols/rest/route';
import { ROUTES } from '#protocols/rest/routes';

/** What each route of REST promises, read off its declaration: a new one that says nothing fails. */
describe('routes of REST, as they are declared', () => {
  const fieldsOf = (route: Route): string[] => {
    const answer = route.answers[200]?.schema;
    if (!(answer instanceof z.ZodObject)) return [];
    return Object.entries(answer.shape)
      .filter(([, field]) => field instanceof z.ZodArray)
      .map(([name]) => name);
  };
  const reading = (operation: string): Route | undefined => ROUTES.find((route) => route.operation === operation);
  /** Lists within an answer that is about one thing. */
  const OF_ONE = [
    'GetGroup',
    'SystemInfo',
    'Health',
    'Settings',
    'StorageHealth',
    'Stats',
    'LoadHistory',
    'Integrity',
    'SecondFactors',
    'GetLink',
    'LinkedOidc',
    'GetPublicLink',
  ];

  it('change under If-Match what a read tells, or say why there is nothing to match', () => {
    for (const route of ROUTES.filter(({ method }) => ['put', 'patch', 'delete'].includes(method))) {
      const { operation, changes, headers } = route;
      if (headers?.['If-Match'] !== undefined) {
        expect(changes, operation).to.equal(undefined);
        continue;
      }
      expect(changes, `${operation} takes no If-Match, and does not say why`).to.not.equal(undefined);
      if (typeof changes === 'object') {
        expect(changes.none, operation).to.have.length.above(10);
        continue;
      }
      const read = reading(changes ?? '');
      expect(read?.state, `${operation} is held against ${changes}, which tells no state`).to.not.equal(undefined);
      expect([read?.method, read?.path], operation).to.deep.equal(['get', route.path]);
    }
  });

  it('make or do something once, however often it is sent with its Idempotency-Key, but for streams, uploads and log-ins', () => {
    const without = ROUTES.filter((route) => route.method === 'post' && !takesKey(route)).map(({ operation }) => operation);
    expect(without.toSorted()).to.deep.equal(
      [
        ...['Login', 'BeginPasskeyLogin', 'LoginByPasskey', 'Refresh', 'BeginSetup', 'RedeemClaim', 'UnlockPublicLink'], // nobody is known yet whose key it would be
        ...['CreateUpload', 'OverrideUpload', 'BeginDrop'], // tus: an upload that is begun twice is one that expires
        'Zip', // a stream
      ].toSorted(),
    );
  });

  it('give lists by pages with a cursor, or say why they are short', () => {
    for (const route of ROUTES.filter(({ method }) => method === 'get')) {
      const { operation, short } = route;
      const lists = fieldsOf(route);
      const paged = route.query !== undefined && 'cursor' in route.query.shape;
      if (paged) expect(Object.keys(route.query?.shape ?? {}), operation).to.include('limit');
      if (paged || lists.length === 0 || OF_ONE.includes(operation)) continue;
      expect(short, `${operation} lists ${lists} without a cursor, and does not say why`).to.be.a('string').with.length.above(5);
    }
  });

  it('answer a next cursor wherever they take one', () => {
    for (const route of ROUTES.filter(
      ({ method, query }) => method === 'get' && query !== undefined && 'cursor' in query.shape,
    )) {
      const answer = route.answers[200]?.schema;
      const shapes = answer instanceof z.ZodUnion ? answer.options : [answer];
      const told = shapes.some((one) => one instanceof z.ZodObject && 'next' in one.shape);
      expect(told, route.operation).to.equal(true);
    }
  });
});
