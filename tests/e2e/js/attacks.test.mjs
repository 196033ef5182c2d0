// What an attacker sends: forged tokens, redirects bent to somewhere else, bodies of the wrong shape
// and size, and a clock to tell accounts apart. Nothing is let in, and nothing breaks.

import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, createSign, generateKeyPairSync } from 'node:crypto';
import * as oidc from 'openid-client';
import { api, client, issuer, person } from './lib/management.mjs';
import { Person, forms } from './lib/person.mjs';

const redirect_uri = 'https://app.example/callback';
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
let ada;
let made;
let config;
let tokens;

before(async () => {
  ada = await person();
  made = await client();
  config = await oidc.discovery(new URL(issuer), made.client_id, made.client_secret, undefined, {
    execute: [oidc.allowInsecureRequests],
  });
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const back = await new Person({ ...ada, issuer }).authorize(oidc.buildAuthorizationUrl(config, {
    redirect_uri, scope: 'openid email offline_access', code_challenge_method: 'S256',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  }));
  tokens = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier });
});

const basic = () => `Basic ${Buffer.from(`${made.client_id}:${made.client_secret}`).toString('base64')}`;
const decoded = (token) => token.split('.').slice(0, 2).map((it) => JSON.parse(Buffer.from(it, 'base64url')));
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('forged access tokens open nothing', async () => {
  const [head, claims] = decoded(tokens.access_token);
  const { keys } = await (await fetch(`${issuer}/.well-known/jwks.json`)).json();
  const key = keys.find((it) => it.kid === head.kid);
  const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = own.publicKey.export({ format: 'jwk' });
  const es256 = (header, body) => {
    const text = `${encoded(header)}.${encoded(body)}`;
    const signature = createSign('SHA256').update(text).sign({ key: own.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  };
  const hs256 = (header, secret) => {
    const text = `${encoded(header)}.${encoded(claims)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const [, body, signature] = tokens.access_token.split('.');
  const later = { ...claims, exp: claims.exp + 86_400 };
  const forged = {
    'alg none': `${encoded({ ...head, alg: 'none' })}.${body}.`,
    'alg None with a signature': `${encoded({ ...head, alg: 'None' })}.${body}.${signature}`,
    'HS256 under the public key': hs256({ ...head, alg: 'HS256' }, pem),
    'HS256 under the public coordinates': hs256({ ...head, alg: 'HS256' }, key.x ?? key.n),
    'own key in the header': es256({ ...head, alg: 'ES256', jwk, kid: undefined }, claims),
    'own key by its address': es256({ ...head, alg: 'ES256', jku: 'http://127.0.0.1:9/jwks.json' }, claims),
    'own key under their kid': es256({ ...head, alg: 'ES256' }, claims),
    'a kid that is a path': es256({ ...head, alg: 'ES256', kid: '../../../../dev/null' }, claims),
    'a kid that is a statement': es256({ ...head, alg: 'ES256', kid: "x' OR '1'='1" }, claims),
    'a critical header': es256({ ...head, alg: 'ES256', crit: ['exp'] }, claims),
    'claims changed': `${encoded(head)}.${encoded(later)}.${signature}`,
    'a header changed': `${encoded({ ...head, typ: 'JWT' })}.${body}.${signature}`,
    'the signature cut': tokens.access_token.slice(0, -4),
    'the signature empty': `${encoded(head)}.${body}.`,
    'an ID token': tokens.id_token,
    'a refresh token': tokens.refresh_token,
    'two dots': '..',
    'five parts': `${tokens.access_token}.a.b`,
    'not base64': `${encoded(head)}.${body}.###`,
    'much too long': `${encoded(head)}.${'A'.repeat(20_000)}.${signature}`,
  };
  for (const [name, token] of Object.entries(forged)) {
    const answer = await fetch(`${issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } });
    assert.ok([400, 401, 431].includes(answer.status), `${name}: ${answer.status}`);
    assert.doesNotMatch(await answer.text(), /example\.com/, name);
    if (token === tokens.refresh_token) continue;
    const told = await fetch(`${issuer}/oauth2/introspect`, {
      method: 'POST', headers: { authorization: basic() }, body: new URLSearchParams({ token }),
    });
    assert.ok(told.status < 500, `${name}: introspection ${told.status}`);
    if (told.ok && name !== 'an ID token') assert.equal((await told.json()).active, false, name);
    const managed = await fetch(`${issuer}/api/v1/users`, { headers: { authorization: `Bearer ${token}` } });
    assert.ok([400, 401, 431].includes(managed.status), `${name}: API ${managed.status}`);
  }
  assert.equal((await fetch(`${issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } })).status, 200);
});

test('redirects go to registered addresses only', async () => {
  const bent = [
    'https://app.example/callback/', 'https://app.example/callback?x=1', 'https://app.example/callback#x',
    'https://app.example/Callback', 'https://app.example:444/callback', 'http://app.example/callback',
    'https://app.example.evil.example/callback', 'https://evil.example/callback', 'https://app.example@evil.example/callback',
    'https://app.example/callback/../evil', 'https://app.example/%63allback', 'https://app.example\\@evil.example/callback',
    '//app.example/callback', '/callback', 'javascript:alert(1)', 'data:text/html,x', 'https://app.example/callback%0d%0aSet-Cookie:x=1',
    'http://127.0.0.1/callback', 'https://app.example/callback ', 'HTTPS://APP.EXAMPLE/callback',
  ];
  for (const uri of bent) {
    const url = `${issuer}/oauth2/authorize?${new URLSearchParams({
      client_id: made.client_id, redirect_uri: uri, response_type: 'code', scope: 'openid', code_challenge: challenge, code_challenge_method: 'S256',
    })}`;
    const answer = await fetch(url, { redirect: 'manual' });
    const to = answer.headers.get('location');
    assert.ok(!to || new URL(to, issuer).origin === issuer, `${uri} led to ${to}`);
    assert.ok(answer.status < 500, `${uri}: ${answer.status}`);
    const page = to ? await fetch(new URL(to, issuer)) : answer;
    assert.ok(page.status >= 400 && page.status < 500, `${uri} got as far as a page with ${page.status}`);
  }
});

test('authorize refuses what a safe client never asks', async () => {
  const wrong = {
    unsupported_response_type: { response_type: 'token' },
    invalid_request: { code_challenge_method: 'plain' },
    invalid_scope: { scope: 'openid admin:*' },
  };
  for (const [code, more] of Object.entries(wrong)) {
    const asked = { client_id: made.client_id, redirect_uri, response_type: 'code', scope: 'openid', code_challenge: challenge, code_challenge_method: 'S256', state: 's', ...more };
    const out = await new Person({ ...ada, issuer }).authorize(`${issuer}/oauth2/authorize?${new URLSearchParams(asked)}`);
    assert.equal(out.searchParams.get('error'), code, out.href);
    assert.equal(out.searchParams.get('state'), 's');
    assert.equal(out.searchParams.get('iss'), issuer);
  }
  const bare = { client_id: made.client_id, redirect_uri, response_type: 'code', scope: 'openid' };
  const out = await new Person({ ...ada, issuer }).authorize(`${issuer}/oauth2/authorize?${new URLSearchParams(bare)}`);
  assert.equal(out.searchParams.get('error'), 'invalid_request', 'a code without PKCE');
});

test('a session cookie cannot be planted, a form cannot be posted from elsewhere', async () => {
  const page = await new Person({ ...ada, issuer }).follow('GET', `${issuer}/sign-in`);
  const form = forms(page.page.text).find((it) => it.method === 'POST');
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, {}]) {
    const answer = await fetch(new URL(form.action || '/sign-in', issuer), {
      method: 'POST', redirect: 'manual', headers, body: new URLSearchParams({ identifier: ada.email }),
    });
    assert.ok(answer.status >= 400 && answer.status < 500, `${JSON.stringify(headers)}: ${answer.status}`);
  }
});

test('bodies of the wrong shape and size get a standard answer', async () => {
  const oauth = ['token', 'par', 'introspect', 'revoke'].map((it) => `/oauth2/${it}`);
  const json = ['users', 'clients', 'apis'].map((it) => `/api/v1/${it}`);
  const forms_ = ['/sign-in', '/sign-up', '/forgot', '/setup', '/oauth2/authorize', '/oauth2/logout'];
  const long = 'a'.repeat(1_500_000);
  const bodies = [
    ['application/x-www-form-urlencoded', ''], ['application/x-www-form-urlencoded', '%%%=%zz&&&=&'],
    ['application/x-www-form-urlencoded', 'grant_type=authorization_code&grant_type=refresh_token'],
    ['application/x-www-form-urlencoded', 'grant_type=%00%ff&token=%f0%28%8c%28'],
    ['application/x-www-form-urlencoded', `token=${long}`],
    ['application/json', '{'], ['application/json', '[]'], ['application/json', 'null'], ['application/json', '{"email":{"a":1}}'],
    ['application/json', '{"name":"\\u0000"}'], ['application/json', `${'['.repeat(50_000)}`],
    ['application/json', `{"name":"${long}"}`], ['text/plain', 'hello'], ['multipart/form-data; boundary=x', '--x'],
    ['application/json; charset=utf-16', '{}'],
  ];
  for (const path of [...oauth, ...json, ...forms_]) {
    for (const [type, body] of bodies) {
      const authorization = path.startsWith('/api') ? `Bearer ${process.env.DOORWARD_BOOTSTRAP}` : basic();
      const answer = await fetch(`${issuer}${path}`, {
        method: 'POST', redirect: 'manual', headers: { 'content-type': type, authorization }, body,
      });
      const what = `${path} ${type} ${body.slice(0, 40)}: ${answer.status}`;
      const text = await answer.text();
      assert.ok(answer.status < 500 && answer.status >= 200, what);
      if (oauth.includes(path) && answer.status !== 200) assert.ok(JSON.parse(text).error, `${what} ${text}`);
      if (json.includes(path)) {
        assert.ok(answer.status >= 400, what);
        assert.equal(answer.headers.get('content-type'), 'application/problem+json', what);
        assert.ok(JSON.parse(text).code, what);
      }
    }
    for (const method of ['PUT', 'TRACE', 'DELETE', 'PROPFIND'].filter((it) => it !== 'TRACE')) {
      const answer = await fetch(`${issuer}${path}`, { method, redirect: 'manual' });
      assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${path}: ${answer.status}`);
    }
  }
});

test('the token endpoint tells the OAuth errors apart', async () => {
  const ask = async (fields, headers = { authorization: basic() }) => {
    const answer = await fetch(`${issuer}/oauth2/token`, { method: 'POST', headers, body: new URLSearchParams(fields) });
    const body = await answer.json();
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    return [answer.status, body.error];
  };
  assert.deepEqual(await ask({ grant_type: 'password', username: 'a', password: 'b' }), [400, 'unsupported_grant_type']);
  assert.deepEqual(await ask({}), [400, 'invalid_request']);
  assert.deepEqual(await ask({ grant_type: 'authorization_code', code: 'dw_ac_nonsense', redirect_uri }), [400, 'invalid_grant']);
  assert.deepEqual(await ask({ grant_type: 'refresh_token', refresh_token: 'dw_rt_nonsense' }), [400, 'invalid_grant']);
  assert.deepEqual(await ask({ grant_type: 'client_credentials' }), [400, 'unauthorized_client']);
  const wrong = { authorization: `Basic ${Buffer.from(`${made.client_id}:wrong`).toString('base64')}` };
  assert.deepEqual(await ask({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token }, wrong), [401, 'invalid_client']);
  const stranger = { authorization: `Basic ${Buffer.from('nobody:wrong').toString('base64')}` };
  assert.deepEqual(await ask({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token }, stranger), [401, 'invalid_client']);
  const other = await client();
  const theirs = { authorization: `Basic ${Buffer.from(`${other.client_id}:${other.client_secret}`).toString('base64')}` };
  assert.deepEqual(await ask({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token }, theirs), [400, 'invalid_grant']);
});

test('guessing is slowed down, and a stranger locks nobody out', async () => {
  const [victim, neighbour] = [await person(), await person()];
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri, scope: 'openid', code_challenge: challenge, code_challenge_method: 'S256',
  });
  const isIn = async (who) => {
    const own = await who.authorize(url);
    assert.ok(own.searchParams.get('code'), own.href);
  };
  const atHome = new Person({ ...victim, issuer, from: '127.0.0.2' });
  await isIn(atHome);
  const guess = async (email, password, from) => {
    const at = new Person({ email, password, issuer, from });
    let step = await at.follow('GET', `${issuer}/sign-in`);
    step = await at.answer(step.page);
    return (await at.answer(step.page)).page;
  };
  let slowed = 0;
  for (let round = 0; round < 60; round += 1) {
    const page = await guess(victim.email, 'certainly not this one', `127.0.0.${10 + (round % 3)}`);
    if (page.status === 429) {
      slowed += 1;
      assert.ok(Number(page.headers['retry-after']) <= 30, page.headers['retry-after']);
    }
  }
  assert.ok(slowed > 30, `${slowed} of 60 guesses were slowed down`);
  const right = await guess(victim.email, victim.password, '127.0.0.10');
  assert.equal(right.status, 429, 'a guesser waits, right or wrong');
  await isIn(new Person({ ...victim, issuer, from: '127.0.0.3' }));
  await isIn(new Person({ ...neighbour, issuer, from: '127.0.0.10' }));
  atHome.cookies.delete('doorward_form');
  await isIn(atHome);
});

test('one\'s own thing is 404 for others', async () => {
  assert.equal((await fetch(`${issuer}/api/v1/users`)).status, 401);
  await api('GET', 'users/usr_00000000000000000000000000', undefined, { status: 404 });
});
