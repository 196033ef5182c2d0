// Signing in to an application with an account elsewhere: at a second Doorward, found by its discovery document,
// and at a provider of plain OAuth 2.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { Application } from './lib/application.mjs';
import { Dns } from './lib/dns.mjs';
import { examine, launch, open, press, silent, type } from './lib/browser.mjs';
import { api, issuer, person } from './lib/management.mjs';

const upstream = process.env.DOORWARD_UPSTREAM;
const password = 'plum orbit candle 93 gravel';
const dns = new Dns();
let browser, app, forge;

// What the second Doorward knows us as, when people come back to the provider of this name.
const downstream = (slug) => api('POST', 'clients', {
  name: 'Doorward downstream',
  type: 'confidential',
  redirect_uris: [`${issuer}/connect/${slug}/callback`],
  grant_types: ['authorization_code'],
  scopes: ['openid', 'profile', 'email'],
  token_endpoint_auth_method: 'client_secret_basic',
}, { at: upstream });

before(async () => {
  await dns.listen(Number(process.env.DOORWARD_DNS));
  browser = await launch();
  app = await Application.start();
  const client = await downstream('office');
  const work = await api('POST', 'providers', {
    slug: 'office', name: 'Work', issuer: upstream, client_id: client.client_id, client_secret: client.client_secret,
  });
  assert.equal(work.redirect_uri, `${issuer}/connect/office/callback`);
  const tested = await api('POST', 'providers/office/test', undefined, { status: 200 });
  assert.deepEqual(tested.problems, []);

  forge = spawn('python3', ['python/plain_provider.py'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [place] = await new Promise((done) => { readline.createInterface(forge.stdout).once('line', (line) => done([line])); });
  await api('POST', 'providers', {
    slug: 'forge', name: 'Forge', kind: 'oauth2', client_auth: 'post', client_id: 'doorward', client_secret: 'forge secret',
    authorization_endpoint: `${place}/authorize`, token_endpoint: `${place}/token`, userinfo_endpoint: `${place}/user`,
    scopes: ['read:user'],
    mapping: { subject: 'id', email: 'account.email', email_verified: 'account.confirmed', name: 'name' },
  });
});

after(async () => {
  forge?.kill();
  await browser?.close();
  await app?.stop();
  await dns.close();
});

const at = (page) => new URL(page.url()).pathname;
const follow = (page, target) => Promise.all([page.waitForNavigation(), press(page, target)]);
const enter = (page) => Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
const told = async (page, words) => {
  const text = await page.locator('body').innerText();
  assert.ok(text.includes(words), `“${words}” is not on ${page.url()}:\n${text}`);
};
const named = async (email) => (await api('GET', `users?email=${encodeURIComponent(email)}`)).items;
const worker = (email, more = {}) => api('POST', 'users', { email, password, name: 'Ada Lovelace', email_verified: true, ...more }, { at: upstream });

// From the application to the sign-in page, and by a button to the provider.
async function leave(page, name) {
  await page.goto(`${app.url}/login`);
  await told(page, 'Sample notes');
  await follow(page, page.getByRole('link', { name: `Continue with ${name}` }));
}

async function signInAtWork(page, email) {
  assert.ok(page.url().startsWith(upstream), page.url());
  await type(page, 'username', email);
  await enter(page);
  await type(page, 'current-password', password);
  await enter(page);
}

// Agrees wherever it is asked, until the application is reached.
async function reach(page) {
  for (let steps = 0; steps < 4 && !page.url().startsWith(app.url); steps += 1) {
    await follow(page, page.locator('button[value="allow"]'));
  }
  assert.ok(page.url().startsWith(app.url), page.url());
  return page.locator('#who').innerText();
}

for (const javaScriptEnabled of [true, false]) {
  test(`the first sign-in makes a person, the next is the same one, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const email = `ada${Number(javaScriptEnabled)}@work.example`;
    await worker(email);
    const page = await open(browser, { javaScriptEnabled });
    await leave(page, 'Work');
    await signInAtWork(page, email);
    assert.equal(await reach(page), email);
    const [first, ...others] = await named(email);
    assert.deepEqual([first.name, first.email_verified, others.length], ['Ada Lovelace', true, 0]);

    await page.goto(`${issuer}/account/security`);
    await told(page, 'Linked sign-ins');
    if (javaScriptEnabled) await examine(page, 'a linked sign-in');
    // Another day: this browser is signed in nowhere but there.
    await page.context().clearCookies({ domain: 'localhost' });
    await leave(page, 'Work');
    assert.equal(await reach(page), email);
    const again = await named(email);
    assert.deepEqual(again.map((it) => it.id), [first.id]);
    silent(page);
    await page.context().close();
  });
}

test('an address that somebody has is linked by the password of its account, and never before', async () => {
  const here = await person();
  await worker(here.email);
  const page = await open(browser);
  await leave(page, 'Work');
  await signInAtWork(page, here.email);
  await follow(page, page.locator('button[value="allow"]'));
  assert.equal(at(page), '/connect/link');
  await told(page, here.email);
  await examine(page, 'an account that is there');
  const linked = async () => (await api('GET', 'audit/events?code=user.connected')).items.filter((it) => it.subject === here.id).length;
  assert.equal(await linked(), 0);
  await type(page, 'current-password', password);
  await enter(page);
  await told(page, 'The email address or the password is wrong');
  assert.equal(await linked(), 0);
  await type(page, 'current-password', here.password);
  await enter(page);
  assert.equal(await reach(page), here.email);
  assert.equal(await linked(), 1);
  assert.deepEqual((await named(here.email)).map((it) => it.id), [here.id]);
  await page.context().close();
});

test('an address that is not verified there is refused, and the application is reached in another way', async () => {
  const here = await person();
  await worker(here.email, { email_verified: false });
  const page = await open(browser);
  await leave(page, 'Work');
  await signInAtWork(page, here.email);
  await follow(page, page.locator('button[value="allow"]'));
  assert.equal(at(page), '/sign-in');
  await told(page, 'does not vouch for a mail address of yours');
  await told(page, 'Sample notes');
  await examine(page, 'turned away');
  await page.reload();
  assert.ok(!(await page.locator('body').innerText()).includes('does not vouch'), 'it is said once');
  await type(page, 'username', here.email);
  await enter(page);
  await type(page, 'current-password', here.password);
  await enter(page);
  assert.equal(await reach(page), here.email);
  silent(page);
  await page.context().close();
});

test('who says no there may choose another provider for the same application', async () => {
  const email = 'eve@work.example';
  await worker(email);
  const page = await open(browser);
  await leave(page, 'Work');
  await signInAtWork(page, email);
  await follow(page, page.locator('button[value="deny"]'));
  assert.equal(at(page), '/sign-in');
  await told(page, 'you said no there');
  assert.deepEqual(await named(email), []);
  await follow(page, page.getByRole('link', { name: 'Continue with Forge' }));
  await forgeSays(page, { id: '41', email: 'octavia@forge.example', confirmed: true });
  assert.equal(await reach(page), 'octavia@forge.example');
  silent(page);
  await page.context().close();
});

async function forgeSays(page, { id, email, confirmed, say = 'yes' }) {
  await page.locator('input[name=id]').fill(id);
  await page.locator('input[name=email]').fill(email);
  if (confirmed) await page.locator('input[name=confirmed]').check();
  await Promise.all([page.waitForNavigation(), page.locator(`button[value=${say}]`).click()]);
}

test('plain OAuth 2: a person from its answer, known by the number whatever the address', async () => {
  const page = await open(browser, { javaScriptEnabled: false });
  await leave(page, 'Forge');
  await forgeSays(page, { id: '42', email: 'unsure@forge.example' });
  await told(page, 'does not vouch for a mail address of yours');
  assert.deepEqual(await named('unsure@forge.example'), []);
  await follow(page, page.getByRole('link', { name: 'Continue with Forge' }));
  await forgeSays(page, { id: '42', email: 'sure@forge.example', confirmed: true, say: 'no' });
  await told(page, 'you said no there');
  await follow(page, page.getByRole('link', { name: 'Continue with Forge' }));
  await forgeSays(page, { id: '42', email: 'sure@forge.example', confirmed: true });
  assert.equal(await reach(page), 'sure@forge.example');
  await page.context().clearCookies();
  await leave(page, 'Forge');
  await forgeSays(page, { id: '42', email: 'moved@forge.example' });
  assert.equal(await reach(page), 'sure@forge.example');
  assert.deepEqual([(await named('moved@forge.example')).length, (await named('sure@forge.example')).length], [0, 1]);
  await page.context().close();
});

test('people of an organisation sign in at its own provider, and nobody else by it', async () => {
  const acme = await api('POST', 'orgs', { name: 'Acme', slug: 'acme' });
  const domain = await api('POST', 'orgs/acme/domains', { domain: 'acme.example' });
  dns.records.set(domain.record, domain.value);
  await api('POST', 'orgs/acme/domains/acme.example/verify', undefined, { status: 200 });
  await api('PATCH', 'orgs/acme', { joined_by: 'domain' });
  const client = await downstream(`${acme.id}.sso`);
  const sso = await api('POST', 'orgs/acme/connections', {
    slug: 'sso', name: 'Acme login', issuer: upstream, client_id: client.client_id, client_secret: client.client_secret,
  });
  assert.equal(sso.redirect_uri, `${issuer}/connect/${acme.id}.sso/callback`);
  await worker('zoe@acme.example', { name: 'Zoe' });
  const page = await open(browser);
  await page.goto(`${app.url}/login`);
  assert.equal(await page.getByRole('link', { name: 'Continue with Acme login' }).count(), 0, 'it is not for everybody');
  await type(page, 'username', 'zoe@acme.example');
  await page.keyboard.press('Enter');
  // The domain of the address leads there.
  await page.waitForURL(`${upstream}/**`);
  assert.equal(await page.locator('input[autocomplete~="username"]').first().inputValue(), 'zoe@acme.example');
  await signInAtWork(page, 'zoe@acme.example');
  assert.equal(await reach(page), 'zoe@acme.example');
  const { items } = await api('GET', 'orgs/acme/members');
  assert.deepEqual(items.map((it) => [it.email, it.role]), [['zoe@acme.example', 'member']]);

  // The provider's owner makes whomever they like there: it says nothing of others here.
  const root = await person({ role: 'admin' });
  for (const email of [root.email, 'newcomer@elsewhere.example']) {
    await worker(email);
    await page.context().clearCookies();
    await page.goto(`${issuer}/connect/${sso.connection}`);
    await signInAtWork(page, email);
    await follow(page, page.locator('button[value="allow"]'));
    assert.equal(at(page), '/sign-in');
    await told(page, 'for people of one organisation');
    await page.goto(`${issuer}/account`);
    assert.equal(at(page), '/sign-in');
  }
  assert.deepEqual(await named('newcomer@elsewhere.example'), []);
  silent(page);
  await page.context().close();
});
