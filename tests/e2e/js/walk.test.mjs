// From an empty server to an organisation with two members, a role of its own, a branded application, a metered
// route and a chart that shows its calls, by pages and mails alone; then every page of the console that a link leads
// to, at every width.
// With DOORWARD_PICTURES, the pictures of the documentation are taken on the way (`cargo xtask pictures`).

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
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
  root = await firstOne({ email: 'grace@example.com', name: 'Grace Hopper' });
});

after(async () => {
  await browser?.close();
  await mails.close();
});

// Whoever has started the server opens the link that it has printed.
async function firstOne(one) {
  const page = await open(browser);
  await page.goto(/\S+\/setup\?token=\S+/.exec(fs.readFileSync(process.env.DOORWARD_SERVER_LOG, 'utf8'))[0]);
  await page.fill('input[autocomplete~="name"]', one.name);
  await page.fill('input[autocomplete~="email"]', one.email);
  await page.fill('input[autocomplete~="new-password"]', password);
  await send(page);
  silent(page);
  await page.context().close();
  return { ...one, password };
}

// An account is made in the console; its person chooses a password behind the mailed link.
async function invited(page, one) {
  await enter(page, '/console/users/new', one);
  const own = await open(browser, { javaScriptEnabled: false });
  await own.goto(link(await mails.take(one.email)));
  await own.fill('input[autocomplete~="new-password"]', password);
  await send(own);
  await own.context().close();
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
    const field = page.locator(`[id="${id}"]`);
    if (text === true) await field.check();
    else if (await field.evaluate((it) => it.tagName === 'SELECT')) await field.selectOption(text);
    else await field.fill(text);
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
    const ada = await invited(page, { email: `ada@${slug}.example`, name: 'Ada Lovelace' });
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
    await enter(owner, `${team}/roles/new`, { name: 'auditor', 'org:members:read': true, 'org:usage:read': true });
    await owner.goto(`${issuer}${team}/members`);
    assert.equal(await owner.locator('table tbody tr').count(), 2);
    const joined = await owner.getByRole('link', { name: email }).getAttribute('href');
    await enter(owner, joined, { role: 'auditor' });
    assert.match(await body(owner), /auditor/);
    await owner.goto(`${issuer}${team}`);
    if (javaScriptEnabled) await picture(owner, 'organization');

    // An application of it that looks like it.
    await enter(owner, `${team}/applications/new/browser`, { name: `${name} Reports`, redirect_uris: 'http://127.0.0.1:5173/callback' });
    const [, client] = /const client = '([^']+)'/.exec(await owner.locator('#module').innerText());
    const its = await owner.locator('main a.button[href*="/applications/cli_"]').getAttribute('href');
    await enter(owner, `${its}/branding`, { name: `${name} Reports`, primary_color: '#0f766e' }, 'main button[value="save"]');
    const stranger = await open(browser, { javaScriptEnabled });
    await stranger.goto(`${issuer}/oauth2/authorize?client_id=${client}&response_type=code&scope=openid+email`
      + '&redirect_uri=http%3A%2F%2F127.0.0.1%3A5173%2Fcallback'
      + '&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256');
    assert.match(await stranger.title(), new RegExp(name), 'the page wears the brand');
    if (javaScriptEnabled) await picture(stranger, 'sign-in');

    // A metered route: so many calls are told by the chart and its table.
    await enter(owner, `${team}/service-tokens/new`, { name: `${slug}-nightly`, current_password: password });
    const secret = await owner.locator('#secret').innerText();
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
