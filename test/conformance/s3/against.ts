/**
 * The suite against another server, held against what DISAGREEMENTS.md says of it.
 *   node test/conformance/s3/against.ts versitygw [--only=PATTERN] [--answers]
 * Starts the peer (it must be on PATH), runs every case, and names each in which it and we differ and which is not settled yet, with what it answered; and
 * each that is settled and no longer differs. `--answers` prints all that differ, in the form of DISAGREEMENTS.md. A case in which it answers
 * as another peer does is to be settled by itself too. Ends with 1 where a case is not settled.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PEERS, type RunningPeer, startPeer } from '../../support/s3-peers.ts';

/** How a peer answers a case otherwise, and AWS's page of that case. */
interface Difference {
  answer: string;
  page: string;
}

const HERE = import.meta.dirname;
const CHAPTERS = readFileSync(join(HERE, 'DISAGREEMENTS.md'), 'utf8').split(/^## /m);
const ALIKE = 'Where two of them answer alike';
const [name = ''] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const peer = PEERS[name];
if (peer === undefined) throw new Error(`Which peer? ${Object.keys(PEERS).join(', ')}`);
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const directory = mkdtempSync(join(tmpdir(), 'cloudstore-against-'));
try {
  const keys = { accessKeyId: 'conformance00000', secretAccessKey: 'conformance-secret' };
  const running = await startPeer(peer, join(directory, 'peer'), 'started', keys, true);
  if (running === null) throw new Error(`${peer.program} is not on PATH: ${peer.install}`);
  try {
    const differs = await disagreements(running);
    const settled = settledOf(name);
    const open = [...differs].filter(([title]) => !settled.has(title));
    for (const [title, { answer, page }] of process.argv.includes('--answers') ? differs : open)
      console.log(`- ${title} — ${answer} — [${page}]`);
    const alike = [...differs].filter(([title, { answer }]) => isAlike(title, answer));
    for (const [title, { answer }] of alike) console.log(`as another peer, and not settled by itself: ${title} — ${answer}`);
    const over = [...settled.keys()].filter((title) => !differs.has(title));
    if (only === undefined) for (const title of over) console.log(`agrees now: ${title}`);
    console.log(`${name}: ${differs.size} cases differ, ${open.length} of them not settled`);
    process.exitCode = open.length + alike.length > 0 ? 1 : 0;
  } finally {
    await running.stop();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** What fails there, by the case's full title, with what was answered. */
async function disagreements(running: RunningPeer): Promise<Map<string, Difference>> {
  const report = join(directory, 'report.json');
  const mocha = join(HERE, '..', '..', '..', 'node_modules', '.bin', 'mocha');
  const args = [
    '--exit',
    '--reporter',
    'json',
    '--reporter-option',
    `output=${report}`,
    ...(only === undefined ? [] : ['-g', only]),
  ];
  const child = spawn(mocha, [...args, 'test/conformance/s3/*.test.ts'], {
    cwd: join(HERE, '..', '..', '..'),
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      CLOUDSTORE_S3_TEST_ENDPOINT: running.url,
      CLOUDSTORE_S3_TEST_ACCESS_KEY: running.accessKeyId,
      CLOUDSTORE_S3_TEST_SECRET: running.secretAccessKey,
    },
  });
  await new Promise((resolve) => child.once('close', resolve));
  const { failures } = JSON.parse(readFileSync(report, 'utf8')) as {
    failures: { fullTitle: string; err: { message?: string } }[];
  };
  return new Map(
    failures.map(({ fullTitle, err: { message = '' } }) => {
      const page = /See https:\S*\/(?:API_)?([\w-]+)\.html/.exec(message)?.[1] ?? '';
      return [fullTitle.replace('S3 conformance: ', ''), { answer: said(message), page }];
    }),
  );
}

/** Code or beginning of an answer, and what of it is not as expected. */
function said(message: string): string {
  const text = message.replace(/\s+See https:.*$/s, '').replace(/\s+/g, ' ');
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
  const wrong = text.slice(text.lastIndexOf(': expected ') + 1).trim();
  const whole = code === undefined ? wrong : `${/^\d{3} /.exec(text)?.[0] ?? ''}${code}${wrong === text ? '' : `: ${wrong}`}`;
  return whole.replace(/[^\x20-\x7e]/g, '.').slice(0, 140);
}

/** The cases that a peer's chapter lists, with its answers: `- title — answer — [page]`. */
function settledOf(peerName: string): Map<string, string> {
  const chapter = CHAPTERS.find((text) => text.startsWith(`${peerName}\n`)) ?? '';
  return new Map(
    [...chapter.matchAll(/^- (.*?) — (.*?)(?: —)? \[[^\]]*\]$/gm)].map(([, title = '', answer = '']) => [title, answer]),
  );
}

/** Whether another peer answers so too, and no line is about the case itself. To lack an operation says nothing. */
function isAlike(title: string, answer: string): boolean {
  if (answer.includes('501')) return false;
  const others = Object.keys(PEERS).filter((other) => other !== name);
  if (!others.some((other) => settledOf(other).get(title) === answer)) return false;
  return ![...settledOf(ALIKE).keys()].some((settled) => title === settled || title.startsWith(`${settled}: `));
}
