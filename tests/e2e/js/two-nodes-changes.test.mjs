// Two processes over one database: what is ended at one is over at the other, within a second of a
// machine that has time. Every answer is asked for before the change, so that whatever a process
// remembers between requests is remembered then.

import test from 'node:test';
import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { api, client, issuer, person } from './lib/management.mjs';
import { Person } from './lib/person.mjs';

const second = process.env.DOORWARD_SECOND;
const redirect_uri = 'https://app.example/callback';
// Promised is one second; a busy machine may stretch it.
const PATIENCE = 10_000;

const at = (path) => path.replace(issuer, second);

async function takesEffect(t, what, holds) {
  const begun = performance.now();
  while (!(await holds())) {
    assert.ok(performance.now() - begun < PATIENCE, `${what} has not reached the other process`);
    await new Promise((done) => { setTimeout(done, 20); });
  }
  t.diagnostic(`${what}: ${Math.round(performance.now() - begun)} ms`);
}

// A person at the first process with tokens of an application, all of it known to the second one.
async function scene(more = {}) {
  const ada = await person();
  const made = await client(more);
  const config = await oidc.discovery(new URL(issuer), made.client_id, made.client_secret, undefined, {
    execute: [oidc.allowInsecureRequests],
  });
  const browser = new Person({ ...ada, issuer });
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const back = await browser.authorize(oidc.buildAuthorizationUrl(config, {
    redirect_uri, scope: 'openid email offline_access', code_challenge_method: 'S256',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  }));
  const tokens = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier });
  const basic = `Basic ${Buffer.from(`${made.client_id}:${made.client_secret}`).toString('base64')}`;
  const post = (path, fields) => fetch(`${second}${path}`, {
    method: 'POST', headers: { authorization: basic }, body: new URLSearchParams(fields),
  });
  const there = {
    active: async (token = tokens.access_token) => (await (await post('/oauth2/introspect', { token })).json()).active,
    userinfo: async () => (await fetch(`${second}/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })).status,
    refresh: async () => (await (await post('/oauth2/token', {
      grant_type: 'refresh_token', refresh_token: tokens.refresh_token,
    })).json()).error,
    authenticates: async () => (await post('/oauth2/introspect', { token: 'x' })).status,
    account: async () => {
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      return (await fetch(`${second}/account`, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' })).status;
    },
  };
  for (let round = 0; round < 3; round += 1) {
    assert.equal(await there.active(), true);
    assert.equal(await there.userinfo(), 200);
    assert.equal(await there.authenticates(), 200);
    assert.equal(await there.account(), 200);
  }
  return { ada, made, config, browser, tokens, there };
}

test('a revoked token', async (t) => {
  const { config, tokens, there } = await scene();
  await oidc.tokenRevocation(config, tokens.refresh_token);
  await takesEffect(t, 'the access token is over', async () => !(await there.active()));
  await takesEffect(t, 'userinfo is closed', async () => (await there.userinfo()) === 401);
  await takesEffect(t, 'the refresh token is over', async () => (await there.refresh()) === 'invalid_grant');
});

test('a suspended person, and back', async (t) => {
  const { ada, there } = await scene();
  await api('POST', `users/${ada.id}/suspend`, undefined, { status: 200 });
  await takesEffect(t, 'the access token is over', async () => !(await there.active()));
  await takesEffect(t, 'userinfo is closed', async () => (await there.userinfo()) === 401);
  await takesEffect(t, 'the session is over', async () => (await there.account()) === 303);
  assert.equal(await there.refresh(), 'invalid_grant');
  await api('POST', `users/${ada.id}/resume`, undefined, { status: 200 });
  assert.equal(await there.active(), false, 'what has ended stays so');
  const again = new Person({ ...ada, issuer: second });
  await takesEffect(t, 'the person can come back', async () => {
    let step = await again.follow('GET', `${second}/account`);
    for (let pages = 0; pages < 2; pages += 1) {
      if (new URL(step.page.url).pathname === '/account') break;
      step = await again.answer(step.page);
    }
    return new URL(step.page.url).pathname === '/account' && step.page.status === 200;
  });
});

test('a suspended application, and back', async (t) => {
  const { made, there } = await scene();
  await api('POST', `clients/${made.client_id}/suspend`, undefined, { status: 200 });
  await takesEffect(t, 'it no longer authenticates', async () => (await there.authenticates()) === 401);
  await takesEffect(t, 'userinfo is closed', async () => (await there.userinfo()) === 401);
  await api('POST', `clients/${made.client_id}/resume`, undefined, { status: 200 });
  await takesEffect(t, 'it authenticates again', async () => (await there.authenticates()) === 200);
});

test('a session ended by its owner', async (t) => {
  const { ada, there } = await scene();
  await api('DELETE', `users/${ada.id}/sessions`);
  await takesEffect(t, 'the session is over', async () => (await there.account()) === 303);
});

test('an application whose redirect address has changed', async (t) => {
  const { made, browser } = await scene();
  await api('PATCH', `clients/${made.client_id}`, { redirect_uris: ['https://app.example/moved'] });
  const url = `${second}/oauth2/authorize?${new URLSearchParams({
    client_id: made.client_id, redirect_uri, response_type: 'code', scope: 'openid', prompt: 'none',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  })}`;
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  await takesEffect(t, 'the old address gets no answer', async () => {
    const answer = await fetch(url, { headers: { cookie }, redirect: 'manual' });
    return answer.status === 400 && !answer.headers.get('location');
  });
});

test('keys changed in an emergency', async (t) => {
  const { tokens, there } = await scene();
  const kids = async (node) => (await (await fetch(`${node}/.well-known/jwks.json`)).json()).keys.map((it) => it.kid);
  const [head] = tokens.access_token.split('.');
  const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url'));
  assert.ok((await kids(second)).includes(kid));
  const fresh = await api('POST', 'keys/rotate', { alg, emergency: true });
  await takesEffect(t, 'the new key is published', async () => (await kids(second)).includes(fresh.id));
  await takesEffect(t, 'the old key is not', async () => !(await kids(second)).includes(kid));
  await takesEffect(t, 'what it signed is over', async () => !(await there.active()) && (await there.userinfo()) === 401);
  const machine = await client({ grant_types: ['client_credentials'], redirect_uris: [], scopes: ['me:read'] });
  const answer = await fetch(at(`${issuer}/oauth2/token`), {
    method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'me:read' }),
    headers: { authorization: `Basic ${Buffer.from(`${machine.client_id}:${machine.client_secret}`).toString('base64')}` },
  });
  const { access_token } = await answer.json();
  const used = JSON.parse(Buffer.from(access_token.split('.')[0], 'base64url')).kid;
  assert.equal(used, fresh.id, 'the other process signs with the new key');
});
