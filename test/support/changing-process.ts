import { mapSharedMemory } from '#core/shared-memory';
import { boardBytes, createChangeBoard } from '#metadata/change-board';

/** Begins to change a row on the board behind its descriptor 4, says so, and never ends. Arguments: how many processes, which one this is. */
const [processes, number] = process.argv.slice(2).map(Number) as [number, number];
const bytes = mapSharedMemory(4, boardBytes(processes));
if (bytes === null) throw new Error('The memory cannot be mapped.');
createChangeBoard(bytes, number).begin([{ bucket: 1, key: 'a' }], []);
process.send?.('begun');
setInterval(() => undefined, 1000);
