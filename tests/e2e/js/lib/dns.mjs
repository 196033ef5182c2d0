// A DNS server on loopback that knows TXT records (RFC 1035), and nothing else.

import dgram from 'node:dgram';

export class Dns {
  constructor() {
    this.records = new Map();
    this.socket = dgram.createSocket('udp4').unref();
    this.socket.on('message', (question, from) => this.socket.send(this.answer(question), from.port, from.address));
  }

  listen(port) {
    return new Promise((done) => { this.socket.bind(port, '127.0.0.1', done); });
  }

  close() {
    return new Promise((done) => { this.socket.close(done); });
  }

  answer(question) {
    const labels = [];
    let at = 12;
    for (; question[at]; at += question[at] + 1) labels.push(question.toString('ascii', at + 1, at + 1 + question[at]));
    const asked = question.subarray(12, at + 5);
    const text = this.records.get(labels.join('.').toLowerCase());
    const head = Buffer.from([question[0], question[1], 0x81, text ? 0x80 : 0x83, 0, 1, 0, text ? 1 : 0, 0, 0, 0, 0]);
    if (!text) return Buffer.concat([head, asked]);
    const said = Buffer.from(text);
    const record = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, said.length + 1, said.length]);
    return Buffer.concat([head, asked, record, said]);
  }
}
