import { expect } from 'chai';
import { createSendBuffers } from '#http/send-buffers';
import { escapeXml } from '#http/xml';
import { listingMarkup } from '#protocols/s3/operations/list-markup';
import { encodeUri } from '#protocols/s3/uri';
import { type BriefEntry, rowOf } from '../../support/brief-rows.ts';
import { quickDice, SEED } from '../../support/random.ts';

type Shown = Exclude<BriefEntry, { prefix: string }>;

describe('the entries of a page of S3', () => {
  const buffers = createSendBuffers([4096], 2);
  const pick = quickDice(SEED).below;
  const owner = { ID: 'f00', DisplayName: 'A & B' };
  const checksums = [null, { algorithm: 'crc64nvme', type: 'FULL_OBJECT' }, { algorithm: 'sha256', type: 'COMPOSITE' }] as const;
  const nameOf = (): string =>
    Array.from({ length: 1 + pick(30) }, () => String.fromCodePoint(1 + pick(pick(2) ? 0x7f : 0xd7ff))).join('');
  const entry = (): BriefEntry =>
    pick(4) === 0
      ? { prefix: nameOf() }
      : {
          name: nameOf(),
          etag: ['0123456789abcdef0123456789abcdef', 'ab-2'][pick(2)] as string,
          size: pick(2) ? pick(100) : pick(2 ** 31) * 1000,
          modified: 1_700_000_000_000 + pick(2 ** 31),
          checksum: checksums[pick(3)] ?? null,
          storageClass: pick(3) === 0 ? '<GLACIER>' : null,
        };

  for (const as of ['object', 'version'] as const) {
    for (const encoding of ['url', 'xml'] as const) {
      it(`are what the model says, as ${as}, names as ${encoding}`, () => {
        const name = (text: string): string => escapeXml(encoding === 'url' ? encodeUri(text, true) : text);
        const markup = listingMarkup({ buffers, encoding, owner: as === 'object' && pick(2) ? undefined : owner, as, limit: 1 });
        // Shown once in vain: the database was lost.
        for (const show = markup.begin(), vain = [entry(), entry(), { prefix: 'vain/' }]; vain.length > 0; )
          show(rowOf(vain.pop() as BriefEntry));
        const entries = Array.from({ length: 200 }, entry);
        const show = markup.begin();
        for (const one of entries) show(rowOf(one));
        const { objects, prefixes } = markup.done();
        const whose = objects.bytes().includes('<Owner>')
          ? '<Owner><DisplayName>A &amp; B</DisplayName><ID>f00</ID></Owner>'
          : '';
        const kind = ({ checksum }: Shown): string =>
          checksum === null
            ? ''
            : `<ChecksumAlgorithm>${checksum.algorithm.toUpperCase()}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`;
        const text = (one: Shown): string => {
          const date = `<LastModified>${new Date(one.modified).toISOString()}</LastModified>`;
          const about = `<ETag>&quot;${one.etag}&quot;</ETag>${kind(one)}<Size>${one.size}</Size><StorageClass>${one.storageClass === null ? 'STANDARD' : '&lt;GLACIER&gt;'}</StorageClass>`;
          return as === 'object'
            ? `<Contents><Key>${name(one.name)}</Key>${date}${about}${whose}</Contents>`
            : `<Version>${about}<Key>${name(one.name)}</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>${date}${whose}</Version>`;
        };
        const [files, folders] = [entries.filter((one) => 'name' in one), entries.filter((one) => 'prefix' in one)];
        const told = `CLOUDSTORE_TEST_SEED=${SEED}`;
        expect(objects.bytes().toString(), told).to.equal(files.map(text).join(''));
        expect(prefixes?.bytes().toString() ?? '', told).to.equal(
          folders.map(({ prefix }) => `<CommonPrefixes><Prefix>${name(prefix)}</Prefix></CommonPrefixes>`).join(''),
        );
      });
    }
  }
});
