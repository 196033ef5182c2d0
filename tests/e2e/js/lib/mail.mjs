// A mail server on loopback that keeps what it is given.

import { SMTPServer } from 'smtp-server';
import PostalMime from 'postal-mime';
import { mailPort } from './management.mjs';

export class MailSink {
  constructor() {
    this.mails = [];
    this.waiting = [];
    this.server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      logger: false,
      // The server keeps a connection open for the next mail.
      closeTimeout: 1,
      onData: (stream, _session, done) => {
        const parts = [];
        stream.on('data', (part) => parts.push(part));
        stream.on('end', async () => {
          this.keep(await PostalMime.parse(Buffer.concat(parts)));
          done();
        });
      },
    });
  }

  listen() {
    return new Promise((done) => { this.server.listen(mailPort, '127.0.0.1', done); });
  }

  close() {
    return new Promise((done) => { this.server.close(done); });
  }

  keep(mail) {
    this.mails.push(mail);
    this.waiting = this.waiting.filter((ask) => !ask());
  }

  // The first mail to `address` that has not been taken yet.
  take(address, { seconds = 20 } = {}) {
    return new Promise((done, fail) => {
      const subjects = () => this.mails.map((mail) => `${mail.to?.[0]?.address}: ${mail.subject}`).join('\n');
      const timer = setTimeout(() => fail(new Error(`no mail to ${address}; there are\n${subjects()}`)), seconds * 1000);
      const ask = () => {
        const at = this.mails.findIndex((mail) => mail.to?.[0]?.address === address);
        if (at < 0) return false;
        clearTimeout(timer);
        done(this.mails.splice(at, 1)[0]);
        return true;
      };
      if (!ask()) this.waiting.push(ask);
    });
  }
}

// The first link of a mail's text part.
export function link(mail) {
  const found = /https?:\/\/\S+/.exec(mail.text);
  if (!found) throw new Error(`no link in “${mail.subject}”:\n${mail.text}`);
  if (!mail.html.includes(found[0].replaceAll('&', '&amp;'))) throw new Error('the HTML part has another link');
  return found[0];
}
