import type { ServerResponse } from 'node:http';
import { escapeXml } from '#http/xml';
import { PRODUCT } from './status.ts';

export interface LoginForm {
  /** As the client names itself. */
  client: string;
  user: string;
  /** What was wrong with the last attempt. */
  problem: string | null;
  /** Whether a one-time code is asked for. */
  code: boolean;
}

/** Works without scripts, in the small browsers that apps have inside. */
export function loginPage({ client, user, problem, code }: LoginForm): string {
  const told = problem === null ? '' : `<p class="problem" role="alert">${escapeXml(problem)}</p>`;
  const codeField = code
    ? '<label>One-time code <input name="code" inputmode="numeric" autocomplete="one-time-code" required></label>'
    : '<details><summary>I have a one-time code</summary><label>One-time code <input name="code" inputmode="numeric" autocomplete="one-time-code"></label></details>';
  return page(
    `Log in to ${PRODUCT}`,
    `<p><b>${escapeXml(client)}</b> asks for access to your files. Go on only if you have just started this on a device of yours: whoever did will be able to read and change
    all your files until you take its app password back.</p>
    ${told}
    <form method="post">
    <label>Name <input name="user" value="${escapeXml(user)}" autocomplete="username" autocapitalize="none" spellcheck="false" required></label>
    <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
    ${codeField}
    <button>Log in and grant access</button>
    </form>`,
  );
}

export function donePage(client: string): string {
  return page('Access granted', `<p><b>${escapeXml(client)}</b> is connected. You can close this window.</p>`);
}

export function endedPage(): string {
  return page('This log-in has ended', '<p>It was used already, or took too long. Start again in the app.</p>');
}

export function sendPage(res: ServerResponse, status: number, html: string): void {
  res.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(html),
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' nc:; frame-ancestors 'none'; base-uri 'none'",
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
  });
  res.end(html);
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}label{display:block;margin:.8rem 0}input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.5rem}button{font:inherit;padding:.6rem 1rem;margin-top:.5rem}.problem{color:#b00020}@media(prefers-color-scheme:dark){.problem{color:#ff8a80}}';

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title}</title><style>${STYLE}</style></head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
}
