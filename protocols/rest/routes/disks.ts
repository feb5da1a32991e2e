import type { z } from 'zod';
import type { SeenStore } from '#contracts/disk-desk';
import { CloudStoreError } from '#core/errors';
import { forAdmins } from '../admin.ts';
import { sendJson } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/system.ts';

/** Disks for packs, as `cloudstore disk` has them. What is given up for good (a lost spool) is left to the command. */
export const diskRoutes = [
  route({
    method: 'post',
    path: '/system/stores',
    operation: 'AddStore',
    actions: ['admin'],
    summary: "Takes a directory of the gateway's machine, on a disk of its own, for packs. For admins.",
    body: schema.StoreDirectory,
    answers: { 201: { description: 'Gateways write there within seconds.', schema: schema.Stores } },
    async handle(x, { body }) {
      await forAdmins(x.who, x.deps.disks).add(body.directory);
      sendJson(x.res, 201, await storesOf(x));
    },
  }),
  route({
    method: 'post',
    path: '/system/stores/{number}/drain',
    operation: 'DrainStore',
    actions: ['admin'],
    summary: 'Moves everything off a store by the job `drain`, or lets it take packs again. For admins.',
    body: schema.StoreDrain,
    answers: { 202: { description: 'It takes nothing new from now on.', schema: schema.Stores } },
    async handle(x, { body }) {
      await forAdmins(x.who, x.deps.disks).drain(numberIn(x.path), body.cancel);
      sendJson(x.res, 202, await storesOf(x));
    },
  }),
  route({
    method: 'post',
    path: '/system/stores/{number}/replace',
    operation: 'ReplaceStore',
    actions: ['admin'],
    summary: 'Another directory takes the place of a store: a copy of it, or an empty one where it is lost. For admins.',
    body: schema.StoreDirectory,
    answers: { 200: { description: 'With how many packs are not there.', schema: schema.StoreReplaced } },
    async handle(x, { body }) {
      const { missingPacks } = await forAdmins(x.who, x.deps.disks).replace(numberIn(x.path), body.directory);
      sendJson(x.res, 200, { ...(await storesOf(x)), missingPacks });
    },
  }),
  route({
    method: 'delete',
    path: '/system/stores/{number}',
    operation: 'RemoveStore',
    changes: { none: 'it is refused while anything is in the store' },
    actions: ['admin'],
    summary: 'Forgets a store that is empty; its disk can be taken away. For admins.',
    answers: { 200: { description: 'Those that are left.', schema: schema.Stores } },
    async handle(x) {
      await forAdmins(x.who, x.deps.disks).remove(numberIn(x.path));
      sendJson(x.res, 200, await storesOf(x));
    },
  }),
];

async function storesOf({ deps, who }: Exchange): Promise<z.infer<typeof schema.Stores>> {
  return { stores: (await forAdmins(who, deps.disks).list()).map(storeJson) };
}

export function storeJson({ identity: _, bytes: storedBytes, ...store }: SeenStore): z.infer<typeof schema.Store> {
  return { ...store, storedBytes };
}

/** @throws not_found */
function numberIn(path: string): number {
  const text = path.split('/')[3] ?? '';
  if (!/^\d{1,6}$/.test(text)) throw new CloudStoreError('not_found', 'There is no such store of packs.');
  return Number(text);
}
