import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '../..');
const HEADING = '## Attacks and their tests';

const UNTOUCHED = '## What cannot touch this gateway';

interface Row {
  class: string;
  doors: string;
  file: string;
  title: string;
}

/** The rows of the table below the heading: class, doors, then a file and the title of a test in it. */
function rowsOf(document: string): Row[] {
  const [, section = ''] = document.split(`${HEADING}\n`);
  let last = '';
  return section
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => /^\|(?! *-+ *\|| *Class)/.test(line))
    .map((line) => {
      const [, what = '', doors = '', file = '', title = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      last = what === '' ? last : what;
      return { class: last, doors, file: file.replace(/`/g, ''), title: title.replace(/\\\|/g, '|') };
    });
}

/** What is wrong with the rows; a title must stand in its file as that of a test. */
function mistakesIn(rows: readonly Row[], read: (file: string) => string | null): string[] {
  return rows.flatMap(({ file, title }) => {
    const source = read(file);
    if (source === null) return [`${file} is not there`];
    const quoted = [`'${title.replace(/'/g, "\\'")}'`, `"${title}"`, `\`${title}\``];
    return title !== '' && quoted.some((one) => source.includes(one)) ? [] : [`${file} has no test of the title "${title}"`];
  });
}

describe('the table of attacks in docs/THREAT-MODEL.md', () => {
  const document = readFileSync(join(ROOT, 'docs/THREAT-MODEL.md'), 'utf8');
  const rows = rowsOf(document);
  const read = (file: string): string | null => (existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : null);

  it('names for each class a test that is there', () => {
    expect(new Set(rows.map((row) => row.class)).size).to.be.at.least(45);
    expect(mistakesIn(rows, read)).to.deep.equal([]);
    expect(rows.filter(({ doors }) => doors === '')).to.deep.equal([]);
    const said = rows.map((row) => Object.values(row).join(' | '));
    expect(said.filter((one, index) => said.indexOf(one) !== index)).to.deep.equal([]);
  });

  it('has a reason for each class that has no test', () => {
    const [, section = ''] = document.split(`${UNTOUCHED}\n`);
    const classes = [...section.matchAll(/^\|([^|]+)\|([^|]+)\|$/gm)]
      .slice(2)
      .map(([, what = '', why = '']) => [what.trim(), why.trim()]);
    expect(classes).to.have.length.of.at.least(10);
    for (const [what, why] of classes) expect(why, what).to.have.length.of.at.least(10);
    const tested = new Set(rows.map((row) => row.class));
    expect(classes.filter(([what]) => tested.has(what ?? ''))).to.deep.equal([]);
  });

  it('is caught where it names a test that is not there', () => {
    const planted = { class: 'x', doors: 'y', file: rows[0]!.file, title: 'a test that nobody wrote' };
    expect(mistakesIn([planted, { ...planted, file: 'test/nowhere.ts' }], read)).to.have.length(2);
  });
});
