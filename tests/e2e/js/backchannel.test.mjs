// Back-channel logout (OpenID Connect Back-Channel Logout 1.0) at an application's own receiver, which
// judges what it is sent by npm `jose` and the keys that discovery leads to.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import * as jose from 'jose';
import * as oidc from 'openid-client';
import { api, client, issuer, person } from './lib/management.mjs';
import { Person } from './lib/person.mjs';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const redirect_uri = 'https://app.example/callback';

// Hears logout tokens: each path is an application's, and is asked for the next that came in there.
class Receiver {
  heard = new Map();
  waiting = new Map();

  async start() {
    this.server = http.createServer((request, response) => {
      const parts = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => {
        this.hear(request, Buffer.concat(parts).toString());
        response.writeHead(200, { 'cache-control': 'no-store' }).end();
      });
    });
    await new Promise((done) => { this.server.listen(0, '127.0.0.1', done); });
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  hear({ method, url, headers }, body) {
    const message = { method, type: headers['content-type'], token: new URLSearchParams(body).get('logout_token') };
    const waits = this.waiting.get(url);
    this.waiting.delete(url);
    if (waits) waits(message);
    else this.heard.set(url, [...this.count(url), message]);
  }

  count(path) {
    return this.heard.get(path) ?? [];
  }

  next(path) {
    const [first, ...rest] = this.count(path);
    this.heard.set(path, rest);
    return first ?? new Promise((done) => { this.waiting.set(path, done); });
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => { this.server.close(done); });
  }
}

const receiver = new Receiver();
let ada;

before(async () => {
  await receiver.start();
  ada = await person();
});

after(() => receiver.stop());

async function application(path) {
  const made = await client({ name: path, backchannel_logout_uri: `${receiver.url}${path}` });
  const config = await oidc.discovery(
    new URL(issuer), made.client_id, { client_secret: made.client_secret }, undefined, { execute: [oidc.allowInsecureRequests] },
  );
  return { path, config, client_id: made.client_id };
}

async function signIn({ config }, at) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedNonce = oidc.randomNonce();
  const back = await at.authorize(oidc.buildAuthorizationUrl(config, {
    redirect_uri, scope: 'openid email', nonce: expectedNonce, code_challenge_method: 'S256',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  }));
  return oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedNonce });
}

// What the specification asks of a receiver (2.6), and what this one knows of the session.
async function told(app, tokens) {
  const { method, type, token } = await receiver.next(app.path);
  assert.equal(method, 'POST');
  assert.match(type, /^application\/x-www-form-urlencoded/);
  const { jwks_uri, id_token_signing_alg_values_supported: algorithms } = app.config.serverMetadata();
  const { payload, protectedHeader } = await jose.jwtVerify(token, jose.createRemoteJWKSet(new URL(jwks_uri)), {
    issuer, audience: app.client_id, typ: 'logout+jwt', algorithms, maxTokenAge: '2 minutes',
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
  });
  assert.equal(protectedHeader.alg, jose.decodeProtectedHeader(tokens.id_token).alg, 'as its ID tokens are signed');
  assert.deepEqual(payload.events, { [EVENT]: {} });
  assert.ok(!('nonce' in payload), 'it cannot pass for an ID token');
  assert.equal(payload.sub, tokens.claims().sub);
  assert.equal(payload.sid, tokens.claims().sid);
  return payload;
}

test('each application of a session hears of its end, and nobody of another session', { timeout: 120_000 }, async () => {
  const [notes, board, elsewhere] = [await application('/notes'), await application('/board'), await application('/elsewhere')];
  const [here, there] = [new Person({ ...ada, issuer }), new Person({ ...ada, issuer })];
  const ofNotes = await signIn(notes, here);
  const ofBoard = await signIn(board, here);
  const ofElsewhere = await signIn(elsewhere, there);
  assert.equal(ofNotes.claims().sid, ofBoard.claims().sid);
  assert.notEqual(ofNotes.claims().sid, ofElsewhere.claims().sid);
  await here.follow('GET', oidc.buildEndSessionUrl(notes.config, { id_token_hint: ofNotes.id_token }));
  const heard = [await told(notes, ofNotes), await told(board, ofBoard)];
  assert.notEqual(heard[0].jti, heard[1].jti);
  await oidc.fetchUserInfo(elsewhere.config, ofElsewhere.access_token, ofElsewhere.claims().sub);

  // The other session ends by an administrator's hand; its application is the only one to hear of that.
  await api('DELETE', `users/${ada.id}/sessions`);
  await told(elsewhere, ofElsewhere);
  for (const { path } of [notes, board, elsewhere]) assert.deepEqual(receiver.count(path), [], `${path} hears it once`);
});
