import { type OutgoingHttpHeaders, request } from 'node:http';

/** A transfer that runs for as long as it is let; `outcome`: how it ended. */
export interface SlowTransfer {
  begun: Promise<void>;
  outcome: Promise<string>;
  /** A download: from now on it is read to its end, slowly. */
  readOn(): void;
}

/** A download of many megabytes that is read no further than its beginning until `readOn`; asked for by POST where a body says of what. */
export function slowly(url: string, headers: OutgoingHttpHeaders = {}, body?: object): SlowTransfer {
  let began: () => void;
  let readOn = (): void => undefined;
  const begun = new Promise<void>((resolve) => (began = resolve));
  const reading = new Promise<void>((resolve) => (readOn = resolve));
  const outcome = new Promise<string>((resolve) => {
    const method = body === undefined ? 'GET' : 'POST';
    const outgoing = request(url, { agent: false, method, headers }, (response) => {
      response.once('data', () => {
        response.pause();
        began();
        void reading.then(() => {
          // What the kernel holds comes first, and then the end or the break; never so fast that all of it is here before anybody could end it.
          response.on('data', () => {
            response.pause();
            setTimeout(() => response.resume(), 15);
          });
          response.resume();
        });
      });
      response.once('end', () => resolve(response.complete ? 'whole' : 'broken'));
      response.once('error', () => resolve('broken'));
      response.once('aborted', () => resolve('broken'));
    });
    outgoing.once('error', () => resolve('broken'));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
  return { begun, outcome, readOn };
}

/** An upload that never comes to its end by itself; begun once the gateway wants its bytes, so who sends it has been let in. */
export function slowUpload(url: string, headers: OutgoingHttpHeaders = {}, method = 'PUT'): SlowTransfer {
  let began: () => void;
  const begun = new Promise<void>((resolve) => (began = resolve));
  const outcome = new Promise<string>((resolve) => {
    const options = { method, agent: false, headers: { 'content-length': 50_000_000, expect: '100-continue', ...headers } };
    const outgoing = request(url, options, (response) => {
      resolve(`answered ${response.statusCode}`);
      response.resume();
    });
    let timer: NodeJS.Timeout | undefined;
    outgoing.once('continue', () => {
      timer = setInterval(() => outgoing.write(Buffer.alloc(4_096)), 20);
      began();
    });
    outgoing.once('error', () => {
      clearInterval(timer);
      resolve('broken');
    });
    outgoing.once('close', () => clearInterval(timer));
    outgoing.flushHeaders();
  });
  // An answer instead of a wish for the bytes is no beginning: whoever waits for one is told so.
  return {
    begun: Promise.race([begun, outcome.then((how) => Promise.reject(new Error(`the upload was ${how} before it began`)))]),
    outcome,
    readOn: () => undefined,
  };
}
