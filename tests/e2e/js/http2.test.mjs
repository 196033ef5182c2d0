// HTTP/2 over TLS from end to end: a client of a guarded host, and an application behind `https`, which is
// known by a certificate of the run's own authority.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { api, issuer } from './lib/management.mjs';

const { port } = new URL(issuer);
const file = (name) => fs.readFileSync(`${process.env.DOORWARD_CERTIFICATES}/${name}`);
const [ports, ca] = [process.env.DOORWARD_BEHIND.split(',').map(Number), file('authority.pem')];
const PATIENCE = 30_000;
const servers = [];
const sessions = new Set();
const asked = [0, 0, 0, 0];
let token;
let client;

// What the application does with a request; tests that drive it say so here.
const told = { '/talk': () => {} };

function application(request, response) {
  const path = new URL(request.url, 'https://behind').pathname.replace('/old', '');
  if (told[path]) return told[path](request, response);
  const sum = createHash('sha256');
  request.on('data', (part) => sum.update(part));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({
      version: request.httpVersion, headers: request.headers, body: sum.digest('hex'), authority: request.authority,
    }));
  });
}

async function behind(place, certificate, key, alone) {
  const how = { cert: file(certificate), key: file(key) };
  const server = alone ? https.createServer(how, application) : http2.createSecureServer(how, application);
  server.on('request', () => { asked[place] += 1; });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.listen(ports[place], '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
}

before(async () => {
  await behind(0, 'cert.pem', 'key.pem');
  await behind(1, 'cert.pem', 'key.pem', true);
  await behind(2, 'stranger.pem', 'stranger-key.pem');
  await behind(3, 'elsewhere.pem', 'elsewhere-key.pem');
  token = (await api('POST', 'service-tokens', { scopes: ['files:read'] })).secret;
  client = http2.connect(`https://127.0.0.1:${port}`, { servername: 'app.localhost', ca });
  await once(client, 'connect');
});

after(() => {
  client?.destroy();
  for (const session of sessions) session.destroy();
  for (const server of servers) {
    server.closeAllConnections?.();
    server.close();
  }
});

function ask(path, more = {}, body = undefined) {
  const stream = client.request({
    ':path': path, ':authority': `app.localhost:${port}`, authorization: `Bearer ${token}`, ...more,
  }, { endStream: body === undefined && (more[':method'] ?? 'GET') === 'GET' });
  stream.setTimeout(PATIENCE, () => stream.destroy(new Error(`${path} took too long`)));
  if (body !== undefined) stream.end(body);
  return stream;
}

async function answered(stream) {
  const parts = [];
  const [[headers]] = await Promise.all([once(stream, 'response'), (async () => {
    for await (const part of stream) parts.push(part);
  })()]);
  return { status: headers[':status'], headers, text: Buffer.concat(parts).toString() };
}

const json = async (stream) => {
  const answer = await answered(stream);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
};

// Waits for the next part of a stream that is read piece by piece.
async function part(stream) {
  const read = stream.read();
  if (read !== null) return read.toString();
  await once(stream, 'readable');
  return part(stream);
}

test('both sides agree on HTTP/2, and an older application is spoken to as it is', async () => {
  assert.equal(client.alpnProtocol, 'h2');
  for (const [path, version] of [['/x', '2.0'], ['/old/x', '1.1']]) {
    const said = await json(ask(path, { 'x-user-id': 'forged', 'x-user-role': 'admin' }));
    assert.equal(said.version, version);
    assert.match(said.headers['x-user-id'], /^tok_/);
    assert.equal(said.headers['x-user-role'], 'service');
    assert.equal(said.headers['x-forwarded-proto'], 'https');
    assert.equal(said.headers['x-forwarded-host'], `app.localhost:${port}`);
    assert.equal(said.headers.authorization, undefined);
  }
});

test('a hundred streams of one connection, some of them refused', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, (_, number) => answered(
    ask(`/n${number}`, number % 3 ? {} : { authorization: 'Bearer wrong' }))));
  all.forEach(({ status, text }, number) => {
    assert.equal(status, number % 3 ? 200 : 401, text);
    if (number % 3 === 0) assert.equal(JSON.parse(text).code, 'auth.invalid_token');
  });
});

test('an answer comes as it is made, an upload goes as it is sent', async () => {
  for (const path of ['/talk', '/old/talk']) {
    const met = new Promise((done) => { told['/talk'] = (request, response) => done({ request, response }); });
    const stream = ask(path, { ':method': 'POST' });
    stream.write('one');
    const { request, response } = await met;
    assert.equal(await part(request), 'one', 'before the upload ends');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 200);
    assert.equal(await part(stream), 'data: first\n\n');
    for (let number = 0; number < 5; number += 1) {
      stream.write(`up ${number}`);
      assert.equal(await part(request), `up ${number}`);
      response.write(`down ${number}`);
      assert.equal(await part(stream), `down ${number}`);
    }
    stream.end();
    response.end();
    stream.resume();
    await once(stream, 'close');
    assert.equal(stream.rstCode, http2.constants.NGHTTP2_NO_ERROR);
  }
});

test('large bodies arrive whole', async () => {
  const body = randomBytes(5_000_000);
  for (const path of ['/x', '/old/x']) {
    const said = await json(ask(path, { ':method': 'PUT' }, body));
    assert.equal(said.body, createHash('sha256').update(body).digest('hex'));
  }
  told['/large'] = (request, response) => response.end(body);
  for (const path of ['/large', '/old/large']) {
    const sum = createHash('sha256');
    for await (const piece of ask(path)) sum.update(piece);
    assert.equal(sum.digest('hex'), createHash('sha256').update(body).digest('hex'));
  }
});

test('who goes away is not answered any more, and the connection stays', async () => {
  const met = new Promise((done) => { told['/endless'] = (request, response) => done(response); });
  const stream = ask('/endless');
  const response = await met;
  const gone = once(response, 'close');
  response.write('for ever');
  assert.equal(await part(stream), 'for ever');
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await gone;
  assert.equal((await answered(ask('/x'))).status, 200);
  assert.ok(!client.closed);
});

test('whoever is not the application is told nothing', async () => {
  for (const path of ['/stranger/x', '/elsewhere/x']) {
    const answer = await answered(ask(path));
    assert.equal(answer.status, 502);
    assert.equal(JSON.parse(answer.text).code, 'gateway.upstream_unreachable');
  }
  assert.ok(asked[0] > 0 && asked[1] > 0);
  assert.deepEqual(asked.slice(2), [0, 0]);
});
