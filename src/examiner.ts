import type { Examiner, Finding } from '#contracts/examiner';
import type { Random } from '#core/clock';
import type { Metadata } from '#metadata/open';
import { examine } from './cli/doctor.ts';
import type { Config } from './config/load.ts';
import type { KeyWatch } from './key-watch.ts';
import { loadMasterKey, type MasterKeySource } from './master-key.ts';

export interface ExaminerOptions {
  config: Config;
  metadata: Metadata;
  keys: KeyWatch;
  source: MasterKeySource;
  random: Random;
}

/** The contract is Examiner: the code of `doctor`, with the connection and the keys that the gateway has. */
export function createExaminer({ config, metadata, keys, source, random }: ExaminerOptions): Examiner {
  let running: Promise<Finding[]> | null = null;
  const open = async () => {
    // From where the next start will look for it.
    const masterKey = await loadMasterKey({ source, sealed: metadata.sealed, random, mayCreate: false });
    return { metadata, keyring: keys.keyring, masterKey, source, alone: false, close: async () => undefined };
  };
  return {
    examine() {
      running ??= examine(config, open).finally(() => {
        running = null;
      });
      return running;
    },
  };
}
