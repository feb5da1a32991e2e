import { startThread } from '#engine/thread-life';

/** A process that starts a slow thread and goes, and prints how far the thread was then. */
const memory = new SharedArrayBuffer(12);
const thread = startThread(new URL('./slow-thread.ts', import.meta.url), memory);
thread.worker.once('message', () => thread.letGo());
process.on('exit', () => console.log(Atomics.load(new Int32Array(memory), 0)));
if (process.argv[2] === 'now') process.exit();
