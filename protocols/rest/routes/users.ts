import { CloudStoreError } from '#core/errors';
import { sendJson, sendNothing } from '../answer.ts';
import { identityOf, nameAt, pageOf } from '../identity.ts';
import { groupJson, sessionJson, userJson } from '../represent-identity.ts';
import { route } from '../route.ts';
import * as schema from '../schemas/identity.ts';

/** Users and groups, for admins. */
export const userRoutes = [
  route({
    method: 'get',
    path: '/users',
    operation: 'ListUsers',
    actions: ['admin'],
    summary: 'All users. For admins.',
    query: schema.PageQuery,
    answers: { 200: { description: 'By name.', schema: schema.UserList } },
    async handle(x, { query }) {
      const { page, next } = pageOf(await identityOf(x).users.list(x.who), ({ name }) => name, query);
      sendJson(x.res, 200, { users: page.map(userJson), next });
    },
  }),
  route({
    method: 'post',
    path: '/users',
    operation: 'CreateUser',
    actions: ['admin'],
    summary: 'Makes a user, with a first bucket unless it is a guest. For admins.',
    body: schema.NewUser,
    answers: { 201: { description: 'Made. A password that was made is told once.', schema: schema.UserMade } },
    async handle(x, { body }) {
      const { users } = identityOf(x);
      const { name, role, password = null, quotaBytes = null } = body;
      const { bucket, password: made } = await users.create(x.who, { name, role, password, quotaBytes, key: null });
      const user = userJson(await users.get(x.who, name));
      sendJson(x.res, 201, {
        ...user,
        ...(bucket === undefined ? {} : { bucket }),
        ...(made === undefined ? {} : { password: made }),
      });
    },
  }),
  route({
    method: 'get',
    path: '/users/{name}',
    operation: 'GetUser',
    state: {},
    actions: ['admin'],
    summary: 'One user. For admins.',
    answers: { 200: { description: 'The user.', schema: schema.User } },
    async handle(x) {
      sendJson(x.res, 200, userJson(await identityOf(x).users.get(x.who, nameAt(x, 1))));
    },
  }),
  route({
    method: 'patch',
    path: '/users/{name}',
    operation: 'UpdateUser',
    changes: 'GetUser',
    actions: ['admin'],
    summary: 'Changes role, quota, or whether the user may act at all. For admins.',
    body: schema.UserPatch,
    answers: { 200: { description: 'The user.', schema: schema.User } },
    async handle(x, { body: { role, disabled, quotaBytes, quotaObjects } }) {
      const patch = {
        ...(role === undefined ? {} : { role }),
        ...(disabled === undefined ? {} : { disabled }),
        ...(quotaBytes === undefined ? {} : { quotaBytes }),
        ...(quotaObjects === undefined ? {} : { quotaObjects }),
      };
      sendJson(x.res, 200, userJson(await identityOf(x).users.update(x.who, nameAt(x, 1), patch)));
    },
  }),
  route({
    method: 'delete',
    path: '/users/{name}',
    operation: 'RemoveUser',
    changes: 'GetUser',
    actions: ['admin'],
    summary: 'Removes a user with its credentials and sessions; its buckets pass to somebody else. For admins.',
    query: schema.RemoveUserQuery,
    answers: { 204: { description: 'Removed.' } },
    async handle(x, { query }) {
      await identityOf(x).users.remove(x.who, nameAt(x, 1), query.heir ?? null);
      sendNothing(x.res);
    },
  }),
  route({
    method: 'post',
    path: '/users/{name}/reset',
    operation: 'ResetUser',
    actions: ['admin'],
    summary:
      'A new password and no session; unless it is wished otherwise no second factor, on wish no credential either. For admins.',
    body: schema.Reset,
    answers: { 200: { description: 'A password that was made is told once.', schema: schema.ResetDone } },
    async handle(x, { body }) {
      const { password = null, credentials, factors } = body;
      const options = { password, credentials, factors };
      const { password: made } = await identityOf(x).users.reset(x.who, nameAt(x, 1), options);
      sendJson(x.res, 200, made === undefined ? {} : { password: made });
    },
  }),
  route({
    method: 'get',
    path: '/users/{name}/sessions',
    operation: 'ListUserSessions',
    actions: ['admin'],
    summary: 'The sessions of a user. For admins.',
    query: schema.PageQuery,
    answers: { 200: { description: 'Oldest first.', schema: schema.SessionList } },
    async handle(x, { query }) {
      const { page, next } = pageOf(await identityOf(x).users.sessions(x.who, nameAt(x, 1)), ({ id }) => id, query);
      sendJson(x.res, 200, { sessions: page.map((one) => sessionJson(one, x.who)), next });
    },
  }),
  route({
    method: 'delete',
    path: '/users/{name}/sessions',
    operation: 'EndUserSessions',
    changes: { none: 'it ends what has no other state' },
    actions: ['admin'],
    summary: 'Ends all sessions of a user. For admins.',
    answers: { 204: { description: 'Ended.' } },
    async handle(x) {
      await identityOf(x).users.endSessions(x.who, { name: nameAt(x, 1) });
      sendNothing(x.res);
    },
  }),
  route({
    method: 'delete',
    path: '/users/{name}/sessions/{id}',
    operation: 'EndUserSession',
    changes: { none: 'it ends what has no other state' },
    actions: ['admin'],
    summary: 'Ends one session of a user. For admins.',
    answers: { 204: { description: 'Ended.' } },
    async handle(x) {
      await identityOf(x).users.endSession(x.who, nameAt(x, 3), nameAt(x, 1));
      sendNothing(x.res);
    },
  }),
  route({
    method: 'get',
    path: '/groups',
    operation: 'ListGroups',
    actions: ['admin'],
    summary: 'All groups. For admins.',
    query: schema.PageQuery,
    answers: { 200: { description: 'By name.', schema: schema.GroupList } },
    async handle(x, { query }) {
      const { page, next } = pageOf(await identityOf(x).users.groups(x.who), ({ name }) => name, query);
      sendJson(x.res, 200, { groups: page.map(groupJson), next });
    },
  }),
  route({
    method: 'post',
    path: '/groups',
    operation: 'CreateGroup',
    actions: ['admin'],
    summary: 'Makes a group. For admins.',
    body: schema.NewGroup,
    answers: { 201: { description: 'Made.', schema: schema.Group } },
    async handle(x, { body }) {
      sendJson(x.res, 201, groupJson(await identityOf(x).users.createGroup(x.who, body.name, body.members)));
    },
  }),
  route({
    method: 'get',
    path: '/groups/{name}',
    operation: 'GetGroup',
    state: {},
    actions: ['admin'],
    summary: 'One group. For admins.',
    answers: { 200: { description: 'The group.', schema: schema.Group } },
    async handle(x) {
      const name = nameAt(x, 1);
      const found = (await identityOf(x).users.groups(x.who)).find((group) => group.name === name);
      if (found === undefined) throw new CloudStoreError('not_found', `There is no group ${name}.`);
      sendJson(x.res, 200, groupJson(found));
    },
  }),
  route({
    method: 'patch',
    path: '/groups/{name}',
    operation: 'UpdateGroup',
    changes: 'GetGroup',
    actions: ['admin'],
    summary: 'Renames a group, adds and removes members. For admins.',
    body: schema.GroupPatch,
    answers: { 200: { description: 'The group.', schema: schema.Group } },
    async handle(x, { body: { name, add, remove } }) {
      const patch = {
        ...(name === undefined ? {} : { name }),
        ...(add === undefined ? {} : { add }),
        ...(remove === undefined ? {} : { remove }),
      };
      sendJson(x.res, 200, groupJson(await identityOf(x).users.updateGroup(x.who, nameAt(x, 1), patch)));
    },
  }),
  route({
    method: 'delete',
    path: '/groups/{name}',
    operation: 'RemoveGroup',
    changes: 'GetGroup',
    actions: ['admin'],
    summary: 'Removes a group; its members stay. For admins.',
    answers: { 204: { description: 'Removed.' } },
    async handle(x) {
      await identityOf(x).users.removeGroup(x.who, nameAt(x, 1));
      sendNothing(x.res);
    },
  }),
];
