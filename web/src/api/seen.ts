import type { CallOptions, OperationName, Operations } from '../../../clients/typescript/index.ts';
import { client } from './session.ts';

/** What was read, and the condition under which a change that is made from it is carried out: that it is still so. */
export interface Seen<T> {
  value: T;
  still: Record<string, string>;
}

/** Nothing was there, so nothing is to be written over. */
export const STILL_NOTHING: Seen<never>['still'] = { 'If-None-Match': '*' };

export async function see<N extends OperationName>(name: N, given: CallOptions<N>): Promise<Seen<Operations[N]['answer']>> {
  const response = await client.fetch(name, given);
  const tag = response.headers.get('etag');
  return { value: (await response.json()) as Operations[N]['answer'], still: tag === null ? {} : { 'If-Match': tag } };
}
