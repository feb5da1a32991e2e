import { type OutgoingHttpHeaders, request } from 'node:http';

/** A transfer that runs for as long as it is let; `outcome`: how it ended. */
export interface SlowTransfer {
  begun: Promise<void>;
  outcome: Promise<string>;
}

/** A download that is read no further than its beginning. */
export function slowly(url: string, headers: OutgoingHttpHeaders = {}): SlowTransfer {
  let began: () => void;
  const begun = new Promise<void>((resolve) => (began = resolve));
  const outcome = new Promise<string>((resolve) => {
    const outgoing = request(url, { agent: false, headers }, (response) => {
      response.once('data', () => {
        response.pause();
        began();
        // Read on after a while: what the kernel holds comes, and then the end or the break.
        setTimeout(() => response.resume(), 1_500);
      });
      response.once('end', () => resolve(response.complete ? 'whole' : 'broken'));
      response.once('error', () => resolve('broken'));
      response.once('aborted', () => resolve('broken'));
    });
    outgoing.once('error', () => resolve('broken'));
    outgoing.end();
  });
  return { begun, outcome };
}

/** An upload that never comes to its end by itself. */
export function slowUpload(url: string, headers: OutgoingHttpHeaders = {}): SlowTransfer {
  let began: () => void;
  const begun = new Promise<void>((resolve) => (began = resolve));
  const outcome = new Promise<string>((resolve) => {
    const options = { method: 'PUT', agent: false, headers: { 'content-length': 50_000_000, ...headers } };
    const outgoing = request(url, options, (response) => {
      resolve(`answered ${response.statusCode}`);
      response.resume();
    });
    const timer = setInterval(() => outgoing.write(Buffer.alloc(65_536)), 20);
    setTimeout(() => began(), 300);
    outgoing.once('error', () => {
      clearInterval(timer);
      resolve('broken');
    });
    outgoing.once('close', () => clearInterval(timer));
  });
  return { begun, outcome };
}
