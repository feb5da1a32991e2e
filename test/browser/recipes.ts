import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { findProgram } from '../support/programs.ts';
import type { Stage } from './browser.ts';

const NAMES = [
  'Windows',
  'macOS',
  'GNOME',
  'KDE',
  'davfs2',
  'rclone mount',
  'rclone.conf (S3)',
  'aws-cli',
  's3cmd',
  'restic',
  'Nextcloud',
];

/** The steps of every client as the page shows them, with copy buttons; and those that this machine has programs for are done as they stand there. */
export async function runRecipes({ gateway }: Stage, page: Page, password: string, secret: string): Promise<void> {
  const steps = await stepsOf(page);
  expect([...steps.keys()]).to.deep.equal(NAMES);
  const { host, hostname, port } = new URL(gateway.webUrl);
  const of = (name: string): string[] => steps.get(name) ?? [];
  const at = (name: string, index: number): string => of(name)[index] ?? '';
  expect(of('Windows')[2]).to.equal(`net use X: \\\\${hostname}@${port}\\dav\\home /user:${gateway.user} *`);
  expect(of('macOS')).to.deep.equal([
    `http://${host}/dav/home/`,
    `mkdir -p ~/cloudstore && mount_webdav -i 'http://${host}/dav/home/' ~/cloudstore`,
    password,
  ]);
  expect(of('GNOME')).to.deep.equal([`dav://${host}/dav/home/`, `gio mount 'dav://${host}/dav/home/'`, password]);
  expect(of('KDE')).to.deep.equal([`webdav://${host}/dav/home/`, `dolphin 'webdav://${host}/dav/home/'`, password]);
  expect(of('davfs2')[1]).to.equal(`sudo mount -t davfs -o uid=$(id -u) 'http://${host}/dav/home/' /mnt/cloudstore`);

  const home = mkdtempSync(join(tmpdir(), 'cloudstore-recipes-'));
  try {
    mkdirSync(join(home, 'Documents'));
    writeFileSync(join(home, 'Documents', 'a.txt'), 'to be kept');
    writeFileSync(join(home, 's3.conf'), at('rclone.conf (S3)', 0));
    writeFileSync(join(home, '.s3cfg'), at('s3cmd', 0));
    const runs: Run[] = [
      [
        'rclone',
        `${at('rclone mount', 0)}\n${at('rclone mount', 2).replace('rclone mount', 'rclone ls').replace(/ ~.*/, '')}`,
        password,
        'notes.txt',
        { RCLONE_CONFIG: join(home, 'dav.conf') },
      ],
      ['rclone', at('rclone.conf (S3)', 1), '', ' home', { RCLONE_CONFIG: join(home, 's3.conf') }],
      ['aws', `${at('aws-cli', 0)}\n${at('aws-cli', 2)}`, secret, 'notes.txt'],
      ['s3cmd', at('s3cmd', 1), '', 's3://home/notes.txt'],
    ];
    // It takes its time to make a key of a password.
    if (process.env.CLOUDSTORE_TEST_LONG === '1')
      runs.push([
        'restic',
        [0, 2, 3].map((index) => at('restic', index)).join('\n'),
        secret,
        'snapshot',
        { RESTIC_PASSWORD: 'x' },
      ]);
    await runAll(runs, home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Those of a device that reaches one folder below `Photos/`, with a name that shells could misread. */
export async function runLimitedRecipes(
  { gateway }: Stage,
  page: Page,
  folder: string,
  password: string,
  secret: string,
): Promise<void> {
  const steps = await stepsOf(page);
  const at = (name: string, index: number): string => steps.get(name)?.[index] ?? '';
  const { host, hostname, port } = new URL(gateway.webUrl);
  const address = `${host}/dav/home/Photos/${encodeURIComponent(folder).replaceAll("'", "'\\''")}/`;
  expect(at('Windows', 0)).to.include(`rclone mount 'cloudstore:home/Photos/${folder.replaceAll("'", "''")}' X:`);
  expect(at('Windows', 2)).to.include(`"\\\\${hostname}@${port}\\dav\\home\\Photos\\${folder}" /user:`);
  for (const [name, index, protocol] of [
    ['macOS', 1, 'http'],
    ['GNOME', 1, 'dav'],
    ['KDE', 1, 'webdav'],
    ['davfs2', 1, 'http'],
  ] as const)
    expect(at(name, index)).to.include(`'${protocol}://${address}'`);
  const home = mkdtempSync(join(tmpdir(), 'cloudstore-recipes-'));
  try {
    writeFileSync(join(home, 's3.conf'), at('rclone.conf (S3)', 0));
    writeFileSync(join(home, '.s3cfg'), at('s3cmd', 0));
    const mounted = at('rclone mount', 2).replace('rclone mount', 'rclone ls').replace(/ ~.*/, '');
    const runs: Run[] = [
      ['rclone', `${at('rclone mount', 0)}\n${mounted}`, password, 'one.txt', { RCLONE_CONFIG: join(home, 'dav.conf') }],
      ['rclone', at('rclone.conf (S3)', 1), '', 'one.txt', { RCLONE_CONFIG: join(home, 's3.conf') }],
      ['aws', `${at('aws-cli', 0)}\n${at('aws-cli', 2)}`, secret, 'one.txt'],
      ['s3cmd', at('s3cmd', 1), '', 'one.txt'],
    ];
    await runAll(runs, home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** By the client's name; each command with a button that copies it. */
async function stepsOf(page: Page): Promise<Map<string, string[]>> {
  const steps = new Map<string, string[]>();
  for (const tab of await page.getByRole('tab').all()) {
    await tab.click();
    steps.set((await tab.textContent()) ?? '', await page.locator('#recipe code').allTextContents());
    expect(await page.locator('#recipe').getByRole('button', { name: 'Copy' }).count()).to.equal(
      await page.locator('#recipe code').count(),
    );
  }
  return steps;
}

/** A program, what is done by it, what is typed, and what it shows then. */
type Run = [program: string, script: string, input: string, shows: string, env?: Record<string, string>];

async function runAll(runs: readonly Run[], home: string): Promise<void> {
  await Promise.all(
    runs
      .filter(([program]) => findProgram(program) !== null)
      .map(async ([program, script, input, shows, env = {}]) => {
        const { code, output } = await shell(script, input, { PATH: process.env.PATH, HOME: home, ...env });
        expect(code, `${program}: ${output}`).to.equal(0);
        expect(output, program).to.include(shows);
      }),
  );
}

function shell(script: string, input: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-ec', script], { env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
    child.stdin.end(`${input}\n`);
  });
}
