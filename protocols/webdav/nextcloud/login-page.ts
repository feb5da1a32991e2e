import type { ServerResponse } from 'node:http';
import type { Language } from '#http/language';
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

const WORDS = {
  en: {
    logIn: `Log in to ${PRODUCT}`,
    asks: `asks for access to your files. Go on only if you have just started this on a device of yours: whoever did will be able to read and change
    all your files until you take its app password back.`,
    name: 'Name',
    password: 'Password',
    code: 'One-time code',
    hasCode: 'I have a one-time code',
    grant: 'Log in and grant access',
    granted: 'Access granted',
    connected: 'is connected. You can close this window.',
    ended: 'This log-in has ended',
    again: 'It was used already, or took too long. Start again in the app.',
    codeNeeded: 'This account asks for a one-time code too. Type the password again, and the code.',
    wrong: 'The name, the password or the code is wrong.',
    tooMany: (minutes: number) => `Too many attempts. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`,
  },
  de: {
    logIn: `Bei ${PRODUCT} anmelden`,
    asks: `möchte auf Ihre Dateien zugreifen. Fahren Sie nur fort, wenn Sie das eben selbst auf einem Ihrer Geräte begonnen haben: Wer es war, kann alle Ihre Dateien lesen und
    ändern, bis Sie sein App-Passwort zurücknehmen.`,
    name: 'Name',
    password: 'Passwort',
    code: 'Einmalcode',
    hasCode: 'Ich habe einen Einmalcode',
    grant: 'Anmelden und Zugriff erlauben',
    granted: 'Zugriff erlaubt',
    connected: 'ist verbunden. Sie können dieses Fenster schließen.',
    ended: 'Diese Anmeldung ist beendet',
    again: 'Sie wurde schon benutzt oder hat zu lange gedauert. Beginnen Sie in der App von vorn.',
    codeNeeded: 'Dieses Konto verlangt auch einen Einmalcode. Geben Sie das Passwort noch einmal ein, und den Code.',
    wrong: 'Der Name, das Passwort oder der Code ist falsch.',
    tooMany: (minutes: number) =>
      `Zu viele Versuche. Versuchen Sie es in ${minutes} ${minutes === 1 ? 'Minute' : 'Minuten'} noch einmal.`,
  },
} as const;

export function wordsIn(language: Language): (typeof WORDS)[Language] {
  return WORDS[language];
}

/** Works without scripts, in the small browsers that apps have inside. */
export function loginPage({ client, user, problem, code }: LoginForm, language: Language): string {
  const words = WORDS[language];
  const told = problem === null ? '' : `<p class="problem" role="alert">${escapeXml(problem)}</p>`;
  const input = '<input name="code" inputmode="numeric" autocomplete="one-time-code"';
  const codeField = code
    ? `<label>${words.code} ${input} required></label>`
    : `<details><summary>${words.hasCode}</summary><label>${words.code} ${input}></label></details>`;
  return page(
    language,
    words.logIn,
    `<p><b>${escapeXml(client)}</b> ${words.asks}</p>
    ${told}
    <form method="post">
    <label>${words.name} <input name="user" value="${escapeXml(user)}" autocomplete="username" autocapitalize="none" spellcheck="false" required></label>
    <label>${words.password} <input name="password" type="password" autocomplete="current-password" required></label>
    ${codeField}
    <button>${words.grant}</button>
    </form>`,
  );
}

export function donePage(client: string, language: Language): string {
  const { granted, connected } = WORDS[language];
  return page(language, granted, `<p><b>${escapeXml(client)}</b> ${connected}</p>`);
}

export function endedPage(language: Language): string {
  const { ended, again } = WORDS[language];
  return page(language, ended, `<p>${again}</p>`);
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

function page(language: Language, title: string, body: string): string {
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title}</title><style>${STYLE}</style></head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
}
