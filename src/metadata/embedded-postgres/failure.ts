import { CloudStoreError } from '#core/errors';

/** What the server's own words mean for the owner, in one sentence that says what to do. First match wins. */
const SAYINGS: { pattern: RegExp; sentence: string; code: 'unavailable' | 'insufficient_storage' }[] = [
  {
    pattern: /shared memory segment.*No space left|could not create shared memory segment|No space left.*shm/,
    sentence: "the system's shared memory (/dev/shm) is too small; give it 64 MiB (docker run --shm-size=64m)",
    code: 'unavailable',
  },
  {
    pattern: /No space left on device|Disk quota exceeded/,
    sentence: 'the disk is full; free some space and start again',
    code: 'insufficient_storage',
  },
  {
    pattern: /Read-only file system/,
    sentence: 'its file system is read-only; remount it writable, or set CLOUDSTORE_DATA_DIR to another place',
    code: 'unavailable',
  },
  {
    pattern: /Permission denied/,
    sentence: 'a permission is missing in the data directory; it must belong to the user who starts CloudStore',
    code: 'unavailable',
  },
  {
    pattern:
      /could not find the database system|required WAL directory|could not locate a (valid|required) checkpoint record|incorrect checksum in control file|database files are incompatible|(global|base|pg_\w+)\/[^"]*": No such file/,
    sentence:
      'its files are damaged, or some are missing; put the folder "postgres" back from a backup, or make it anew with cloudstore rebuild-index',
    code: 'unavailable',
  },
  {
    pattern: /could not look up effective user/,
    sentence: 'the current user has no name in /etc/passwd; add one, or set CLOUDSTORE_DATABASE_URL',
    code: 'unavailable',
  },
  {
    pattern: /insufficient file descriptors|Too many open files/,
    sentence: 'too few files may be open at a time; raise the limit (ulimit -n 1024, or LimitNOFILE of the service)',
    code: 'unavailable',
  },
  {
    pattern: /Cannot allocate memory|could not map anonymous shared memory/,
    sentence: 'there is not enough memory',
    code: 'unavailable',
  },
];

/** Of a start that another process still hinders: the remains of a killed server go away by themselves within moments. */
const PASSING = /pre-existing shared memory block|lock file ".*" already exists|Is another postmaster/;

/** @param what `could not be initialised`, `does not start` */
export function explainFailure(what: string, output: string): CloudStoreError {
  const saying = SAYINGS.find(({ pattern }) => pattern.test(output));
  const words = saying?.sentence ?? (lastComplaint(output) || 'it gave no reason');
  return new CloudStoreError(saying?.code ?? 'unavailable', `The embedded database ${what}: ${words}.`, {
    details: { output: output.slice(-4000) },
  });
}

/** With less of its disk free than this, a server that says nothing may have had no room for its words. */
const WORDS_BYTES = 2 ** 20;

/** What a server meant to say that ended without a word: its log takes none on a disk that is full, or has no more inodes. '': something else. */
export function unsaid(disks: { bavail: number; bsize: number; files: number; ffree: number }[]): string {
  const full = disks.some(({ bavail, bsize, files, ffree }) => bavail * bsize < WORDS_BYTES || (files > 0 && ffree === 0));
  return full ? 'FATAL: No space left on device' : '';
}

export function isPassing(output: string): boolean {
  return PASSING.test(output);
}

/** Worth no second try. */
export function isPermanent(output: string): boolean {
  return SAYINGS.some(({ pattern }) => pattern.test(output));
}

function lastComplaint(output: string): string {
  const lines = output.split('\n').filter((line) => /FATAL|PANIC|ERROR|error:/.test(line));
  return (lines.at(-1) ?? '').replace(/^.*?(FATAL|PANIC|ERROR|error):\s*/, '').trim();
}
