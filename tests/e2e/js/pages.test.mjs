// Every page that a person can meet: accessible in light and dark, silent, no wider than a phone.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { examine, launch, open, silent, type } from './lib/browser.mjs';
import { MailSink } from './lib/mail.mjs';
import { api, client, issuer, person } from './lib/management.mjs';
import { everyWidth } from './lib/widths.mjs';

const mails = new MailSink();
let browser;
let ada;

before(async () => {
  await mails.listen();
  browser = await launch();
  ada = await person();
});

after(async () => {
  await browser?.close();
  await mails.close();
});

async function signedIn() {
  const page = await open(browser);
  await page.goto(`${issuer}/account`);
  await type(page, 'username', ada.email);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await examine(page, 'password');
  await type(page, 'current-password', ada.password);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  assert.match(page.url(), /\/account/);
  return page;
}

for (const path of ['/sign-in', '/sign-up', '/forgot', '/sign-out', '/setup?token=unknown', '/verify?token=unknown',
  '/reset?token=unknown', '/unsubscribe?token=unknown', '/sign-in/mail', '/sign-in/mailed?token=unknown', '/invitation?token=unknown', '/nowhere', '/oauth2/authorize?client_id=unknown', '/api/docs']) {
  test(`a stranger at ${path}`, async () => {
    const page = await open(browser);
    const answer = await page.goto(`${issuer}${path}`);
    assert.ok(answer.status() < 500, `${answer.status()}`);
    assert.match(answer.headers()['content-type'], /text\/html/);
    const policy = answer.headers()['content-security-policy'];
    assert.ok(policy && !policy.includes('unsafe-inline'), policy);
    await examine(page, path);
    // Chromium itself reports the status of a page that was not found.
    page.complaints = page.complaints.filter((it) => !/status of 4\d\d/.test(it));
    silent(page);
    await page.context().close();
  });
}

test('a wrong password says so, ties it to the field and moves the focus there', async () => {
  const page = await open(browser);
  await page.goto(`${issuer}/sign-in`);
  await type(page, 'username', ada.email);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await type(page, 'current-password', 'certainly not this one');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  assert.ok(await page.locator('[aria-invalid="true"], [role="alert"]').count());
  await examine(page, 'wrong password');
  await page.context().close();
});

test('the account pages', async () => {
  const page = await signedIn();
  for (const room of ['', '/security', '/sessions', '/organizations', '/applications', '/keys', '/data']) {
    const answer = await page.goto(`${issuer}/account${room}`);
    assert.equal(answer.status(), 200, `/account${room}`);
    await examine(page, `account${room}`);
  }
  silent(page);
  await page.context().close();
});

test('news are agreed to, read, and left', async () => {
  const page = await signedIn();
  const news = page.locator('form[action="/account/news"]');
  await news.locator('input[type=checkbox]').check();
  await Promise.all([page.waitForNavigation(), news.locator('button').click()]);
  silent(page);
  await page.context().close();
  await api('POST', 'announcements', { subject: 'News', text: '# News\n\nThere is **more**.' });
  const { headers } = await mails.take(ada.email);
  const [, way] = /<(.+)>/.exec(headers.find((it) => it.key === 'list-unsubscribe').value);
  const reader = await open(browser);
  await everyWidth(reader, way.slice(issuer.length));
  await Promise.all([reader.waitForNavigation(), reader.locator('main form button').click()]);
  assert.match(await reader.locator('h1').innerText(), /no more/);
  await examine(reader, 'left');
  silent(reader);
  await reader.context().close();
});

test('consent, and choosing an account', async () => {
  const made = await client({ name: 'Consenting application' });
  const page = await signedIn();
  const ask = (more) => `${issuer}/oauth2/authorize?${new URLSearchParams({
    client_id: made.client_id, redirect_uri: 'https://app.example/callback', response_type: 'code', scope: 'openid email',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...more,
  })}`;
  await page.goto(ask());
  assert.match(await page.locator('h1').innerText(), /Consenting application/);
  await examine(page, 'consent');
  await page.goto(ask({ prompt: 'select_account' }));
  await examine(page, 'choose account');
  await page.goto(ask({ redirect_uri: 'https://elsewhere.example/' }));
  assert.ok(page.url().startsWith(issuer), 'an unproven redirect is never followed');
  await examine(page, 'refused redirect');
  await page.context().close();
});
