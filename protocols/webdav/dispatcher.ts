import type { IncomingMessage } from 'node:http';
import { v2 as webdav } from 'webdav-server';
import type { MethodName } from './answer.ts';
import type { Exchange, Method } from './exchange.ts';

/** What the package puts on every answer before a method runs, and we do not want: CORS for everybody, its name, its idea of Allow. */
const UNWANTED = [
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Expose-Headers',
  'DAV',
  'Allow',
  'MS-Author-Via',
  'Server',
];

/**
 * webdav-server 2.6.3 as the dispatcher: its method table and hooks, with every method ours. None of its own methods stays,
 * as they end the process on headers that real clients send (docs/adr/0006-webdav.md).
 * It sees a URL that we have parsed and written anew, never the client's, and what it throws reaches the caller.
 */
export function createDispatcher(table: Record<MethodName, Method>): Method {
  const pending = new WeakMap<IncomingMessage, { x: Exchange; settle: (done: Promise<void>) => void }>();
  const server = new webdav.WebDAVServer({
    rootFileSystem: new NamespaceFileSystem(),
    httpAuthentication: alreadyAuthenticated(),
    requireAuthentification: false,
    serverName: 'CloudStore',
    version: '0',
  });
  for (const name of Object.keys(server.methods)) delete server.methods[name];
  for (const [name, method] of Object.entries(table)) server.method(name, handler(pending, method));

  return (x) =>
    new Promise<void>((resolve, reject) => {
      const { req, res } = x;
      const url = req.url;
      // Where the package answers by itself, the end of the answer is the end of the request.
      res.once('close', resolve);
      const settle = (done: Promise<void>): void => {
        req.url = url ?? '/';
        done.then(resolve, reject);
      };
      pending.set(req, { x, settle });
      try {
        const { base } = x.mount;
        req.url = x.target.kind === 'place' ? x.target.href.slice(base.length) || '/' : '/';
        server.executeRequest(req, res, base);
      } catch (error) {
        req.url = url ?? '/';
        reject(error);
      }
    });
}

function handler(
  pending: WeakMap<IncomingMessage, { x: Exchange; settle: (done: Promise<void>) => void }>,
  method: Method,
): webdav.HTTPMethod {
  return {
    chunked(context) {
      const entry = pending.get(context.request);
      if (entry === undefined) return;
      for (const name of UNWANTED) context.response.removeHeader(name);
      entry.settle(method(entry.x));
    },
  };
}

/**
 * The package's storage interface. Our methods go to the namespace; the package itself only asks for a type, to build an
 * `Allow` that we drop, and is refused the rest.
 */
class NamespaceFileSystem extends webdav.FileSystem {
  constructor() {
    super(new NoSerializer());
  }

  override type(_context: unknown, _path: unknown, callback: webdav.ReturnCallback<webdav.ResourceType>): void {
    callback(undefined, webdav.ResourceType.Directory);
  }

  protected override _type(_path: webdav.Path, _info: unknown, callback: webdav.ReturnCallback<webdav.ResourceType>): void {
    callback(undefined, webdav.ResourceType.Directory);
  }

  protected override _lockManager(
    _path: webdav.Path,
    _info: unknown,
    callback: webdav.ReturnCallback<webdav.ILockManager>,
  ): void {
    callback(webdav.Errors.InvalidOperation);
  }

  protected override _propertyManager(
    _path: webdav.Path,
    _info: unknown,
    callback: webdav.ReturnCallback<webdav.IPropertyManager>,
  ): void {
    callback(webdav.Errors.InvalidOperation);
  }
}

/** The package can save its tree of file systems; ours is the database. */
class NoSerializer implements webdav.FileSystemSerializer {
  uid(): string {
    return 'cloudstore';
  }

  serialize(_fileSystem: webdav.FileSystem, callback: webdav.ReturnCallback<object>): void {
    callback(undefined, {});
  }

  unserialize(_data: object, callback: webdav.ReturnCallback<webdav.FileSystem>): void {
    callback(undefined, new NamespaceFileSystem());
  }
}

/** The door has authenticated before; the package only wants to hear a name. */
function alreadyAuthenticated(): webdav.HTTPAuthentication {
  return {
    askForAuthentication: () => ({}),
    getUser: (_context, callback) =>
      callback(undefined as unknown as Error, { uid: '0', username: 'cloudstore', isAdministrator: false, isDefaultUser: false }),
  };
}
