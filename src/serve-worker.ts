import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { createLogger } from '#observability/logger';
import { keepMemoryOutOfCoreDumps } from './core-dumps.ts';
import { joinDataDirectory } from './data-directory.ts';
import { startGateway } from './gateway.ts';
import { createPeer, type Handlers, toWire } from './peer.ts';
import { joinBoard } from './process-role.ts';
import { giveBackStartMemory } from './start-memory.ts';
import { type StopSignal, stopSignal } from './stop-signal.ts';
import type { WorkerOrders } from './workers.ts';

const JOIN_MS_MAX = 5_000;

/**
 * One of the processes that serve: asks the first one how to begin, serves until it is told to drain, and ends. When the first one dies, the
 * channel to it breaks and node:cluster ends this process at once: whatever was not answered was not promised.
 */
export async function serveWorker(): Promise<void> {
  keepMemoryOutOfCoreDumps();
  const stop: StopSignal = stopSignal();
  const answers: Handlers = { drain: () => stop.ask() };
  const primary = createPeer(process, answers);
  let exitCode = 0;
  try {
    const { config, version, number, processes, ...told } = await primary.ask<WorkerOrders>('begin');
    const log = createLogger({ level: config.values['log-level'] }).child({ process: number });
    stop.report(log);
    const place = await joinDataDirectory(config.values['data-dir'], JOIN_MS_MAX);
    // It answers, so it held the directory when we joined: whoever takes it next waits for us.
    await primary.ask('begin');
    const board = told.board ? joinBoard(processes, number) : null;
    const role = { kind: 'worker', number, processes, primary, board } as const;
    const gateway = await startGateway({ config, clock: Date, random: randomBytes, log, version, role });
    Object.assign(answers, gateway.answers);
    flushCompileCache();
    giveBackStartMemory();
    await primary.ask('ready', gateway.addresses);
    await stop.asked;
    log.info({}, 'draining');
    await gateway.close();
    log.info({}, 'stopped');
    place.leave();
    exitCode = stop.exitCode();
  } catch (error) {
    exitCode = 1;
    await primary.ask('failed', toWire(error)).catch(() => undefined);
  }
  process.exit(exitCode);
}
