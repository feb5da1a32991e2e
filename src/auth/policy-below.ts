import { definitionOf } from '#core/actions';
import type { Statement } from './policy-document.ts';
import type { Question } from './policy-question.ts';

/** Whether a question is about a folder with all below it. */
export function isBelow({ action, about }: Question): boolean {
  return about?.below === true && definitionOf(action).on === 'object';
}

/**
 * Whether a statement could apply to some key below a folder, whether something lies there or not. From the patterns as they are written: up to the
 * first wildcard or variable they are the text itself.
 */
export function reachesBelow({ not, patterns }: Statement['resources'], variables: boolean): (question: Question) => boolean {
  const known = patterns.map((pattern) => {
    const end = pattern.search(variables ? /[*?]|\$\{/ : /[*?]/);
    const head = end < 0 ? pattern : pattern.slice(0, end);
    return { head, literal: end < 0, all: end === pattern.length - 1 && pattern.endsWith('*') };
  });
  return ({ bucket, key }) => {
    const folder = `${bucket?.name ?? ''}/${key}`;
    return not
      ? !known.some(({ head, all }) => all && folder.startsWith(head))
      : known.some(({ head, literal }) => head.startsWith(folder) || (!literal && folder.startsWith(head)));
  };
}

/** The patterns of an Allow that hold for all below whatever they match: a last star takes any rest. */
export function withAllBelow({ not, patterns }: Statement['resources']): Statement['resources'] {
  return { not, patterns: not ? patterns : patterns.filter((pattern) => pattern.endsWith('*')) };
}
