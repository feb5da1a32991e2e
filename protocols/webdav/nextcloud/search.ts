import type { Sieve, SieveQuery } from '#contracts/sieve';
import type { Bucket } from '#core/bucket';
import { answer, DAV_CLASSES, readXml } from '../answer.ts';
import { DavError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { answerReport, readReport } from '../methods/report.ts';
import { openMultistatus } from '../multistatus.ts';
import { OWNCLOUD } from '../owncloud.ts';
import { folderKey, parsePath } from '../paths.ts';
import { gatherContext } from '../properties/context.ts';
import { namesIn } from '../properties/propfind-request.ts';
import { compileRenderer } from '../properties/render.ts';
import type { PropertyName } from '../properties/table.ts';
import { rightsOn } from '../rights.ts';
import { createMemberFinder } from '../sync/members.ts';
import { davChild } from '../xml-element.ts';
import { filesBase } from './mounts.ts';
import { parseFilter, parseSearch, RESULTS_MAX } from './search-request.ts';

const ALLOWED = 'OPTIONS, SEARCH';

export interface Searching {
  /** SEARCH at `/remote.php/dav/`, and OPTIONS, by which Android's app asks whether there is one. */
  serve(x: Exchange, home: Bucket): Promise<void>;
  /** `oc:filter-files`, by which the apps list favorites; every other report is the mount's. */
  report(x: Exchange, home: Bucket): Promise<void>;
}

/** How the apps look through the user's files: by name, for pictures, for what is new, for favorites, by id. */
export function createSearching({ sieve }: { sieve: Sieve }): Searching {
  async function tell(x: Exchange, home: Bucket, query: Omit<SieveQuery, 'bucket'>, names: PropertyName[]): Promise<void> {
    // May they list it? The rows do not ask.
    await x.deps.namespace.list(x.who, { bucket: home.id, prefix: query.prefix, delimiter: '/', after: '', limit: 0 });
    const found = await sieve.find({ ...query, bucket: home.id }, x.cx.signal);
    const renderer = compileRenderer({ kind: 'prop', names }, { compact: false, minimal: false });
    const root = `${filesBase(x.who.principal.name)}/`;
    const finder = createMemberFinder(x, home.id, '', root);
    const context = await gatherContext(x, renderer.needs, {
      buckets: [home],
      place: null,
      key: query.prefix,
      below: query.deep,
    });
    const out = openMultistatus(x);
    for (const entry of found) {
      if (!(await rightsOn(x, home, entry.key)).read) continue;
      const { href, displayName } = await finder.of(entry);
      await context.prepare([entry]);
      await out.add(renderer.response(entry, displayName, href, context));
    }
    await out.end();
  }

  return {
    async serve(x, home) {
      const { method } = x.req;
      if (method === 'OPTIONS') return answer(x.res, 200, { DAV: DAV_CLASSES, Allow: ALLOWED, DASL: '<DAV:basicsearch>' });
      if (method !== 'SEARCH') throw new DavError(405, 'Here is searched only.', { headers: { Allow: ALLOWED } });
      const { names, scope, ...query } = parseSearch(await readXml(x));
      const base = filesBase(x.who.principal.name);
      const path = scope.startsWith('/files/') ? `/remote.php/dav${scope}` : scope;
      const place = parsePath({ base, bucket: home.name }, path.replace(/^https?:\/\/[^/]*/i, ''));
      if (place?.kind !== 'place')
        throw new DavError(409, 'What is searched is below your own files.', { condition: 'search-scope-valid' });
      await tell(x, home, { prefix: folderKey(place), ...query }, names);
    },
    async report(x, home) {
      const body = await readReport(x);
      if (body.namespace !== OWNCLOUD || body.name !== 'filter-files') return answerReport(x, body);
      const prefix = x.target.kind === 'place' ? folderKey(x.target) : '';
      const query = { prefix, deep: true, where: parseFilter(body), order: [], limit: RESULTS_MAX };
      await tell(x, home, query, namesIn(davChild(body, 'prop')));
    },
  };
}
