// An OpenID provider on loopback that says what a test wants: it signs everybody in at once as Mallory, and
// lies where it is told to.

import crypto from 'node:crypto';
import http from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export const mallory = 'mallory@example.com';

export class Liar {
  // `lie`: claims over the right ones (null takes one out), a whole ID token, the parameters that come back,
  // or the answer of the token endpoint; nothing for the truth.
  static async start() {
    const liar = new Liar();
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    Object.assign(liar, { lie: {}, asked: [], nonces: new Map(), key: privateKey });
    liar.published = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
    liar.server = http.createServer((request, response) => { liar.answer(request, response); });
    await new Promise((done) => { liar.server.unref().listen(0, '127.0.0.1', done); });
    liar.url = `http://127.0.0.1:${liar.server.address().port}`;
    return liar;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => { this.server.close(done); });
  }

  async answer(request, response) {
    const url = new URL(request.url, this.url);
    this.asked.push(url.pathname);
    const json = (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json({
          issuer: this.url, authorization_endpoint: `${this.url}/authorize`, token_endpoint: `${this.url}/token`,
          jwks_uri: `${this.url}/keys`, authorization_response_iss_parameter_supported: true, ...this.lie.discovery,
        });
      case '/keys':
        return json(this.published);
      case '/authorize': {
        const code = crypto.randomUUID();
        const asked = url.searchParams;
        this.nonces.set(code, asked.get('nonce'));
        const to = new URL(asked.get('redirect_uri'));
        to.search = new URLSearchParams({ code, state: asked.get('state'), iss: this.url, ...this.lie.returns });
        return response.writeHead(302, { location: to.href }).end();
      }
      default:
        return this.token(request, response, json);
    }
  }

  async token(request, response, json) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const form = new URLSearchParams(Buffer.concat(parts).toString());
    if (this.lie.token) return this.lie.token(response);
    const seconds = Math.floor(Date.now() / 1000);
    const claims = Object.fromEntries(Object.entries({
      iss: this.url, sub: 'mallory', aud: 'doorward', nonce: this.nonces.get(form.get('code')), iat: seconds,
      exp: seconds + 300, email: mallory, email_verified: true, ...this.lie.claims,
    }).filter(([, value]) => value !== null));
    const sign = (key) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'JWT' }).sign(key);
    const id_token = await (this.lie.idToken ? this.lie.idToken(claims, sign) : sign(this.key));
    return json({ access_token: 'an-access-token', token_type: 'Bearer', id_token });
  }
}
