// Providers that lie, hang, are down or point elsewhere, and browsers that bring what is not theirs: nobody is
// signed in, nothing is made, and the page says what to do.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { base64url, generateKeyPair } from 'jose';
import { Liar, mallory } from './lib/liar.mjs';
import { api, issuer, person } from './lib/management.mjs';
import { Person } from './lib/person.mjs';

const strict = process.env.DOORWARD_STRICT;
const liar = await Liar.start();
const other = await Liar.start();
const seconds = () => Math.floor(Date.now() / 1000);

before(async () => {
  for (const [slug, place] of [['liar', liar], ['other', other]]) {
    await api('POST', 'providers', { slug, name: slug, issuer: place.url, client_id: 'doorward', client_secret: 'a secret' });
  }
});

after(() => Promise.all([liar.stop(), other.stop()]));

let browsers = 0;

// Somebody at a browser of their own, at an address of their own: what is refused is recorded once a minute for each.
const visitor = () => {
  browsers += 1;
  return new Person({ issuer, from: `127.0.1.${browsers}` });
};

// To the provider, which sends everybody straight back; answers the address that leads back.
async function leaves(browser, slug = 'liar') {
  const { out } = await browser.follow('GET', `${issuer}/connect/${slug}`);
  assert.ok(out, 'the provider answers for itself');
  const answer = await browser.ask('GET', out);
  assert.equal(answer.status, 302, answer.text);
  return answer.headers.location;
}

const isSignedIn = async (browser) => !(await browser.follow('GET', `${issuer}/account`)).page.url.href.includes('/sign-in');

async function isTurnedAway(browser, at, words) {
  assert.equal(at.page?.status, 200, at.page?.text);
  assert.equal(at.page.url.pathname, '/sign-in', at.page.text);
  assert.ok(at.page.text.includes(words), at.page.text);
  assert.equal(await isSignedIn(browser), false);
  assert.deepEqual((await api('GET', `users?email=${encodeURIComponent(mallory)}`)).items, []);
}

const unbelievable = 'answer cannot be believed';
const silent = 'Nothing was done. Try again in a moment';
const part = (object) => base64url.encode(JSON.stringify(object));

const lies = {
  'another nonce': { claims: { nonce: 'another' } },
  'no nonce': { claims: { nonce: null } },
  'another audience': { claims: { aud: 'somebody-else' } },
  'several audiences, and another party': { claims: { aud: ['doorward', 'somebody-else'], azp: 'somebody-else' } },
  'another issuer': { claims: { iss: other.url } },
  'an expired token': { claims: { exp: seconds() - 61, iat: seconds() - 400 } },
  'a token from the future': { claims: { iat: seconds() + 3600, exp: seconds() + 7200 } },
  'nobody in particular': { claims: { sub: null } },
  'another access token': { claims: { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' } },
  'no signature': { idToken: (claims) => `${part({ alg: 'none' })}.${part(claims)}.` },
  'a signature with our secret': { idToken: (claims) => `${part({ alg: 'HS256' })}.${part(claims)}.AAAA` },
  'another key of the same name': { idToken: async (_, sign) => sign((await generateKeyPair('ES256')).privateKey) },
  'no token at all': { idToken: () => undefined },
  'an answer that names another issuer': { returns: { iss: other.url } },
};

for (const [name, lie] of Object.entries(lies)) {
  test(`a provider that lies: ${name}`, async () => {
    const browser = visitor();
    liar.lie = lie;
    const back = await leaves(browser);
    await isTurnedAway(browser, await browser.follow('GET', back), unbelievable);
    liar.lie = {};
  });
}

test('every lie is in the audit trail with its reason', async () => {
  const { items } = await api('GET', 'audit/events?code=user.connect_refused&limit=100');
  const reasons = items.filter((it) => it.outcome === 'refused').map((it) => it.detail?.why);
  for (const why of ['not issued for this try', 'for another client', 'of another issuer', 'has expired', 'in the future']) {
    assert.ok(reasons.some((reason) => reason?.includes(why)), `${why}: ${reasons.join('\n')}`);
  }
});

test('a state is for one browser, one provider and once', async () => {
  const [browser, thief] = [visitor(), visitor()];
  const back = await leaves(browser);
  const over = async (who, address) => {
    const { page } = await who.follow('GET', address);
    assert.equal(page.status, 400, page.text);
    assert.ok(page.text.includes('This sign-in is over'), page.text);
    assert.equal(await isSignedIn(who), false);
  };
  // Somebody else's browser, with a state of its own and without.
  await over(thief, back);
  await leaves(thief);
  await over(thief, back);
  // The answer of one provider taken to another (mix-up).
  await over(browser, back.replace('/connect/liar/', '/connect/other/'));
  assert.ok(!other.asked.includes('/token'), 'the code went nowhere');
  liar.lie = { claims: { email: 'once@example.com', sub: 'once' } };
  const first = await browser.follow('GET', back);
  assert.equal(await isSignedIn(browser), true, first.page.text);
  liar.lie = {};
  const { page } = await browser.follow('GET', back);
  assert.equal(page.status, 400, page.text);
});

test('a provider that hangs is given up in time, and nobody else waits', async () => {
  const [browser, ada] = [visitor(), await person()];
  let isAsked;
  const asked = new Promise((done) => { isAsked = done; });
  liar.lie = { token: () => isAsked() };
  const back = await leaves(browser);
  const begun = performance.now();
  const waits = browser.follow('GET', back);
  await asked;
  const neighbour = new Person({ ...ada, issuer });
  let at = await neighbour.follow('GET', `${issuer}/account`);
  for (let steps = 0; steps < 2; steps += 1) at = await neighbour.answer(at.page);
  assert.equal(at.page.url.pathname, '/account', at.page.text);
  assert.equal(await Promise.race([waits, 'waits']), 'waits', 'the other one is still waiting');
  await isTurnedAway(browser, await waits, silent);
  assert.ok(performance.now() - begun < 11_000, 'ten seconds at the most');
  liar.lie = {};
});

test('a provider that is down, talks without end or sends us elsewhere', async () => {
  const nobody = net.createServer(() => assert.fail('a redirect was followed')).unref();
  await new Promise((done) => { nobody.listen(0, '127.0.0.1', done); });
  const elsewhere = `http://127.0.0.1:${nobody.address().port}/`;
  const answers = [
    [(response) => response.destroy(), silent],
    [(response) => response.writeHead(200, { 'content-type': 'application/json' }).end(`{"a":"${'x'.repeat(70_000)}"}`), silent],
    [(response) => response.writeHead(307, { location: elsewhere }).end(), unbelievable],
    [(response) => response.writeHead(200).end('<html>'), unbelievable],
  ];
  for (const [token, words] of answers) {
    const browser = visitor();
    liar.lie = { token };
    const back = await leaves(browser);
    await isTurnedAway(browser, await browser.follow('GET', back), words);
  }
  liar.lie = {};
  nobody.close();
  // Gone before anybody has left: the button leads back to the page it is on.
  const gone = await Liar.start();
  await api('POST', 'providers', { slug: 'gone', name: 'Gone', issuer: gone.url, client_id: 'doorward', client_secret: 'a secret' });
  await gone.stop();
  const browser = visitor();
  await isTurnedAway(browser, await browser.follow('GET', `${issuer}/connect/gone`), silent);
  // A discovery document that speaks for another, or leads out of https.
  for (const discovery of [{ issuer: other.url }, { token_endpoint: 'http://10.0.0.1/token' }, { jwks_uri: 'file:///etc/passwd' }]) {
    const place = await Liar.start();
    place.lie = { discovery };
    const slug = `doc${browsers}`;
    await api('POST', 'providers', { slug, name: slug, issuer: place.url, client_id: 'doorward', client_secret: 'a secret' });
    const guest = visitor();
    await isTurnedAway(guest, await guest.follow('GET', `${issuer}/connect/${slug}`), unbelievable);
    await place.stop();
  }
});

test('without allow.private_fetch no provider in the own network is asked anything', async () => {
  const before = liar.asked.length;
  await api('POST', 'providers', { slug: 'near', name: 'Near', issuer: liar.url, client_id: 'doorward', client_secret: 'a secret' }, { at: strict });
  const browser = new Person({ issuer: strict });
  const { page } = await browser.follow('GET', `${strict}/connect/near`);
  assert.ok(page.url.pathname === '/sign-in' && page.text.includes(silent), page.text);
  assert.equal(liar.asked.length, before);
});
