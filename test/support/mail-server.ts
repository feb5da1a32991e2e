import { createServer, type Server } from 'node:net';

/**
 * RFC 5321 as far as a client needs it to believe, and any name and password by AUTH PLAIN (RFC 4954).
 * @param mails what was sent, each with its head
 * @param logins what was said to log in
 */
export function mailServer(mails: string[], logins: string[] | null = null): Server {
  return createServer((socket) => {
    let text = '';
    let inData = false;
    socket.on('error', () => undefined);
    socket.write('220 test ESMTP\r\n');
    socket.on('data', (chunk) => {
      text += chunk;
      for (;;) {
        const end = inData ? text.indexOf('\r\n.\r\n') : text.indexOf('\r\n');
        if (end < 0) return;
        const taken = text.slice(0, end);
        text = text.slice(end + (inData ? 5 : 2));
        const [, login] = /^AUTH PLAIN (\S+)/i.exec(taken) ?? [];
        if (inData) {
          mails.push(taken);
          inData = false;
          socket.write('250 taken\r\n');
        } else if (/^DATA/i.test(taken)) {
          inData = true;
          socket.write('354 go on\r\n');
        } else if (/^EHLO/i.test(taken) && logins !== null) socket.write('250-test\r\n250 AUTH PLAIN\r\n');
        else if (login !== undefined) {
          logins?.push(Buffer.from(login, 'base64').toString());
          socket.write('235 welcome\r\n');
        } else if (/^QUIT/i.test(taken)) socket.end('221 bye\r\n');
        else socket.write('250 fine\r\n');
      }
    });
  });
}
