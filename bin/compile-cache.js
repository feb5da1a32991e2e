/**
 * Preloaded (`--import`) by whatever starts CloudStore: keeps what was compiled of the modules (sources without their types, V8's code) for the next
 * start, checked by Node against each source. It lies among the packages, so that only who may change the code may change it; where that is not
 * writable, nothing is kept. JavaScript, so that Node need not load what strips types.
 */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)));
