// From an empty server to an organisation with two members, a role of its own, a branded application, a metered
// route and a chart that shows its calls; then every page of the console that a link leads to, at every width.
// With DOORWARD_PICTURES, the pictures of the documentation are taken on the way (`cargo xtask pictures`).

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { launch, open, silent } from './lib/browser.mjs';
import { MailSink, link } from './lib/mail.mjs';
import { api, issuer } from './lib/management.mjs';
import { everyWidth } from './lib/widths.mjs';

const CALLS = 7;
const password = 'plum orbit candle 93 gravel';
const mails = new MailSink();
let browser;
let root;

before(async () => {
  await mails.listen();
  browser = await launch();
  root = await person({ email: 'grace@example.com', role: 'admin', name: 'Grace Hopper' });
});

after(async () => {
  await browser?.close();
  await mails.close();
});

async function person(one) {
  await api('POST', 'users', { password, email_verified: true, ...one });
  return { ...one, password };
}

const at = (page) => new URL(page.url()).pathname;
const body = (page) => page.locator('body').innerText();
const send = (page, selector = 'main form:not([role]) button:not([type=button])') => Promise.all([page.waitForNavigation(), page.locator(selector).last().click()]);

async function picture(page, name) {
  const folder = process.env.DOORWARD_PICTURES;
  if (!folder) return;
  await page.setViewportSize({ width: 1200, height: 720 });
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

async function signIn(page, who) {
  await page.fill('input[autocomplete~="username"]:not([hidden])', who.email);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await page.fill('input[autocomplete~="current-password"]', who.password);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
}

async function enter(page, path, fields, selector) {
  await page.goto(`${issuer}${path}`);
  for (const [id, text] of Object.entries(fields)) {
    const field = page.locator(`#${id}`);
    const kind = await field.evaluate((it) => it.tagName);
    await (kind === 'SELECT' ? field.selectOption(text) : field.fill(text));
  }
  await send(page, selector);
}

const call = (token) => fetch(`${issuer}/validate?profile=caddy`, {
  headers: {
    authorization: `Bearer ${token}`,
    'x-forwarded-method': 'GET', 'x-forwarded-host': 'reports.localhost', 'x-forwarded-uri': '/reports/1',
  },
});

for (const javaScriptEnabled of [true, false]) {
  const name = `Analytical ${javaScriptEnabled ? 'Engines' : 'Looms'}`;
  const slug = name.toLowerCase().replace(' ', '-');

  test(`${name}: from nothing to a chart, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const page = await open(browser, { javaScriptEnabled });
    await page.goto(`${issuer}/console`);
    await signIn(page, root);
    const ada = await person({ email: `ada@${slug}.example`, name: 'Ada Lovelace' });
    await enter(page, '/console/organizations/new', { name, slug, owner: ada.email });
    const team = at(page);
    assert.match(team, /^\/console\/organizations\/org_/);

    // Its owner invites somebody by mail, who joins.
    const owner = await open(browser, { javaScriptEnabled });
    await owner.goto(`${issuer}/console`);
    await signIn(owner, ada);
    assert.equal(at(owner), team, 'the one that she runs');
    const email = `charles@${slug}.example`;
    await enter(owner, `${team}/invitations/new`, { email });
    const member = await open(browser, { javaScriptEnabled });
    await member.goto(link(await mails.take(email)));
    await member.fill('input[autocomplete~="name"]', 'Charles Babbage');
    await member.fill('input[autocomplete~="new-password"]', password);
    await send(member, 'main form button[type=submit], main form button:not([type=button])');
    assert.match(await body(member), /You have joined/);

    // A role of its own, and who has it.
    await api('POST', `orgs/${slug}/roles`, { name: 'auditor', permissions: ['org:members:read', 'org:usage:read'] });
    const people = (await api('GET', `orgs/${slug}/members`)).items;
    assert.equal(people.length, 2);
    const joined = people.find((one) => one.email === email);
    await enter(owner, `${team}/members/${joined.user_id ?? joined.id}`, { role: 'auditor' });
    assert.match(await body(owner), /auditor/);
    await owner.goto(`${issuer}${team}`);
    if (javaScriptEnabled) await picture(owner, 'organization');

    // An application of it that looks like it.
    const app = await api('POST', 'clients', {
      client_id: slug, name: `${name} Reports`, type: 'public', org_id: team.split('/').at(-1),
      redirect_uris: ['https://reports.example/callback'], grant_types: ['authorization_code'], scopes: ['openid', 'email'],
    });
    await api('PATCH', `clients/${slug}/branding`, { name: `${name} Reports`, primary_color: '#0f766e' });
    const stranger = await open(browser, { javaScriptEnabled });
    await stranger.goto(`${issuer}/oauth2/authorize?client_id=${app.client_id}&response_type=code&scope=openid+email`
      + '&redirect_uri=https%3A%2F%2Freports.example%2Fcallback'
      + '&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256');
    assert.match(await stranger.title(), new RegExp(name), 'the page wears the brand');
    if (javaScriptEnabled) await picture(stranger, 'sign-in');

    // A metered route: so many calls are told by the chart and its table.
    const { secret } = await api('POST', 'service-tokens', {
      name: `${slug}-nightly`, scopes: ['reports:read'], org_id: team.split('/').at(-1),
    });
    const answers = await Promise.all(Array.from({ length: CALLS }, () => call(secret)));
    assert.deepEqual(answers.map((answer) => answer.status), Array(CALLS).fill(200));
    await owner.goto(`${issuer}${team}/usage`);
    const chart = owner.locator('svg[role="img"]').first();
    assert.ok(await chart.locator('title').count() && await chart.locator('desc').count());
    const numbers = await owner.locator('main table').first().locator('td').allTextContents();
    assert.equal(numbers.map(Number).filter(Boolean).reduce((sum, one) => sum + one, 0), CALLS, `${numbers}`);
    if (javaScriptEnabled) await picture(owner, 'usage');
    for (const one of [page, owner, member, stranger]) {
      silent(one);
      await one.context().close();
    }
  });
}

// Two addresses of one page differ in ids and in what they are narrowed down to.
const kind = (path) => path.split('?')[0].replace(/[a-z]{3}_[0-9a-z]{20,}/g, '*').replace(/\/members\/[^/]+/, '/members/*');

test('every page of the console that a link leads to', async () => {
  await api('POST', 'providers', {
    slug: 'walked', name: 'Walked', issuer: 'https://login.example', client_id: 'us', client_secret: 's',
  });
  const page = await open(browser);
  await page.goto(`${issuer}/console`);
  await signIn(page, root);
  const seen = new Map();
  const waiting = ['/console'];
  while (waiting.length > 0) {
    const path = waiting.shift();
    if (seen.has(kind(path))) continue;
    seen.set(kind(path), path);
    await everyWidth(page, path);
    silent(page);
    const links = await page.locator('a[href^="/console"]:not([download])').evaluateAll((all) => all.map((it) => it.getAttribute('href')));
    waiting.push(...links.filter((to) => !/\.(csv|json)(\?|$)/.test(to)));
    if (path === '/console/service-tokens') await picture(page, 'service-tokens');
  }
  assert.ok(seen.size >= 40, `only ${seen.size}: ${[...seen.keys()].join(' ')}`);
  const areas = await page.locator('ul.rooms a').evaluateAll((all) => all.map((it) => it.getAttribute('href')));
  assert.ok(areas.every((area) => seen.has(kind(area))), `${areas}`);
  await page.context().close();
});
