// npm `openid-client` against the real program: what an application does, by the library it would use.

import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import * as oidc from 'openid-client';
import { api, client, issuer, person } from './lib/management.mjs';
import { Person } from './lib/person.mjs';

const redirect_uri = 'https://app.example/callback';
const scope = 'openid profile email offline_access';
let ada;

before(async () => {
  ada = await person();
});

const discover = (made, auth) => oidc.discovery(
  new URL(issuer), made.client_id, { client_secret: made.client_secret }, auth, { execute: [oidc.allowInsecureRequests] },
);

const seat = (who = ada) => new Person({ ...who, issuer });

// A code with PKCE, state and nonce, by one person; answers the tokens.
async function signIn(config, at, { parameters = {}, options, par, dpop } = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedNonce = oidc.randomNonce();
  const expectedState = oidc.randomState();
  const all = {
    redirect_uri, scope, nonce: expectedNonce, state: expectedState, code_challenge_method: 'S256',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), ...parameters,
  };
  const url = par
    ? await oidc.buildAuthorizationUrlWithPAR(config, all, { DPoP: dpop })
    : oidc.buildAuthorizationUrl(config, all);
  const back = await at.authorize(url);
  const tokens = await oidc.authorizationCodeGrant(
    config, back, { pkceCodeVerifier, expectedNonce, expectedState, ...options }, undefined, { DPoP: dpop },
  );
  return { tokens, back };
}

const refusal = (code) => (error) => {
  assert.equal(error.error ?? error.cause?.error ?? error.message, code, String(error.stack));
  return true;
};

/** Who failed in the header is challenged there, which the client reports instead of the body. */
const unauthenticated = (error) => {
  if (error.code !== 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') return refusal('invalid_client')(error);
  assert.equal(error.status, 401);
  assert.equal(error.cause[0].scheme, 'basic');
  return true;
};

test('discovery, code with PKCE and nonce, userinfo', async () => {
  const config = await discover(await client());
  const { tokens, back } = await signIn(config, seat());
  assert.equal(back.searchParams.get('iss'), issuer);
  const claims = tokens.claims();
  assert.equal(claims.iss, issuer);
  assert.equal(claims.email, ada.email);
  assert.equal(tokens.token_type, 'bearer');
  assert.match(tokens.scope, /offline_access/);
  const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(info.email, ada.email);
  assert.equal(info.email_verified, true);
  assert.equal(info.name, 'Ada Lovelace');
});

test('a code is good once, and its tokens end when it comes back', async () => {
  const config = await discover(await client());
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const code_challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier);
  const url = oidc.buildAuthorizationUrl(config, { redirect_uri, scope, code_challenge, code_challenge_method: 'S256' });
  const back = await seat().authorize(url);
  const tokens = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier });
  await assert.rejects(oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier }), refusal('invalid_grant'));
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), refusal('invalid_grant'));
});

test('refresh rotates and keeps the person', async () => {
  const config = await discover(await client());
  const { tokens } = await signIn(config, seat());
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  assert.equal(next.claims().sub, tokens.claims().sub);
  const narrowed = await oidc.refreshTokenGrant(config, next.refresh_token, { scope: 'openid' });
  assert.equal(narrowed.scope, 'openid');
  await assert.rejects(oidc.refreshTokenGrant(config, narrowed.refresh_token, { scope: 'openid admin:*' }), refusal('invalid_scope'));
});

test('a public client signs in without a secret, on any loopback port', async () => {
  const made = await client({ type: 'public', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/callback'] });
  assert.equal(made.client_secret, undefined);
  const config = await discover(made, oidc.None());
  const { tokens } = await signIn(config, seat(), { parameters: { redirect_uri: 'http://127.0.0.1:53219/callback' } });
  assert.ok(tokens.claims().sub);
});

test('a secret is taken in the body and in the header, however it is registered', async () => {
  for (const method of ['client_secret_post', 'client_secret_basic']) {
    const made = await client({ token_endpoint_auth_method: method });
    for (const send of [oidc.ClientSecretPost, oidc.ClientSecretBasic]) {
      const config = await discover(made, send(made.client_secret));
      assert.ok((await signIn(config, seat())).tokens.access_token, `${method}: ${send.name}`);
      const wrong = await discover(made, send('dw_cs_wrong'));
      await assert.rejects(oidc.refreshTokenGrant(wrong, 'x'), unauthenticated);
    }
  }
});

test('introspection tells about one\'s own tokens, revocation ends them', async () => {
  const config = await discover(await client());
  const other = await discover(await client());
  const { tokens } = await signIn(config, seat());
  const told = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.equal(told.active, true);
  assert.equal(told.sub, tokens.claims().sub);
  assert.equal((await oidc.tokenIntrospection(other, tokens.access_token)).active, false);
  assert.equal((await oidc.tokenIntrospection(config, tokens.refresh_token)).active, true);
  await oidc.tokenRevocation(config, tokens.refresh_token);
  assert.equal((await oidc.tokenIntrospection(config, tokens.refresh_token)).active, false);
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), refusal('invalid_grant'));
  await oidc.tokenRevocation(config, 'dw_rt_unknown');
});

test('prompt=none answers at once, or says what is missing', async () => {
  const config = await discover(await client());
  const at = seat();
  await assert.rejects(signIn(config, at, { parameters: { prompt: 'none' } }), refusal('login_required'));
  const { tokens } = await signIn(config, at);
  const again = await signIn(config, at, { parameters: { prompt: 'none' } });
  assert.equal(again.tokens.claims().sub, tokens.claims().sub);
  const stranger = await discover(await client());
  await assert.rejects(signIn(stranger, at, { parameters: { prompt: 'none' } }), refusal('consent_required'));
});

test('max_age and prompt=login ask for the password again', async () => {
  const config = await discover(await client());
  const at = seat();
  const { tokens } = await signIn(config, at);
  await new Promise((done) => { setTimeout(done, 1100); });
  const again = await signIn(config, at, { parameters: { max_age: '1' }, options: { maxAge: 1 } });
  assert.ok(again.tokens.claims().auth_time > tokens.claims().auth_time);
  const kept = await signIn(config, at, { parameters: { max_age: '600' }, options: { maxAge: 600 } });
  assert.equal(kept.tokens.claims().auth_time, again.tokens.claims().auth_time);
  await assert.rejects(signIn(config, seat(), { parameters: { prompt: 'none', max_age: '0' } }), refusal('login_required'));
});

test('response_mode=form_post', async () => {
  const config = await discover(await client());
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const code_challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier);
  const parameters = { redirect_uri, scope, code_challenge, code_challenge_method: 'S256', response_mode: 'form_post' };
  const back = await seat().authorize(oidc.buildAuthorizationUrl(config, parameters));
  const request = new Request(redirect_uri, {
    method: 'POST', body: new URLSearchParams(back.hash.slice(1)),
  });
  const tokens = await oidc.authorizationCodeGrant(config, request, { pkceCodeVerifier });
  assert.ok(tokens.access_token);
});

test('a pushed authorization request', async () => {
  const config = await discover(await client());
  const { tokens } = await signIn(config, seat(), { par: true });
  assert.ok(tokens.claims().sub);
});

test('DPoP binds tokens to a key, with the server\'s nonce', async () => {
  const made = await client({ type: 'public', token_endpoint_auth_method: 'none' });
  const config = await discover(made, oidc.None());
  const dpop = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  const { tokens } = await signIn(config, seat(), { dpop });
  assert.equal(tokens.token_type, 'dpop');
  const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP: dpop });
  assert.equal(info.email, ada.email);
  await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), 'without a proof it opens nothing');
  const stolen = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: stolen }), refusal('invalid_dpop_proof'));
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: dpop });
  assert.equal(next.token_type, 'dpop');
});

test('private_key_jwt with a registered key', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'ES256' };
  const made = await client({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } });
  const key = await crypto.subtle.importKey(
    'pkcs8', privateKey.export({ format: 'der', type: 'pkcs8' }), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'],
  );
  const config = await discover(made, oidc.PrivateKeyJwt({ key, kid: 'one' }));
  const { tokens } = await signIn(config, seat(), { par: true });
  assert.ok(tokens.claims().sub);
  const intruder = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  const forged = await discover(made, oidc.PrivateKeyJwt({ key: intruder.privateKey, kid: 'one' }));
  await assert.rejects(oidc.refreshTokenGrant(forged, tokens.refresh_token), refusal('invalid_client'));
});

test('client credentials', async () => {
  await api('POST', 'apis', { name: 'Bills', identifier: 'https://bills.example', scopes: [{ name: 'bills:read' }] });
  const made = await client({ grant_types: ['client_credentials'], redirect_uris: [], scopes: ['bills:read'] });
  const config = await discover(made);
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'bills:read', resource: 'https://bills.example' });
  assert.equal(tokens.scope, 'bills:read');
  await assert.rejects(oidc.clientCredentialsGrant(config, { scope: 'bills:read' }), refusal('invalid_scope'));
  assert.equal(tokens.refresh_token, undefined);
  const told = await oidc.tokenIntrospection(config, tokens.access_token);
  assert.equal(told.active, true);
  assert.equal(told.client_id, made.client_id);
  assert.equal(told.sub, made.client_id);
  await assert.rejects(oidc.clientCredentialsGrant(config, { scope: 'admin:*' }), refusal('invalid_scope'));
});

test('a resource gets a token of its own', async () => {
  await api('POST', 'apis', { name: 'Reports', identifier: 'https://reports.example', scopes: [{ name: 'reports:read' }] });
  const config = await discover(await client({ scopes: ['openid', 'offline_access', 'reports:read'] }));
  const { tokens } = await signIn(config, seat(), {
    parameters: { resource: 'https://reports.example', scope: 'openid offline_access reports:read' },
  });
  const { aud, scope } = JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url'));
  assert.deepEqual({ aud, scope }, { aud: 'https://reports.example', scope: 'reports:read' });
  assert.ok(tokens.claims().sub && tokens.refresh_token);
});

test('logout ends the session and comes back', async () => {
  const made = await client({ post_logout_redirect_uris: ['https://app.example/bye'] });
  const config = await discover(made);
  const at = seat();
  const { tokens } = await signIn(config, at);
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token, post_logout_redirect_uri: 'https://app.example/bye', state: 'x1',
  });
  const { out } = await at.follow('GET', url);
  assert.equal(out?.href, 'https://app.example/bye?state=x1');
  await assert.rejects(signIn(config, at, { parameters: { prompt: 'none' } }), refusal('login_required'));
});
