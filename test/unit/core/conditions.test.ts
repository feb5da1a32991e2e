import { expect } from 'chai';
import { type Conditions, checkConditions } from '#core/conditions';
import { CloudStoreError } from '#core/errors';
import { parseRange, resolveRange } from '#core/range';

const AT = Date.UTC(2026, 0, 1, 12, 0, 0, 400);
const CURRENT = { etag: 'e', modified: AT };

/** Conditions, what is there, and the outcome of a read and of a write. */
const TABLE: [Conditions, typeof CURRENT | null, string, string][] = [
  [{}, CURRENT, 'ok', 'ok'],
  [{}, null, 'ok', 'ok'],
  [{ ifMatch: ['e'] }, CURRENT, 'ok', 'ok'],
  [{ ifMatch: ['x', 'e'] }, CURRENT, 'ok', 'ok'],
  [{ ifMatch: ['x'] }, CURRENT, 'precondition_failed', 'precondition_failed'],
  [{ ifMatch: '*' }, CURRENT, 'ok', 'ok'],
  [{ ifMatch: '*' }, null, 'precondition_failed', 'precondition_failed'],
  [{ ifMatch: ['e'] }, null, 'precondition_failed', 'precondition_failed'],
  [{ ifNoneMatch: '*' }, null, 'ok', 'ok'],
  [{ ifNoneMatch: '*' }, CURRENT, 'not_modified', 'precondition_failed'],
  [{ ifNoneMatch: ['e'] }, CURRENT, 'not_modified', 'precondition_failed'],
  [{ ifNoneMatch: ['x'] }, CURRENT, 'ok', 'ok'],
  [{ ifModifiedSince: AT }, CURRENT, 'not_modified', 'ok'],
  [{ ifModifiedSince: AT - 400 }, CURRENT, 'not_modified', 'ok'],
  [{ ifModifiedSince: AT - 1000 }, CURRENT, 'ok', 'ok'],
  [{ ifUnmodifiedSince: AT - 400 }, CURRENT, 'ok', 'ok'],
  [{ ifUnmodifiedSince: AT - 1000 }, CURRENT, 'precondition_failed', 'precondition_failed'],
  [{ ifUnmodifiedSince: AT - 1000 }, null, 'ok', 'ok'],
  // RFC 9110 §13.2.2: an ETag's word goes before a date's.
  [{ ifMatch: ['e'], ifUnmodifiedSince: AT - 1000 }, CURRENT, 'ok', 'ok'],
  [{ ifNoneMatch: ['x'], ifModifiedSince: AT }, CURRENT, 'ok', 'ok'],
  [{ ifMatch: ['e'], ifNoneMatch: ['e'] }, CURRENT, 'not_modified', 'precondition_failed'],
];

describe('conditions', () => {
  for (const [conditions, current, read, write] of TABLE) {
    it(`${JSON.stringify(conditions)} on ${current === null ? 'nothing' : 'an object'}: ${read}, ${write}`, () => {
      expect(outcome(() => checkConditions(conditions, current, 'read'))).to.equal(read);
      expect(outcome(() => checkConditions(conditions, current, 'write'))).to.equal(write);
    });
  }
});

describe('ranges', () => {
  const cut = (header: string, size: number): unknown =>
    parseRange(header)?.map((request) => {
      const range = { start: -1, end: -1 };
      const code = outcome(() => Object.assign(range, resolveRange(request, size)));
      return code === 'ok' ? `${range.start}-${range.end}` : code;
    }) ?? null;

  const table: [string, number, unknown][] = [
    ['bytes=0-0', 10, ['0-0']],
    ['bytes=0-', 10, ['0-9']],
    ['bytes=5-100', 10, ['5-9']],
    ['BYTES=2-3', 10, ['2-3']],
    ['bytes=-3', 10, ['7-9']],
    ['bytes=-100', 10, ['0-9']],
    ['bytes=-0', 10, ['invalid_range']],
    ['bytes=10-', 10, ['invalid_range']],
    ['bytes=10-20', 10, ['invalid_range']],
    ['bytes=0-', 0, ['invalid_range']],
    ['bytes=-1', 0, ['invalid_range']],
    ['bytes=0-1, 4-5 ,-1', 10, ['0-1', '4-5', '9-9']],
    ['bytes=5-4', 10, null],
    ['bytes=', 10, null],
    ['bytes=-', 10, null],
    ['bytes=a-b', 10, null],
    ['bytes=1-2-3', 10, null],
    ['bytes=+1-2', 10, null],
    ['bytes=9999999999999999-', 10, null],
    ['items=0-1', 10, null],
    [`bytes=${Array(17).fill('0-0').join(',')}`, 10, null],
  ];
  for (const [header, size, expected] of table) {
    it(`${header.slice(0, 30)} of ${size}: ${JSON.stringify(expected)}`, () => expect(cut(header, size)).to.deep.equal(expected));
  }
});

function outcome(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    return error instanceof CloudStoreError ? error.code : String(error);
  }
}
