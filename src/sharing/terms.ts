import { CloudStoreError } from '#core/errors';
import { LINK_MODES, type LinkTerms } from '#core/link';
import { isCidr } from '#core/network';

const LABEL_CHARS_MAX = 200;
const NETWORKS_MAX = 100;

export const DEFAULT_TERMS: LinkTerms = {
  mode: 'download',
  label: null,
  expires: null,
  downloadsMax: null,
  bytesMax: null,
  filesMax: null,
  networks: null,
  disabled: false,
};

/** @throws invalid_argument (details.field): terms that contradict each other, or promise nothing */
export function assertTerms(terms: LinkTerms, folder: boolean, now: number): void {
  const refuse = (field: keyof LinkTerms, message: string): never => {
    throw new CloudStoreError('invalid_argument', message, { details: { field } });
  };
  if (!LINK_MODES.includes(terms.mode)) refuse('mode', `A link's mode is one of ${LINK_MODES.join(', ')}.`);
  if (terms.mode === 'drop' && !folder) refuse('mode', 'Files are dropped into a folder, not into a file.');
  if (terms.label !== null && (terms.label.trim() === '' || terms.label.length > LABEL_CHARS_MAX))
    refuse('label', `A label has 1 to ${LABEL_CHARS_MAX} characters.`);
  if (terms.expires !== null && !(Number.isSafeInteger(terms.expires) && terms.expires > now))
    refuse('expires', 'A link ends in the future.');
  const { networks } = terms;
  if (networks !== null && (networks.length === 0 || networks.length > NETWORKS_MAX || !networks.every(isCidr)))
    refuse('networks', `A link's networks are 1 to ${NETWORKS_MAX} such as 192.168.1.0/24 or 2001:db8::/32.`);
  for (const field of ['downloadsMax', 'bytesMax', 'filesMax'] as const) {
    const limit = terms[field];
    if (limit !== null && !(Number.isSafeInteger(limit) && limit >= 1)) refuse(field, 'A limit is a whole number from 1 on.');
  }
  if (terms.mode === 'drop' && terms.downloadsMax !== null) refuse('downloadsMax', 'Nothing is downloaded from a drop folder.');
  if (terms.mode !== 'drop' && (terms.bytesMax !== null || terms.filesMax !== null))
    refuse(terms.bytesMax === null ? 'filesMax' : 'bytesMax', 'Only a drop folder takes files.');
}
