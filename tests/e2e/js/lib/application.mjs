// An application on loopback that signs people in with `openid-client`, as its owner would write it.

import http from 'node:http';
import * as oidc from 'openid-client';
import { client, issuer } from './management.mjs';

export class Application {
  static async start() {
    const app = new Application();
    app.server = http.createServer((request, response) => {
      app.answer(request, response).catch((error) => page(response, `<h1>Failed</h1><pre>${error.stack}</pre>`, 500));
    });
    await new Promise((done) => { app.server.listen(0, '127.0.0.1', done); });
    app.url = `http://localhost:${app.server.address().port}`;
    const made = await client({
      name: 'Sample notes',
      redirect_uris: [`${app.url}/callback`],
      post_logout_redirect_uris: [`${app.url}/`],
    });
    app.config = await oidc.discovery(
      new URL(issuer), made.client_id, made.client_secret, undefined, { execute: [oidc.allowInsecureRequests] },
    );
    return app;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => { this.server.close(done); });
  }

  async answer(request, response) {
    const url = new URL(request.url, this.url);
    switch (url.pathname) {
      case '/':
        return page(response, this.tokens
          ? `<h1>Signed in</h1><p id="who">${this.info.email}</p><p><a href="/logout">Sign out</a></p>`
          : '<h1>Sample notes</h1><p><a href="/login">Sign in</a></p>');
      case '/login': {
        this.verifier = oidc.randomPKCECodeVerifier();
        this.state = oidc.randomState();
        this.nonce = oidc.randomNonce();
        return redirect(response, oidc.buildAuthorizationUrl(this.config, {
          redirect_uri: `${this.url}/callback`, scope: 'openid profile email', state: this.state, nonce: this.nonce,
          code_challenge: await oidc.calculatePKCECodeChallenge(this.verifier), code_challenge_method: 'S256',
        }));
      }
      case '/callback':
        this.tokens = await oidc.authorizationCodeGrant(this.config, url, {
          pkceCodeVerifier: this.verifier, expectedState: this.state, expectedNonce: this.nonce,
        });
        this.info = await oidc.fetchUserInfo(this.config, this.tokens.access_token, this.tokens.claims().sub);
        return redirect(response, `${this.url}/`);
      case '/logout': {
        const id_token_hint = this.tokens.id_token;
        this.tokens = undefined;
        return redirect(response, oidc.buildEndSessionUrl(this.config, {
          id_token_hint, post_logout_redirect_uri: `${this.url}/`,
        }));
      }
      default:
        return page(response, '<h1>Not here</h1>', url.pathname === '/favicon.ico' ? 204 : 404);
    }
  }
}

function redirect(response, to) {
  response.writeHead(303, { location: String(to) }).end();
}

function page(response, body, status = 200) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
  response.end(status === 204 ? undefined : `<!doctype html><html lang="en"><head><title>Sample notes</title></head><body><main>${body}</main></body></html>`);
}
