import { CloudStoreError } from '#core/errors';
import { createSharedMemory, mapSharedMemory, type SharedMemory } from '#core/shared-memory';
import { boardBytes, type ChangeBoard, createChangeBoard } from '#metadata/change-board';
import type { Peer } from './peer.ts';

/** Which of a gateway's processes this is. */
export type ProcessRole =
  /** The only one: it does everything. */
  | { kind: 'alone' }
  /** The first of several: the data directory, the database's server, the first run and background work are its; the workers serve. */
  | { kind: 'primary'; processes: number; board: Board | null }
  /** One of those that serve, from 1; one that is started again has its predecessor's number. */
  | { kind: 'worker'; processes: number; number: number; primary: Peer; board: Pick<Board, 'changes'> | null };

/** Where the processes tell each other what they change in the embedded database; null: they can't, or others may change it too. */
export interface Board {
  memory: SharedMemory;
  changes: ChangeBoard;
}

/** Of an open pack, a log line, a metric. */
export function processNumber(role: ProcessRole): number {
  return role.kind === 'worker' ? role.number : 0;
}

/** By the first process, which is number 0. */
export function makeBoard(processes: number): Board | null {
  const memory = processes === 1 ? null : createSharedMemory(boardBytes(processes + 1));
  return memory && { memory, changes: createChangeBoard(memory.bytes, 0) };
}

/** Of the board's memory in a worker: behind the standard streams and the channel. */
const BOARD_FD = 4;

/** @throws unavailable: the others believe what is on it, so no process may change anything without telling them */
export function joinBoard(processes: number, number: number, fd = BOARD_FD): Pick<Board, 'changes'> {
  const bytes = mapSharedMemory(fd, boardBytes(processes + 1));
  if (bytes === null)
    throw new CloudStoreError(
      'unavailable',
      'A process of this gateway cannot get at the memory that it shares with the others.',
    );
  return { changes: createChangeBoard(bytes, number) };
}

const THREADS_MAX = 4;

/** Threads of one process for checksums and ciphers of big bodies: all cores but one, shared among the processes. */
export function threadsOf(role: ProcessRole, cores: number): number {
  const processes = role.kind === 'alone' ? 1 : role.processes;
  return Math.min(THREADS_MAX, Math.max(1, Math.floor((cores - 1) / processes)));
}

const POOL_MAX = 8;
const POOL_MIN = 3;
/** What all pools have together. */
const POOLED_CONNECTIONS = 32;

/**
 * Database connections of one process, besides the one that listens. More than about eight a machine of few cores only slow each other down; with
 * 16 processes and their listeners, the first one's and a few commands', the embedded server's 100 suffice.
 */
export function poolSizeOf(role: ProcessRole): number {
  if (role.kind !== 'worker') return POOL_MAX;
  return Math.min(POOL_MAX, Math.max(POOL_MIN, Math.floor(POOLED_CONNECTIONS / role.processes)));
}
