// Two processes over one database: what begins at one ends at the other.

import test from 'node:test';
import assert from 'node:assert/strict';
import * as oidc from 'openid-client';
import { client, issuer, person } from './lib/management.mjs';
import { Person } from './lib/person.mjs';

const second = process.env.DOORWARD_SECOND;
const redirect_uri = 'https://app.example/callback';

// The library, with every back-channel request sent to one of the two.
async function at(node, made) {
  const config = await oidc.discovery(new URL(issuer), made.client_id, made.client_secret, undefined, {
    execute: [oidc.allowInsecureRequests],
  });
  config[oidc.customFetch] = (url, options) => fetch(String(url).replace(issuer, node), options);
  return config;
}

test('codes, refresh tokens, introspection and revocation are known to both', async () => {
  const made = await client();
  const [one, two] = [await at(issuer, made), await at(second, made)];
  const ada = new Person({ ...(await person()), issuer });
  for (let round = 0; round < 5; round += 1) {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const back = await ada.authorize(oidc.buildAuthorizationUrl(one, {
      redirect_uri, scope: 'openid email offline_access', code_challenge_method: 'S256',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    }));
    const tokens = await oidc.authorizationCodeGrant(two, back, { pkceCodeVerifier });
    const next = await oidc.refreshTokenGrant(one, tokens.refresh_token);
    assert.equal((await oidc.tokenIntrospection(two, next.access_token)).active, true);
    assert.ok((await oidc.fetchUserInfo(two, next.access_token, tokens.claims().sub)).email);
    await oidc.tokenRevocation(two, next.refresh_token);
    await assert.rejects(oidc.refreshTokenGrant(one, next.refresh_token));
  }
});

test('two hundred at once redeem one code at both: one wins', async () => {
  const made = await client();
  const [one, two] = [await at(issuer, made), await at(second, made)];
  const ada = new Person({ ...(await person()), issuer });
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const back = await ada.authorize(oidc.buildAuthorizationUrl(one, {
    redirect_uri, scope: 'openid', code_challenge_method: 'S256',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  }));
  const tries = Array.from({ length: 200 }, (_, number) => (
    oidc.authorizationCodeGrant(number % 2 ? one : two, back, { pkceCodeVerifier })));
  const ends = await Promise.allSettled(tries);
  assert.equal(ends.filter((end) => end.status === 'fulfilled').length, 1);
  for (const end of ends) {
    if (end.status === 'rejected') assert.equal(end.reason.error, 'invalid_grant', String(end.reason.stack));
  }
});
