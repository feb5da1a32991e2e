import { parentPort, workerData } from 'node:worker_threads';
import { gcm } from '#engine/gcm';
import { END, hasStarted, type ThreadStart } from '#engine/thread-life';

/** A thread that takes its time to load, and notes in its memory's first numbers that it had loaded, whether it calls OpenSSL itself, and that it was asked to end. */
const start: ThreadStart = workerData;
const notes = new Int32Array(start.memory);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
Atomics.store(notes, 0, 1);
Atomics.store(notes, 1, Number(gcm.native));
hasStarted(start);
parentPort?.postMessage('ready');
parentPort?.on('message', (message) => {
  if (message !== END) return;
  Atomics.store(notes, 2, 1);
  parentPort?.close();
});
