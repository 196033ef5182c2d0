// An application with a page and a WebSocket, which knows nothing of authentication: it tells every socket
// what it was sent with the handshake, and says again what the socket says. It knows one protocol, `chat`.

import http from 'node:http';
import { createHash } from 'node:crypto';

const PROOF = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CLOSE = 8;

export class Sockets {
  static async start(port) {
    const app = new Sockets();
    app.server = http.createServer((request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end('<!doctype html><html lang="en"><title>Live</title><link rel="icon" href="data:,"><h1>Live</h1>');
    });
    app.open = new Set();
    app.server.on('upgrade', (request, stream) => app.join(request, stream));
    await new Promise((done) => { app.server.listen(port, '127.0.0.1', done); });
    return app;
  }

  async stop() {
    for (const stream of this.open) stream.destroy();
    this.server.closeAllConnections();
    await new Promise((done) => { this.server.close(done); });
  }

  join(request, stream) {
    this.open.add(stream);
    stream.on('close', () => this.open.delete(stream));
    stream.on('error', () => stream.destroy());
    const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + PROOF).digest('base64');
    const knows = /(^|,)\s*chat\s*(,|$)/.test(request.headers['sec-websocket-protocol'] ?? '');
    stream.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
      + `Sec-WebSocket-Accept: ${accept}\r\n${knows ? 'Sec-WebSocket-Protocol: chat\r\n' : ''}\r\n`);
    say(stream, TEXT, Buffer.from(JSON.stringify({ url: request.url, headers: request.headers })));
    let waiting = Buffer.alloc(0);
    stream.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      for (let frame = first(waiting); frame; frame = first(waiting)) {
        waiting = waiting.subarray(frame.length);
        say(stream, frame.kind, frame.payload);
        if (frame.kind === CLOSE) return stream.end();
      }
    });
  }
}

function say(stream, kind, payload) {
  const long = payload.length > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x80 | kind;
  head[1] = long ? 126 : payload.length;
  if (long) head.writeUInt16BE(payload.length, 2);
  stream.write(Buffer.concat([head, payload]));
}

// The first whole frame, whose payload is masked as a client's is.
function first(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const at = short === 126 ? 4 : 2;
  if (short === 127) throw new Error('no message is that long');
  if (bytes.length < at + 4) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short;
  const length = at + 4 + size;
  if (bytes.length < length) return undefined;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, length).map((byte, place) => byte ^ mask[place % 4]));
  return { kind: bytes[0] & 0x0f, payload, length };
}
